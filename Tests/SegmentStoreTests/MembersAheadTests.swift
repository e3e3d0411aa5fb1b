import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// A merge with threads must give the same result as one without.
@Suite(.timeLimit(.minutes(1))) struct MembersAheadTests {
    private func members(of sample: SampleStore, onThread: Bool, upTo countMax: Int = .max) throws -> [BlockHeader] {
        let image = try StoreImage.load(sample.root, options: sample.options, mends: false)
        var headers: [BlockHeader] = []
        for (segment, end) in try image.segmentEnds(.responses) {
            let reader = try image.context.segment(.responses, segment)
            let members = MembersAhead(MemberCursor(reader, end: end), onThread: onThread)
            while headers.count < countMax, let member = try members.next() {
                #expect(member.bytes.count == member.header.memberBytes)
                headers.append(member.header)
            }
        }
        return headers
    }

    @Test func givesTheSameMembersWithAndWithoutAThread() throws {
        let sample = try SampleStore().make()
        let headers = try members(of: sample, onThread: true)
        #expect(headers.count > 5)
        #expect(headers == (try members(of: sample, onThread: false)))
        // A reader that stops early leaves no waiting thread behind.
        #expect(try members(of: sample, onThread: true, upTo: 2) == Array(headers.prefix(2)))
    }

    @Test(arguments: [true, false]) func throwsWhereAMemberIsDamaged(_ onThread: Bool) throws {
        let sample = try SampleStore().make()
        let path = sample.root + "/responses/000001.jsonl.gz"
        var bytes = sample.files.snapshot[path]!
        bytes[bytes.count - 20] ^= 1
        sample.files.overwrite(path, with: bytes)
        #expect(throws: RetortError.self) { _ = try members(of: sample, onThread: onThread) }
    }

    @Test func aMergeWithThreadsWritesTheSameFiles() throws {
        var fixture = MergeFixture()
        try fixture.add(0..<60, failing: [1, 30])
        try fixture.add(40..<100, failing: [41, 99])
        try fixture.checkedMerge()
        var options = fixture.options
        options.usesThread = true
        _ = try StoreMerge.run(fixture.roots, into: "/threaded", options: options)
        for directory in ["responses", "failures"] {
            func sizes(_ root: String) -> [String: Int] {
                let files = fixture.files.snapshot.filter { $0.key.hasPrefix("\(root)/\(directory)/") }
                return Dictionary(
                    uniqueKeysWithValues: files.map { (String($0.key.dropFirst(root.count)), $0.value.count) })
            }
            #expect(sizes("/threaded") == sizes(MergeFixture.target))
        }
        #expect(try StoreVerification.run("/threaded", options: options, deep: true).problems == [])
        #expect(try SampleStore(on: fixture.files, root: "/threaded").lines() == fixture.lines(MergeFixture.target))
    }
}
