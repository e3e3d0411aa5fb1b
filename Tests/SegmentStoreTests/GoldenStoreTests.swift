import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// The stores in data/golden pin the format on disk: old stores must stay readable, and the same records must give the
/// same bytes as in the newest one. With `RETORT_WRITE_GOLDEN=1` the test writes that one again, for an intended
/// change.
@Suite struct GoldenStoreTests {
    static let storeID: UInt64 = 0x0123_4567_89AB_CDEF
    static let directory =
        String(#filePath.dropLast("Tests/SegmentStoreTests/GoldenStoreTests.swift".count)) + "data/golden/"
    /// By format version.
    private static func directory(_ version: Int) -> String {
        directory + (version == 1 ? "store" : "store-\(version)")
    }
    private let files = SimulatedFileSystem(seed: 1)
    private var options: StoreOptions {
        StoreFixture.options(files, block: 900, segment: 500, journal: 2000, delta: 16)
    }

    /// Two sessions, the second of which is killed: segments of both lanes, hints, runs, a checkpoint and journals.
    private func write() throws {
        let manifest = StoreManifest(
            storeID: Self.storeID, job: ["model": "m"], failureClasses: StoreFixture.classes, tallies: ["n"])
        var store = try RecordStore.create(StoreFixture.root, manifest: manifest, options: options)
        try store.beginInput(identity: Hash128(high: 0xAB, low: 0xCD), files: ["prompts.jsonl"])
        for number in 0..<24 { _ = try store.append(batch(number)) }
        try store.setMark(1000)
        store.noteLandmark(InputLandmark(row: 20, file: 0, byteOffset: 4000, line: 21))
        try store.close()
        store = try RecordStore.open(StoreFixture.root, options: options)
        for number in 24..<31 { _ = try store.append(batch(number)) }
        try store.setMark(2000)
        try store.sync()
        files.kill()
        // A file of zeros.
        files.overwrite(StoreLayout(root: StoreFixture.root).reserve, with: nil)
    }

    private func record(_ number: Int) -> NewRecord { StoreFixture.record(number, failing: number % 6 == 2 ? 1 : nil) }

    /// A record; for every fourth item preceded by a round, and for every fifth followed by a verdict.
    private func batch(_ number: Int) -> [NewRecord] {
        var batch = [record(number)]
        if number % 4 == 1 { batch.append(StoreFixture.round(number, 1, stating: 500 + number)) }
        if number % 5 == 0 { batch.append(StoreFixture.verdict(number, of: "judge", stating: 600 + number)) }
        return batch
    }

    @Test func theSameRecordsGiveTheSameBytes() throws {
        try write()
        if getenv("RETORT_WRITE_GOLDEN") != nil { try writeGolden() }
        let golden = try readGolden(2)
        #expect(
            golden.keys.sorted()
                == files.snapshot.keys.map { String($0.dropFirst(StoreFixture.root.count + 1)) }.sorted())
        for (name, bytes) in golden {
            #expect(files.snapshot[StoreFixture.root + "/" + name] == bytes, "\(name)")
        }
    }

    @Test(arguments: [1, 2]) func itIsReadAndGoesOn(version: Int) throws {
        let golden = try readGolden(version)
        for part in [
            "responses/000001.jsonl.gz", "responses/000002.jsonl.gz", "failures/journal-", "responses/journal-",
            "index/run-", "index/checkpoint",
        ] {
            #expect(golden.keys.contains { $0.hasPrefix(part) }, "\(part)")
        }
        try files.createDirectory(StoreFixture.root)
        for (name, bytes) in golden { files.overwrite(StoreFixture.root + "/" + name, with: bytes) }
        #expect(try StoreVerification.run(StoreFixture.root, options: options, deep: true).isClean)
        let reader = try StoreReader(StoreFixture.root, options: options)
        try expectAll(reader.counters, reader.inputProgress, version)
        #expect(try reader.mark() == (version == 1 ? 0 : 2000))
        for number in 0..<31 {
            #expect(try reader.record(RecordKey("item-\(number)"))?.line == StoreFixture.line(record(number)))
        }
        let store = try RecordStore.open(StoreFixture.root, options: options)
        #expect(store.recovery.recoveredRecords > 0)
        #expect(store.recovery.damage.isEmpty)
        // The index of a store with only two lanes is rebuilt, and the store has the newest version then.
        #expect(store.recovery.indexWasRebuilt == (version == 1))
        #expect(store.manifest.version == 2 && store.manifest.lanes?.count == 4)
        try expectAll(store.counters, store.inputProgress, version)
        try store.close()
        #expect(try StoreFixture.rawLines(options).count == (version == 1 ? 31 : 31 + 8 + 7))
        let again = try RecordStore.open(StoreFixture.root, options: options)
        #expect(again.recovery.isClean)
        _ = try again.append([StoreFixture.round(3, 1, stating: 7), StoreFixture.record(100)])
        try again.close()
        #expect(try StoreVerification.run(StoreFixture.root, options: options, deep: true).isClean)
    }

    private func expectAll(_ counters: StoreCounters, _ progress: InputProgress, _ version: Int) throws {
        #expect(counters.rounds == (version == 1 ? 0 : 8) && counters.verdicts == (version == 1 ? 0 : 7))
        #expect(counters.done == 26)
        #expect(counters.failed == 5)
        #expect(counters.failedByClass[1] == 5)
        #expect(counters.tallies[0] == 30 * 31 / 2)
        #expect(progress.identity == Hash128(high: 0xAB, low: 0xCD))
        // Version 1 has it in a checkpoint that is not read any more.
        #expect(progress.landmark.byteOffset == (version == 1 ? 0 : 4000))
    }

    private func readGolden(_ version: Int) throws -> [String: [UInt8]] {
        let disk = PosixFileSystem()
        var golden: [String: [UInt8]] = [:]
        for directory in ["", "responses/", "failures/", "rounds/", "verdicts/", "index/"] {
            for name in try disk.entries(of: Self.directory(version) + "/" + directory)
            where name.contains(".") || name == "checkpoint" || name == "MARK" {
                golden[directory + name] = try disk.contents(
                    of: "\(Self.directory(version))/\(directory)\(name)", bytesMax: 1 << 20)
            }
        }
        return golden
    }

    private func writeGolden() throws {
        let disk = PosixFileSystem()
        for path in try readGolden(2).keys { try disk.remove(Self.directory(2) + "/" + path) }
        for (path, bytes) in files.snapshot {
            let target = Self.directory(2) + path.dropFirst(StoreFixture.root.count)
            try disk.createDirectory(target.directoryPart)
            try disk.open(target, .createEmpty).write(bytes, at: 0)
        }
    }
}

extension String {
    fileprivate var directoryPart: String { lastIndex(of: "/").map { String(self[..<$0]) } ?? "." }
}
