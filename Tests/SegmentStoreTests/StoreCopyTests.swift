import Basics
import Dispatch
import TestSupport
import Testing

@testable import SegmentStore

/// Copies of a store while it is written, repeated copies, and crashes at each call.
@Suite struct StoreCopyTests {
    private static let target = "/copy"

    private func lines(_ root: String, _ files: SimulatedFileSystem) throws -> [Lane: [String: [UInt8]]] {
        try SampleStore(on: files, root: root).lines()
    }

    private func isClean(_ root: String, _ files: SimulatedFileSystem) throws -> Bool {
        try SampleStore(on: files, root: root).verify().isClean
    }

    /// At each call of the copy the run writes something.
    @Test func aCopyOfAStoreThatIsWrittenHasWhatWasThere() throws {
        let files = SimulatedFileSystem(seed: 3)
        let sample = SampleStore(on: files, root: StoreFixture.root)
        let store = try sample.create()
        let next = Locked(0)
        let write: @Sendable () -> Void = {
            let number = next.withLock { number in
                number += 1
                return number
            }
            let fails = number % 7 == 3
            _ = try? store.append([StoreFixture.record(number, failing: fails ? 1 : nil)])
            if number % 11 == 0 { try? store.sync() }
        }
        for _ in 0..<40 { write() }
        for _ in 0..<12 {
            let before = try lines(StoreFixture.root, files)
            let writer = DispatchGroup()
            DispatchQueue.global().async(group: writer) {
                for _ in 0..<30 { write() }
            }
            defer { writer.wait() }
            let report = try StoreCopy.run(StoreFixture.root, to: Self.target, options: sample.options)
            writer.wait()
            #expect(report.isLive && report.setAside == nil)
            let copied = try lines(Self.target, files)
            let now = try lines(StoreFixture.root, files)
            for (lane, lines) in before {
                for (id, line) in lines { #expect(copied[lane]?[id] == line, "\(id) is not in the copy") }
            }
            for (lane, lines) in copied {
                for (id, line) in lines { #expect(now[lane]?[id] == line, "\(id) is in the copy alone") }
            }
            #expect(try isClean(Self.target, files))
        }
        try store.close()
        let report = try StoreCopy.run(StoreFixture.root, to: Self.target, options: sample.options)
        #expect(!report.isLive)
        #expect(try lines(Self.target, files) == lines(StoreFixture.root, files))
        #expect(try StoreCopy.run(StoreFixture.root, to: Self.target, options: sample.options).bytes == 0)
    }

    /// The copy is interrupted at each of its calls, by kill and by power cut: what was copied before stays, and the
    /// next copy completes it.
    @Test(arguments: [true, false])
    func aCopyThatDiesIsCompletedByTheNext(isPowerCut: Bool) throws {
        let files = SimulatedFileSystem(seed: 5)
        let sample = SampleStore(on: files, root: StoreFixture.root)
        let store = try sample.create()
        try sample.fill(store, numbers: 0..<30)
        try store.sync()
        _ = try StoreCopy.run(StoreFixture.root, to: Self.target, options: sample.options)
        let early = try lines(Self.target, files)
        try sample.fill(store, numbers: 30..<80)
        try store.close()
        let whole = try lines(StoreFixture.root, files)
        var deaths = 0
        for call in 1... {
            let machine = files.fork(seed: UInt64(call))
            machine.die(duringCall: machine.calls + call)
            let options = StoreFixture.options(machine, block: 900, segment: 1500)
            _ = try? StoreCopy.run(StoreFixture.root, to: Self.target, options: options)
            guard machine.isDead else { break }
            deaths += 1
            if isPowerCut { machine.cutPower() } else { machine.kill() }
            if !isPowerCut {
                let after = try lines(Self.target, machine)
                for lane in Lane.outcomes {
                    for (id, line) in early[lane, default: [:]] where whole[lane]?[id] == line {
                        #expect(after[lane]?[id] == line, "call \(call): \(id) is gone from the copy")
                    }
                }
            }
            _ = try StoreCopy.run(StoreFixture.root, to: Self.target, removing: false, options: options) {
                () throws(RetortError) in
                do { return try lines(Self.target, machine) == whole } catch { return false }
            }
            #expect(try lines(Self.target, machine) == whole)
            // A power cut may lose the source's hints that were not durable; a run repairs both stores alike.
            if try isClean(StoreFixture.root, machine) { #expect(try isClean(Self.target, machine)) }
        }
        #expect(deaths > 20)
    }

    @Test func whatOnlyTheCopyHasIsPutAside() throws {
        let files = SimulatedFileSystem(seed: 7)
        let sample = SampleStore(on: files, root: StoreFixture.root)
        let store = try sample.create()
        try sample.fill(store, numbers: 0..<20)
        try store.close()
        _ = try StoreCopy.run(StoreFixture.root, to: Self.target, options: sample.options)
        // A run continues in the copy and is killed, so that its record is only in a journal.
        let other = try RecordStore.open(Self.target, options: sample.options)
        _ = try other.append([StoreFixture.record(500)])
        files.kill()
        let again = try RecordStore.open(StoreFixture.root, options: sample.options)
        try sample.fill(again, numbers: 20..<40)
        try again.close()
        let report = try StoreCopy.run(StoreFixture.root, to: Self.target, options: sample.options)
        #expect(report.setAside == "/copy.before-1")
        #expect(try lines("/copy.before-1", files)[.responses]?.count { $0.value == StoreFixture.line(.init500) } == 1)
        #expect(try lines(Self.target, files) == lines(StoreFixture.root, files))
    }

    @Test func anotherStoreIsNotOverwritten() throws {
        let files = SimulatedFileSystem(seed: 9)
        try SampleStore(on: files, root: "/other").make()
        let sample = try SampleStore(on: files, root: StoreFixture.root).make()
        let before = files.snapshot.filter { $0.key.hasPrefix("/other") }
        let error = #expect(throws: RetortError.self) {
            try StoreCopy.run(StoreFixture.root, to: "/other", options: sample.options)
        }
        #expect(error?.code == .configuration)
        #expect(files.snapshot.filter { $0.key.hasPrefix("/other") } == before)
        #expect(throws: RetortError.self) {
            try StoreCopy.run(StoreFixture.root, to: StoreFixture.root, options: sample.options)
        }
    }

    @Test func aMovedStoreIsInOnePlace() throws {
        let files = SimulatedFileSystem(seed: 11)
        let sample = try SampleStore(on: files, root: StoreFixture.root).make()
        let whole = try lines(StoreFixture.root, files)
        _ = try StoreCopy.run(StoreFixture.root, to: Self.target, removing: true, options: sample.options) { true }
        #expect(try lines(Self.target, files) == whole)
        #expect(!files.snapshot.keys.contains { $0.hasPrefix(StoreFixture.root + "/") })
        // A copy that is wrong twice is not accepted, and nothing is removed.
        let error = #expect(throws: RetortError.self) {
            try StoreCopy.run(Self.target, to: "/third", removing: true, options: sample.options) { false }
        }
        #expect(error?.code == .damagedData)
        #expect(try lines(Self.target, files) == whole)
    }
}

extension NewRecord {
    fileprivate static var init500: NewRecord { StoreFixture.record(500) }
}
