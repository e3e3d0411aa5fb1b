public import Basics

/// A position between two blocks of a lane's segments, from which a later reading may continue: what is before it does
/// not change as long as the store's `revision` is the same and the store is not repaired.
public struct LanePosition: Sendable, Hashable {
    /// The segment's number, from 1; 0 before the first.
    public var segment: UInt32
    /// Bytes of the segment's file.
    public var offset: Int

    public init(segment: UInt32, offset: Int) {
        self.segment = segment
        self.offset = offset
    }

    public static let start = LanePosition(segment: 0, offset: 0)
}

/// Reads a lane's valid outcomes one after another in the order of writing: those in segments from a position on, then
/// those that are only in the journal. One thread at a time; memory is one block.
public final class LaneWalk {
    private let store: StoreReader
    private let lane: Lane
    private let onDamage: (Damage) -> Void
    /// Remaining segments; the next one is last.
    private var segments: [SegmentReader] = []
    private var walk: SegmentWalk?
    private var segment: UInt32 = 0
    private var firstOffset: Int
    /// The current block's records; the next one is last.
    private var records: [StoredRecord] = []
    /// Lines of the journal, the next one last; nil while segments are read.
    private var journal: [[UInt8]]?

    /// The end of the last block whose records were all returned.
    public private(set) var position: LanePosition
    /// Whether the last returned record is only in the journal, which has no positions.
    public var isInJournal: Bool { journal != nil }
    /// Whether the next record is available without reading.
    public var hasNext: Bool { !records.isEmpty || journal?.isEmpty == false }

    init(_ store: StoreReader, _ lane: Lane, from position: LanePosition, onDamage: @escaping (Damage) -> Void) {
        self.store = store
        self.lane = lane
        self.position = position
        self.onDamage = onDamage
        firstOffset = position.offset
        let last = store.image.tails[Int(lane.rawValue)].segment
        segments = (store.segments[lane] ?? [:]).values
            .filter { $0.number >= position.segment && $0.number <= last }
            .sorted { $0.number > $1.number }
        for loss in store.image.losses where loss.lane == lane { onDamage(loss) }
    }

    /// The next record; nil at the end of the snapshot.
    public func next() throws(RetortError) -> StoredRecord? {
        while true {
            if let record = records.popLast() { return record }
            if let walk { position = LanePosition(segment: segment, offset: walk.offset) }
            if journal != nil { return try nextOfJournal() }
            if try !readBlock() { journal = journalLines() }
        }
    }

    /// Reads the next readable block. False after the last one.
    private func readBlock() throws(RetortError) -> Bool {
        while let reader = try currentSegment() {
            guard var walk else { return false }
            let step = try walk.next()
            self.walk = walk
            switch step {
            case .block(let header):
                guard let block = try store.blockIfWhole(header, reader, onDamage) else { continue }
                records = try counting(block).reversed()
                return true
            case .damage(let damage): onDamage(damage)
            case .torn, .end:
                segments.removeLast()
                self.walk = nil
            }
        }
        return false
    }

    private func currentSegment() throws(RetortError) -> SegmentReader? {
        guard let reader = segments.last else { return nil }
        guard walk == nil else { return reader }
        let tail = store.image.tails[Int(lane.rawValue)]
        let end = reader.number == tail.segment ? tail.offset : try reader.file.size()
        let sealed = store.manifest.segments(lane).first { $0.number == reader.number && $0.sealed }
        let start = reader.number == position.segment ? firstOffset : 0
        walk = SegmentWalk(
            reader, from: start, size: min(end, sealed?.bytes ?? end), durableBytes: end, checksEveryPayload: true)
        segment = reader.number
        return reader
    }

    /// The valid records of a block, looked up together.
    private func counting(_ block: Block) throws(RetortError) -> [StoredRecord] {
        var found: [(record: StoredRecord, number: Int)] = []
        for (number, range) in block.lineRanges.enumerated() {
            let line = Array(block.raw[range])
            guard let head = line.withUnsafeBytes({ RecordHead.parse($0) }), head.lane == lane else { continue }
            found.append((StoredRecord(head: head, line: line), number))
        }
        let hashes = found.map(\.record.head.key.hash)
        let entries = try store.asking { index throws(RetortError) in try index.lookup(hashes) }
        let header = block.header
        return zip(found, entries).compactMap { found, entry in
            guard let entry, entry.recordStatus.lane == lane, entry.segment == header.segment,
                Int(entry.offset) == header.offset, Int(entry.record) == found.number
            else { return nil }
            return found.record
        }
    }

    private func journalLines() -> [[UInt8]] {
        store.image.tails[Int(lane.rawValue)].journaled.map(\.line).reversed()
    }

    private func nextOfJournal() throws(RetortError) -> StoredRecord? {
        while let line = journal?.popLast() {
            guard let head = line.withUnsafeBytes({ RecordHead.parse($0) }) else { continue }
            let hash = head.key.hash
            // Of several failures of a key in the journal the last one counts.
            guard store.journaled[lane]?[hash] == line else { continue }
            let entry = try store.lookup(hash)
            if entry?.isPending == true, entry?.recordStatus.lane == lane {
                return StoredRecord(head: head, line: line)
            }
        }
        return nil
    }
}

extension StoreReader {
    /// A lane's valid outcomes from a position on. Damaged blocks and lost segments are skipped and reported to
    /// `onDamage`.
    public func records(
        of lane: Lane, from position: LanePosition = .start, onDamage: @escaping (Damage) -> Void = { _ in }
    ) -> LaneWalk { LaneWalk(self, lane, from: position, onDamage: onDamage) }

    /// Whether a block of the lane starts, or the lane ends, at a position, as is the case where reading stopped
    /// before.
    public func holds(_ position: LanePosition, of lane: Lane) throws(RetortError) -> Bool {
        let tail = image.tails[Int(lane.rawValue)]
        guard position.offset > 0 else { return true }
        guard position.segment <= tail.segment, let reader = segments[lane]?[position.segment] else { return false }
        let end = position.segment == tail.segment ? tail.offset : try reader.file.size()
        if position.offset == end { return true }
        guard position.offset < end else { return false }
        return try reader.header(at: position.offset) != nil
    }
}
