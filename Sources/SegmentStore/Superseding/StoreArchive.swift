public import Basics

/// Counts of a store's superseded records.
public struct SupersededCount: Sendable, Hashable {
    public var records = 0
    public var segments = 0
    public var bytes = 0
}

extension StoreContext {
    /// The segments of a lane's archive, in order.
    func archiveSegments(_ lane: Lane) throws(RetortError) -> [SegmentReader] {
        let archive = layout.archive
        let numbers = try files.entries(of: archive.directory(lane)).compactMap(StoreLayout.segmentNumber).sorted()
        var readers: [SegmentReader] = []
        for number in numbers {
            readers.append(try SegmentReader(lane, number, storeID: storeID, layout: archive, files: files))
        }
        return readers
    }
}

extension SegmentReader {
    /// A walk through a segment that became visible as a whole: nothing in it can be the torn end of a write.
    func wholeWalk(checksEveryPayload: Bool) throws(RetortError) -> SegmentWalk {
        let size = try file.size()
        return SegmentWalk(self, from: 0, size: size, durableBytes: size, checksEveryPayload: checksEveryPayload)
    }
}

extension StoreReader {
    /// Counts superseded records from the headers of their blocks.
    public func superseded(_ lane: Lane) throws(RetortError) -> SupersededCount {
        var count = SupersededCount()
        for reader in try context.archiveSegments(lane) {
            count.segments += 1
            count.bytes += try reader.file.size()
            var walk = try reader.wholeWalk(checksEveryPayload: false)
            steps: while true {
                switch try walk.next() {
                case .block(let header): count.records += header.records
                case .damage: continue
                case .torn, .end: break steps
                }
            }
        }
        return count
    }

    /// Every superseded record, in the order of superseding; a key may have several. Damaged blocks are skipped and
    /// reported to `onDamage`.
    public func forEachSuperseded(
        _ lane: Lane, onDamage: (Damage) -> Void = { _ in },
        _ body: (StoredRecord) throws(RetortError) -> Void
    ) throws(RetortError) {
        let codec = BlockCodec()
        for reader in try context.archiveSegments(lane) {
            var walk = try reader.wholeWalk(checksEveryPayload: true)
            steps: while true {
                switch try walk.next() {
                case .block(let header):
                    let block = try reader.block(header, codec: codec)
                    for range in block.lineRanges {
                        let line = Array(block.raw[range])
                        guard let head = line.withUnsafeBytes({ RecordHead.parse($0) }) else { continue }
                        try body(StoredRecord(head: head, line: line))
                    }
                case .damage(let damage): onDamage(damage)
                case .torn, .end: break steps
                }
            }
        }
    }
}
