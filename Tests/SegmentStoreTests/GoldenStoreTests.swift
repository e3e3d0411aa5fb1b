import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// The store in data/golden pins the format on disk: what was written once must stay readable, and the same records
/// must give the same bytes. With `RETORT_WRITE_GOLDEN=1` the test writes it anew, for a change that is meant.
@Suite struct GoldenStoreTests {
    static let storeID: UInt64 = 0x0123_4567_89AB_CDEF
    static let directory =
        String(#filePath.dropLast("Tests/SegmentStoreTests/GoldenStoreTests.swift".count)) + "data/golden/store"
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
        for number in 0..<24 { _ = try store.append([record(number)]) }
        store.noteLandmark(InputLandmark(row: 20, file: 0, byteOffset: 4000, line: 21))
        try store.close()
        store = try RecordStore.open(StoreFixture.root, options: options)
        for number in 24..<31 { _ = try store.append([record(number)]) }
        try store.sync()
        files.kill()
        // Zeros that say nothing.
        files.overwrite(StoreLayout(root: StoreFixture.root).reserve, with: nil)
    }

    private func record(_ number: Int) -> NewRecord { StoreFixture.record(number, failing: number % 6 == 2 ? 1 : nil) }

    @Test func theSameRecordsGiveTheSameBytes() throws {
        try write()
        if getenv("RETORT_WRITE_GOLDEN") != nil { try writeGolden() }
        let golden = try readGolden()
        #expect(
            golden.keys.sorted()
                == files.snapshot.keys.map { String($0.dropFirst(StoreFixture.root.count + 1)) }.sorted())
        for (name, bytes) in golden {
            #expect(files.snapshot[StoreFixture.root + "/" + name] == bytes, "\(name)")
        }
    }

    @Test func itIsReadAndGoesOn() throws {
        let golden = try readGolden()
        for part in [
            "responses/000001.jsonl.gz", "responses/000002.jsonl.gz", "failures/journal-", "responses/journal-",
            "index/run-", "index/checkpoint",
        ] {
            #expect(golden.keys.contains { $0.hasPrefix(part) }, "\(part)")
        }
        try files.createDirectory(StoreFixture.root)
        for (name, bytes) in golden { files.overwrite(StoreFixture.root + "/" + name, with: bytes) }
        let reader = try StoreReader(StoreFixture.root, options: options)
        try expectAll(reader.counters, reader.inputProgress)
        for number in 0..<31 {
            #expect(try reader.record(RecordKey("item-\(number)"))?.line == StoreFixture.line(record(number)))
        }
        let store = try RecordStore.open(StoreFixture.root, options: options)
        #expect(store.recovery.recoveredRecords > 0)
        #expect(store.recovery.damage.isEmpty && !store.recovery.indexWasRebuilt)
        try expectAll(store.counters, store.inputProgress)
        try store.close()
        #expect(try StoreFixture.rawLines(options).count == 31)
    }

    private func expectAll(_ counters: StoreCounters, _ progress: InputProgress) throws {
        #expect(counters.done == 26)
        #expect(counters.failed == 5)
        #expect(counters.failedByClass[1] == 5)
        #expect(counters.tallies[0] == 30 * 31 / 2)
        #expect(progress.identity == Hash128(high: 0xAB, low: 0xCD))
        #expect(progress.landmark.byteOffset == 4000)
    }

    private func readGolden() throws -> [String: [UInt8]] {
        let disk = PosixFileSystem()
        var golden: [String: [UInt8]] = [:]
        for directory in ["", "responses/", "failures/", "index/"] {
            for name in try disk.entries(of: Self.directory + "/" + directory)
            where name.contains(".") || name == "checkpoint" {
                golden[directory + name] = try disk.contents(
                    of: "\(Self.directory)/\(directory)\(name)", bytesMax: 1 << 20)
            }
        }
        return golden
    }

    private func writeGolden() throws {
        let disk = PosixFileSystem()
        for path in try readGolden().keys { try disk.remove(Self.directory + "/" + path) }
        for (path, bytes) in files.snapshot {
            let target = Self.directory + path.dropFirst(StoreFixture.root.count)
            try disk.createDirectory(target.directoryPart)
            try disk.open(target, .createEmpty).write(bytes, at: 0)
        }
    }
}

extension String {
    fileprivate var directoryPart: String { lastIndex(of: "/").map { String(self[..<$0]) } ?? "." }
}
