public import Basics
internal import JSONText
public import PromptSource
public import SegmentStore

/// Reads the outcomes of a store as the rows of an input. Blocking; one thread at a time.
///
/// A snapshot is read to its end. Where the store is being written and a watch is given, further snapshots follow until the
/// watch says that there will be no more records; each begins where the segments of the last one ended. Memory is a block,
/// and what a snapshot holds of the journal.
public final class StoreRows: SourceRows {
    private let root: String
    private let selection: SourceSelection
    private let options: StoreOptions
    private let watch: SourceWatch?
    private let samples: Int
    private let parser = JSONParser()
    private var store: StoreReader?
    /// What is left of the snapshot, the lane in hand last.
    private var walks: [(lane: Lane, records: LaneWalk)] = []
    /// Keys whose rows were given from the journal and have not been met in a segment since.
    private var known: Set<Hash128> = []
    /// Of the snapshot in hand.
    private var journaled: Set<Hash128> = []
    /// Where the segments of the last snapshot end.
    private var position: SourcePosition
    private var passed: SourcePosition?
    /// Records of segments that the selection takes, from the store's start on.
    private var rowsOfSegments: UInt64
    /// Says what a verifier said of an answer; nil: no row has a verdict beside what its record says.
    public var verdict: ((StoredRecord) throws(RetortError) -> RowVerdict?)?
    /// The watch had said so before the snapshot in hand was taken.
    private var isLast = false
    private var damage: [Damage] = []
    /// The record of the row that was given last.
    public private(set) var record: StoredRecord?

    /// Rows given so far, those before the position where it began included.
    public private(set) var rows: UInt64

    /// The least time between two snapshots of a store that is being written.
    static let intervalMin = Interval.milliseconds(100)
    /// How many times as long as taking a snapshot has taken is waited before the next one.
    static let restFactor = 20.0

    /// Throws what keeps the store from being read; a position that the store does not hold counts as its start.
    public init(
        _ root: String, _ selection: SourceSelection, from position: SourcePosition = .start,
        options: StoreOptions = StoreOptions(), watch: SourceWatch? = nil
    ) throws(RetortError) {
        self.root = root
        self.selection = selection
        self.options = options
        self.watch = watch
        let ended = watch?.isEnded ?? true
        let store = try StoreReader(root, options: options)
        samples = store.manifest.samples
        var position = position
        for lane in selection.lanes where try !store.holds(position[lane], of: lane) { position = .start }
        self.position = position
        (rows, rowsOfSegments) = (position.rows, position.rows)
        isLast = ended
        begin(store)
    }

    private func begin(_ store: StoreReader) {
        self.store = store
        damage = store.damage
        walks = selection.lanes.reversed().map { lane in
            (lane, store.records(of: lane, from: position[lane]) { [unowned self] in self.note($0) })
        }
    }

    private func note(_ found: Damage) { if damage.count < Self.damageKeptMax { damage.append(found) } }

    private static let damageKeptMax = 1000

    /// Stretches of the store that could not be read.
    public var isDamaged: Bool { !damage.isEmpty }

    /// Whether the next row needs no waiting.
    public var hasNext: Bool { walks.last?.records.hasNext ?? false }

    /// The position before the row that was given last, where one was passed since the last call.
    public func takePassed() -> SourcePosition? {
        defer { passed = nil }
        return passed
    }

    /// The next row; nil behind the last one.
    public func next() throws(RetortError) -> Row? {
        while true {
            if watch?.isCancelled == true { return nil }
            guard let (lane, walk) = walks.last else {
                if isLast { return nil }
                try takeSnapshot()
                continue
            }
            let record = try walk.next()
            if walk.position != position[lane] {
                position[lane] = walk.position
                position.rows = rowsOfSegments
                passed = position
            }
            guard let record else {
                walks.removeLast()
                continue
            }
            if let row = try row(record, isInJournal: walk.isInJournal) { return row }
        }
    }

    /// The record as a row; nil where it is none, or has been given.
    private func row(_ record: StoredRecord, isInJournal: Bool) throws(RetortError) -> Row? {
        var line = record.line
        if let said = try verdict?(record) { line = ExtendedLine.line(line, with: said.members) }
        guard selection.takes(line, failureClass: record.head.failureClass, with: parser) else { return nil }
        let key = record.head.key
        if isInJournal {
            journaled.insert(key.hash)
        } else {
            rowsOfSegments += 1
        }
        if known.remove(key.hash) != nil { return nil }
        let (product, isTooLarge) = record.head.row.multipliedReportingOverflow(by: UInt64(samples))
        let number = isTooLarge ? 0 : product &+ UInt64(key.sample)
        rows += 1
        self.record = record
        return Row(
            number: min(number, StoreLimits.rowsMax), file: 0, line: rows, byteOffset: 0, content: .json(line),
            id: ItemName.next(selection.generation, ItemName.name(of: key, samples: samples)))
    }

    private func takeSnapshot() throws(RetortError) {
        guard let watch else { return }
        known = journaled
        journaled = []
        watch.wait(pause)
        // First the end, then the snapshot: what is written before the end is in it.
        isLast = watch.isEnded
        if watch.isCancelled { return }
        let before = Instant.now
        store = nil
        begin(try StoreReader(root, options: options))
        pause = max(Self.intervalMin, .seconds((Instant.now - before).seconds * Self.restFactor))
    }

    private var pause = StoreRows.intervalMin
}
