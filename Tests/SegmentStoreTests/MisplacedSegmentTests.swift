import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Misplaced segments and wrong manifests: the content of the others is still served, and none of their bytes are
/// removed.
@Suite struct MisplacedSegmentTests {
    private func check(_ sample: SampleStore, left: String, kinds: Set<VerificationReport.Problem.Kind>) throws {
        let before = sample.files.snapshot
        let good = try SampleStore(seed: 1).make().lines()
        for round in 0..<3 {
            let report = try sample.verify()
            #expect(!kinds.isDisjoint(with: report.problemCounts.keys), "\(left): \(report.problemCounts)")
            #expect(try StoreReader(sample.root, options: sample.options).damage.count == 1, "\(left)")
            var lines = try sample.lines()[.responses] ?? [:]
            for number in 0..<round { lines["item-\(1000 + number)"] = nil }
            #expect(lines == good[.responses], "\(left), round \(round)")
            let store = try RecordStore.open(sample.root, options: sample.options)
            #expect(store.recovery.damage.count == 1, "\(left)")
            _ = try store.append([StoreFixture.record(1000 + round)])
            try store.close()
            #expect(sample.files.snapshot[left] == before[left], "\(left)")
        }
        _ = try StoreRepair.run(sample.root, options: sample.options)
        #expect(try sample.verify().isClean, "\(left)")
    }

    @Test func failuresAmongTheResponses() throws {
        let sample = try SampleStore(seed: 1).make()
        let stray = StoreLayout(root: sample.root).segment(.responses, UInt32(sample.count(.responses) + 1))
        sample.files.overwrite(stray, with: sample.files.snapshot[sample.path("failures/000001.jsonl.gz")])
        try check(sample, left: stray, kinds: [.segment])
    }

    @Test func exchangedSegmentsAreToldAsSuch() throws {
        let sample = try SampleStore(seed: 1).make()
        let paths = Lane.outcomes.map { StoreLayout(root: sample.root).segment($0, 1) }
        let bytes = paths.map { sample.files.snapshot[$0]! }
        sample.files.overwrite(paths[0], with: bytes[1])
        sample.files.overwrite(paths[1], with: bytes[0])
        let blocks = try sample.verify().problems.filter { $0.kind == .block }
        #expect(blocks.map(\.message) == ["the segment is one of the failures", "the segment is one of the responses"])
        #expect(blocks.allSatisfy { $0.remedy.hasPrefix("Put the right file in its place") })
        // After they are put back, nothing is missing.
        for (path, content) in zip(paths, bytes) { sample.files.overwrite(path, with: content) }
        #expect(try sample.verify().isClean)
    }

    @Test func aCopyOfAnotherSegment() throws {
        let sample = try SampleStore(seed: 1).make()
        let stray = StoreLayout(root: sample.root).segment(.responses, UInt32(sample.count(.responses) + 1))
        sample.files.overwrite(stray, with: sample.files.snapshot[sample.path("responses/000001.jsonl.gz")])
        try check(sample, left: stray, kinds: [.segment])
    }

    @Test func ofAnotherStoreOrNone() throws {
        let other = try SampleStore(seed: 2).make()
        let foreign = other.files.snapshot[other.path("responses/000001.jsonl.gz")]!
        for content in [
            foreign, Array("no gzip at all, but some text that somebody has put there".utf8), [0x1F, 0x8B, 8, 8],
        ] {
            for number in [UInt32(0), StoreLimits.segmentsMax - 1] {
                let sample = try SampleStore(seed: 1).make()
                let next = number == 0 ? UInt32(sample.count(.responses) + 2) : number
                let stray = StoreLayout(root: sample.root).segment(.responses, next)
                sample.files.overwrite(stray, with: content)
                try check(sample, left: stray, kinds: [.segment])
            }
        }
    }

    @Test(arguments: ["1.jsonl.gz", "0000001.jsonl.gz", "000000.jsonl.gz", "16777216.jsonl.gz", "4294967296.jsonl.gz"])
    func namesThatAreNone(_ name: String) throws {
        let sample = try SampleStore(seed: 1).make()
        let stray = sample.path("responses/\(name)")
        sample.files.overwrite(stray, with: sample.files.snapshot[sample.path("responses/000001.jsonl.gz")])
        try check(sample, left: stray, kinds: [.segment])
    }

    @Test func theLastNumberIsTaken() throws {
        let sample = try SampleStore(seed: 1).make()
        let layout = StoreLayout(root: sample.root)
        // A valid segment with the maximum number, full: there is no next number.
        var header = sample.blocks(sample.path("responses/000001.jsonl.gz"))[0]
        let member = Array(sample.files.snapshot[sample.path("responses/000001.jsonl.gz")]![..<header.end])
        header.segment = StoreLimits.segmentsMax
        header.firstSequence = 5000
        sample.files.overwrite(
            layout.segment(.responses, StoreLimits.segmentsMax),
            with: header.encoded() + member.dropFirst(BlockHeader.bytes))
        var manifest = try StoreManifest.load(layout, files: sample.files)
        manifest.setSegment(
            .responses, StoreManifest.Segment(number: StoreLimits.segmentsMax, bytes: header.end, sealed: true))
        try manifest.save(layout, files: sample.files)
        #expect {
            try RecordStore.open(sample.root, options: sample.options)
        } throws: { ($0 as? RetortError)?.code == .damagedData }
        #expect(try StoreReader(sample.root, options: sample.options).record(RecordKey("item-1")) != nil)
    }

    /// A manifest of another store, or one that states less of a sealed segment than exists, costs no record.
    @Test func aLyingManifestDestroysNothing() throws {
        let sample = try SampleStore(seed: 1).make()
        let layout = StoreLayout(root: sample.root)
        let segments = sample.files.snapshot.filter { $0.key.hasSuffix(".gz") }
        let own = sample.files.snapshot[layout.manifest]!
        for bytes in [0, 1, 100, sample.blocks(sample.path("responses/000001.jsonl.gz"))[0].end] {
            var manifest = try StoreManifest.load(layout, files: sample.files)
            manifest.setSegment(.responses, StoreManifest.Segment(number: 1, bytes: bytes, sealed: true))
            try manifest.save(layout, files: sample.files)
            for path in sample.files.snapshot.keys where path.contains("/index/") {
                sample.files.overwrite(path, with: nil)
            }
            #expect(try !sample.verify().isClean, "\(bytes)")
            try RecordStore.open(sample.root, options: sample.options).close()
            let after = sample.files.snapshot
            for (path, content) in segments { #expect(after[path] == content, "\(path) at \(bytes)") }
            sample.files.overwrite(layout.manifest, with: own)
        }
        let text = String(decoding: own, as: UTF8.self)
        let id = try StoreManifest.load(layout, files: sample.files).store
        sample.files.overwrite(
            layout.manifest, with: Array(text.replacing(id, with: "00000000000000ab").utf8))
        #expect(try !sample.verify().isClean)
        _ = try? RecordStore.open(sample.root, options: sample.options).close()
        for (path, content) in segments { #expect(sample.files.snapshot[path] == content, "\(path)") }
    }

    /// A block with correct checksums whose lines belong to the other lane or are invalid: damaged, and the others are
    /// served.
    @Test func blocksWithForeignLines() throws {
        for line in [StoreFixture.line(StoreFixture.record(77, failing: 1)), Array("{}".utf8), Array("".utf8)] {
            let sample = try SampleStore(seed: 1).make()
            try Surgeon(sample).appendBlock(of: [String(decoding: line, as: UTF8.self)], to: .responses)
            let report = try sample.verify()
            #expect(!report.isClean)
            let reader = try StoreReader(sample.root, options: sample.options)
            #expect(reader.damage.count == 1)
            #expect(try reader.record(RecordKey("item-1")) != nil)
            #expect(try reader.record(RecordKey("item-77"))?.head.lane != .failures)
            let store = try RecordStore.open(sample.root, options: sample.options)
            #expect(store.recovery.damage.count == 1)
            try store.close()
        }
    }
}

extension SampleStore {
    /// Segments of a lane.
    func count(_ lane: Lane) -> Int { segments.filter { $0.contains("/\(lane.directoryName)/") }.count }
}
