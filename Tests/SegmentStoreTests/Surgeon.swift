import Basics
import TestSupport

@testable import SegmentStore

/// Writes data into closed stores that no store would write.
struct Surgeon {
    let store: SampleStore

    init(_ store: SampleStore) { self.store = store }

    /// Appends a block of arbitrary lines to a lane's last segment, as a faulty program would, and drops the index.
    func appendBlock(of lines: [String], to lane: Lane) throws {
        var manifest = try StoreManifest.load(StoreLayout(root: store.root), files: store.files)
        var segment = manifest.segments(lane).last!
        let path = StoreLayout(root: store.root).segment(lane, segment.number)
        var bytes = store.files.snapshot[path]!
        let last = store.blocks(path).last!
        let raw = Array((lines.joined(separator: "\n") + "\n").utf8)
        let header = BlockHeader(
            lane: lane, records: lines.count, memberBytes: 0, rawBytes: 0, previousBytes: last.memberBytes,
            storeID: manifest.storeID, segment: segment.number, offset: bytes.count, firstSequence: last.nextSequence,
            durableBytes: bytes.count, payloadChecksum: 0)
        bytes += BlockCodec(level: 6).encode(raw, header: header).member
        store.files.overwrite(path, with: bytes)
        segment.bytes = bytes.count
        manifest.setSegment(lane, segment)
        try manifest.save(StoreLayout(root: store.root), files: store.files)
        for path in store.files.snapshot.keys where path.contains("/index/") { store.files.overwrite(path, with: nil) }
    }

    /// Appends the lines of a lane's first block again.
    func doubleFirstBlock(of lane: Lane) throws {
        let path = StoreLayout(root: store.root).segment(lane, 1)
        let header = store.blocks(path)[0]
        let member = Array(store.files.snapshot[path]![header.offset..<header.end])
        let block = try member.withUnsafeBytes { bytes in
            try BlockCodec(level: 1).decode(bytes, header: header, place: path)
        }
        let lines = block.lineRanges.map { String(decoding: block.raw[$0], as: UTF8.self) }
        try appendBlock(of: lines, to: lane)
    }
}
