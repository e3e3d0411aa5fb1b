import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Raises the number of samples per row of an existing store.
@Suite struct StoreSamplesTests {
    private static let identity = Hash128(high: 5, low: 6)

    private func record(_ row: Int, _ sample: UInt32, failing: UInt8? = nil) -> NewRecord {
        NewRecord(
            key: RecordKey("row-\(row)", sample: sample), status: failing.map { .failed(classIndex: $0) } ?? .ok,
            attempts: 1, row: UInt64(row), fingerprint: 1, members: Array("\"n\":\(row)".utf8),
            tallies: Tallies([UInt64(row)]))
    }

    /// A store with one sample for each of forty rows, one of which failed.
    private func make(_ files: SimulatedFileSystem, closes: Bool = true) throws -> StoreOptions {
        let options = StoreFixture.options(files)
        let store = try StoreFixture.create(options)
        try store.beginInput(identity: Self.identity, files: ["input"])
        for row in 0..<40 { _ = try store.append([record(row, 0, failing: row == 7 ? 1 : nil)]) }
        try store.endInput(rows: 40)
        if closes { try store.close() } else { files.kill() }
        return options
    }

    @Test(arguments: [true, false])
    func theNewSamplesArePending(closes: Bool) throws {
        let options = try make(SimulatedFileSystem(seed: 1), closes: closes)
        let lines = try Lane.allCases.map { try StoreFixture.lines($0, options) }
        try StoreSamples.raise(StoreFixture.root, to: 3, job: ["model": "m", "samples": "3"], options: options)
        let manifest = try #require(try RecordStore.manifest(of: StoreFixture.root, files: options.files))
        #expect(manifest.samples == 3)
        #expect(manifest.job == ["model": "m", "samples": "3"])
        #expect(manifest.input?.forgotten == .samples)
        // The old item numbers are not used by any item now.
        let reader = try StoreReader(StoreFixture.root, options: options)
        #expect(reader.inputProgress.identity == Hash128(high: 0, low: 0))
        #expect(try Lane.allCases.map { try StoreFixture.lines($0, options) } == lines)
        let report = try StoreVerification.run(StoreFixture.root, options: options, deep: true)
        #expect(report.problems == [])
        #expect([report.inputs, report.done, report.failed, report.pending] == [120, 39, 1, 80])
        try goOn(options)
    }

    /// Reads the input again, with all samples.
    private func goOn(_ options: StoreOptions) throws {
        let store = try RecordStore.open(StoreFixture.root, options: options)
        try store.beginInput(identity: Self.identity, files: ["input"])
        var batch: [NewRecord] = []
        for row in 0..<40 { for sample in 0..<UInt32(3) { batch.append(record(row, sample)) } }
        #expect(try store.append(batch).duplicates == 39)
        try store.endInput(rows: 40)
        try store.close()
        let report = try StoreVerification.run(StoreFixture.root, options: options, deep: true)
        // A power cut may lose hints, which nothing depends on.
        #expect(report.problems.filter { $0.kind != .hints } == [])
        #expect([report.inputs, report.done, report.failed, report.pending] == [120, 120, 0, 0])
    }

    @Test func fewerOrAsManyChangeNothing() throws {
        let files = SimulatedFileSystem(seed: 1)
        let options = try make(files)
        try StoreSamples.raise(StoreFixture.root, to: 3, job: [:], options: options)
        let before = files.snapshot
        for samples in 1...3 {
            try StoreSamples.raise(StoreFixture.root, to: samples, job: ["other": "job"], options: options)
        }
        #expect(files.snapshot == before)
    }

    @Test func aStoreThatIsWrittenIsLeftAlone() throws {
        let options = try make(SimulatedFileSystem(seed: 1))
        let store = try RecordStore.open(StoreFixture.root, options: options)
        let error = #expect(throws: RetortError.self) {
            try StoreSamples.raise(StoreFixture.root, to: 2, job: [:], options: options)
        }
        #expect(error?.code == .busy)
        try store.close()
    }

    /// Interrupted at each call, the change has happened or not, and either way the samples can be added.
    @Test func survivesADeathAtEveryCall() throws {
        let original = SimulatedFileSystem(seed: 2)
        _ = try make(original)
        let start = original.calls
        let rehearsal = original.fork(seed: 0)
        try StoreSamples.raise(StoreFixture.root, to: 3, job: [:], options: StoreFixture.options(rehearsal))
        #expect(rehearsal.calls > start + 2)
        for call in start + 1...rehearsal.calls {
            for power in [false, true] {
                let files = original.fork(seed: UInt64(call))
                let options = StoreFixture.options(files)
                files.die(duringCall: call)
                _ = try? StoreSamples.raise(StoreFixture.root, to: 3, job: [:], options: options)
                power ? files.cutPower() : files.kill()
                let manifest = try #require(try RecordStore.manifest(of: StoreFixture.root, files: files))
                let report = try StoreVerification.run(StoreFixture.root, options: options, deep: true)
                #expect(report.problems.filter { $0.kind != .hints } == [], "call \(call - start)")
                #expect(report.inputs == UInt64(40 * manifest.samples))
                try StoreSamples.raise(StoreFixture.root, to: 3, job: [:], options: options)
                try goOn(options)
            }
        }
    }
}
