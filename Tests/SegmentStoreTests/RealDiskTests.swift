import Basics
import Foundation
import Testing

@testable import SegmentStore

/// Verification, repair and merge on the real file system, with real directories and a writer's thread.
@Suite struct RealDiskTests {
    let directory = TemporaryDirectory()

    private var options: StoreOptions {
        var options = StoreFixture.options(PosixFileSystem(), block: 4000, segment: 20_000, delta: 200)
        options.usesThread = true
        options.sync = .interval(.milliseconds(5))
        return options
    }

    private func make(_ name: String, _ numbers: Range<Int>) throws {
        let store = try create(name)
        for number in numbers {
            _ = try store.append([StoreFixture.record(number, failing: number % 9 == 0 ? 1 : nil)])
        }
        try store.close()
    }

    private func create(_ name: String) throws -> RecordStore {
        try RecordStore.create(
            root(name), job: ["model": "m"], failureClasses: StoreFixture.classes, tallies: ["n"], options: options)
    }

    private func root(_ name: String) -> String { directory.path + "/" + name }

    @Test func verifiesWhileAWriterAppends() throws {
        let store = try create("a")
        let end = Locked(false)
        let writer = Thread {
            for number in 0..<1500 {
                _ = try? store.append([StoreFixture.record(number, failing: number % 4 == 0 ? 1 : nil)])
            }
            for number in stride(from: 0, to: 1500, by: 8) { _ = try? store.append([StoreFixture.record(number)]) }
            try? store.close()
            end.withLock { $0 = true }
        }
        writer.start()
        var rounds = 0
        var last: UInt64 = 0
        while !end.withLock({ $0 }) {
            let report = try StoreVerification.run(root("a"), options: options, deep: true)
            #expect(report.problems == [])
            #expect(report.done >= last)
            last = report.done
            rounds += 1
        }
        #expect(rounds > 0)
        let report = try StoreVerification.run(root("a"), options: options, deep: true)
        #expect(report.isClean)
        #expect(report.done + report.failed == 1500)
        #expect(report.failed == 187)
    }

    @Test func mergesIntoADirectoryThatAppearsAsAWhole() throws {
        try make("a", 0..<700)
        try make("b", 600..<1200)
        // An empty directory, and one that a kill left behind.
        try FileManager.default.createDirectory(atPath: root("all"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: root("all.tmp-merge/responses"), withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: root("all.tmp-merge/responses/000009.jsonl.gz")))
        let report = try StoreMerge.run([root("a"), root("b")], into: root("all") + "/", options: options)
        #expect(report.counters.done + report.counters.failed == 1200)
        #expect(directory.names() == ["a", "all", "b"])
        #expect(
            directory.names("all") == ["LOCK", "failures", "index", "responses", "retort.json", "rounds", "verdicts"])
        #expect(try StoreVerification.run(root("all"), options: options, deep: true).isClean)
        try RecordStore.open(root("all"), options: options).close()
    }

    @Test func repairsWithTheIndexGone() throws {
        try make("a", 0..<700)
        let path = root("a") + "/responses/000001.jsonl.gz"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 4
        try bytes.write(to: URL(fileURLWithPath: path))
        try FileManager.default.removeItem(atPath: root("a") + "/index")
        #expect(try StoreVerification.run(root("a"), options: options, deep: true).problemCounts == [.block: 1])
        let report = try StoreRepair.run(root("a"), options: options)
        #expect(report.quarantined == 1)
        #expect(directory.names("a/quarantine").count == 1)
        #expect(directory.names() == ["a"])
        #expect(Int(report.counters.done + report.counters.failed) == 700 - report.recordsDropped)
        #expect(try StoreVerification.run(root("a"), options: options, deep: true).isClean)
    }
}
