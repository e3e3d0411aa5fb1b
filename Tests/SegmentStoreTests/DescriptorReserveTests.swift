import Basics
import Testing

@testable import SegmentStore

@Suite struct DescriptorReserveTests {
    private let directory = TemporaryDirectory()
    private let files = PosixFileSystem()

    /// The number of open files plus reserved descriptors is constant.
    @Test func aFileTakesWhatIsKeptForIt() throws {
        try files.keepDescriptors(5)
        #expect(files.reserve.kept == 5)
        var open: [any StoreFile] = []
        for number in 0..<3 { open.append(try files.open("\(directory.path)/\(number)", .createNew)) }
        #expect(files.reserve.kept == 2)
        let lock = try files.lock(directory.path + "/LOCK")
        #expect(files.reserve.kept == 1)
        // A file that is open only for a moment returns its descriptor.
        try files.syncDirectory(directory.path)
        #expect(try files.entries(of: directory.path).count == 4)
        #expect(files.reserve.kept == 1)
        for number in 3..<9 { open.append(try files.open("\(directory.path)/\(number)", .createNew)) }
        #expect(files.reserve.kept == 0)
        open.removeAll()
        #expect(files.reserve.kept == 4)
        lock.release()
        #expect(files.reserve.kept == 5)
    }

    @Test func whatCannotBeOpenedTakesNone() throws {
        try files.keepDescriptors(3)
        #expect(throws: RetortError.self) { try files.open("\(directory.path)/none", .read) }
        #expect(throws: RetortError.self) { try files.syncDirectory("\(directory.path)/none") }
        #expect(try files.entries(of: "\(directory.path)/none").isEmpty)
        #expect(files.reserve.kept == 3)
    }

    /// If another thread is faster, more are given up, one by one.
    @Test func givesUpMoreWhereOneIsNotEnough() throws {
        try files.keepDescriptors(2)
        files.reserve.take()
        #expect(files.reserve.kept == 1)
        #expect(files.reserve.takeAnother())
        #expect(!files.reserve.takeAnother())
        files.reserve.giveBack()
        #expect(files.reserve.kept == 2)
    }

    /// However much is written between two syncs, few journals are open.
    @Test func journalsThatAreOpenAreFew() throws {
        var journal = JournalWriter(
            .responses, storeID: 1, layout: StoreLayout(root: directory.path), files: files)
        try files.createDirectory(directory.path + "/responses")
        for sequence in 0..<100 {
            try journal.append(Array("line\n".utf8), count: 1, sequence: UInt64(sequence))
            journal.rotate(ifLargerThan: 1)
        }
        #expect(journal.closed.count == JournalWriter.closedMax(.responses))
        #expect(journal.takeObsolete(before: 50, closingFrom: 1).count == JournalWriter.closedMax(.responses))
        // With those retired, another file is begun.
        journal.rotate(ifLargerThan: 1)
        #expect(journal.closed.count == 1)
    }
}
