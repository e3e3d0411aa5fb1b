public import Basics
internal import JSONText
public import PromptSource
public import SegmentStore

/// Reads the outcomes of a store as the rows of an input. Blocking; one thread at a time.
///
/// A snapshot is read to its end. If the store is being written and a watch is given, further snapshots follow until
/// the watch has ended; each begins where the segments of the previous one ended. Memory: one block, and the snapshot's
/// part of the journal.
public final class StoreRows: SourceRows {
    private let root: String
    private let selection: SourceSelection
    private let options: StoreOptions
    private let watch: SourceWatch?
    private let samples: Int
    private let parser = JSONParser()
    private var store: StoreReader?
    /// The remaining parts of the snapshot; the current lane is last.
    private var walks: [(lane: Lane, records: LaneWalk)] = []
    /// Keys whose rows were returned from the journal and have not appeared in a segment since.
    private var known: Set<Hash128> = []
    /// Journal keys of the current snapshot.
    private var journaled: Set<Hash128> = []
    /// Where the segments of the previous snapshot end.
    private var position: SourcePosition
    private var passed: SourcePosition?
    /// Selected records of segments since the store's start.
    private var rowsOfSegments: UInt64
    /// Looks up a verdict on an answer; nil: rows have only the verdicts in their records.
    public var verdict: ((StoredRecord) throws(RetortError) -> RowVerdict?)?
    /// The watch had ended before the current snapshot was taken.
    private var isLast = false
    private var damage: [Damage] = []
    /// The record of the last returned row.
    public private(set) var record: StoredRecord?

    /// Rows returned so far, including those before the starting position.
    public private(set) var rows: UInt64

    /// Minimum interval between two snapshots of a store being written.
    static let intervalMin = Interval.milliseconds(100)
    /// The wait before the next snapshot, as a multiple of the time that taking one took.
    static let restFactor = 20.0

    /// Throws what keeps the store from being read; an invalid position counts as the start.
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

    /// Whether parts of the store could not be read.
    public var isDamaged: Bool { !damage.isEmpty }

    /// Whether the next row is available without waiting.
    public var hasNext: Bool { walks.last?.records.hasNext ?? false }

    /// The position before the last returned row, if one was passed since the last call.
    public func takePassed() -> SourcePosition? {
        defer { passed = nil }
        return passed
    }

    /// The next row; nil at the end.
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

    /// The record as a row; nil if it is not one, or was returned already.
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
        // Reads the end flag before the snapshot: everything written before the end is then in it.
        isLast = watch.isEnded
        if watch.isCancelled { return }
        let before = Instant.now
        store = nil
        begin(try StoreReader(root, options: options))
        pause = max(Self.intervalMin, .seconds((Instant.now - before).seconds * Self.restFactor))
    }

    private var pause = StoreRows.intervalMin
}
