public import Basics
internal import JSONText
public import PromptSource
public import SegmentStore

/// A source of rows from stores. Blocking; one thread at a time.
public protocol SourceRows: AnyObject {
    /// Rows returned so far, including those before the starting position.
    var rows: UInt64 { get }
    /// Whether parts of a store could not be read.
    var isDamaged: Bool { get }
    /// Whether the next row is available without waiting.
    var hasNext: Bool { get }
    /// The position before the last returned row, if one was passed since the last call.
    func takePassed() -> SourcePosition?
    /// The next row; nil at the end.
    func next() throws(RetortError) -> Row?
}

/// Joins the records of several stores into rows, as soon as all stores have the id. Memory: that of one store reader,
/// plus the records that wait for others.
public final class JoinedRows: SourceRows {
    private let join: SourceJoin
    private let selection: SourceSelection
    private let driver: StoreRows
    private let watch: SourceWatch?
    private let others: [JoinedSource]
    private let parser = JSONParser()
    /// Records of the driving store whose id is still missing in another store.
    private var held: [Held] = []
    private var heldBytes = 0
    /// Rows that waited and are now complete; the next one is last.
    private var ready: [Row] = []
    private var looksSeen = 0
    private var isDriverDone = false

    public private(set) var rows: UInt64 = 0

    /// Maximum bytes of waiting records; no more are read beyond it.
    static let heldBytesMax = 32 << 20

    /// - Parameter watches: by source name; a source without one is not waited for.
    public init(
        _ selection: SourceSelection, _ join: SourceJoin, options: StoreOptions = StoreOptions(),
        watches: [String: SourceWatch] = [:]
    ) throws(RetortError) {
        (self.selection, self.join) = (selection, join)
        watch = watches[join.driver.name]
        driver = try StoreRows(
            join.driver.root, SourceSelection(lanes: selection.lanes), options: options, watch: watch)
        var others: [JoinedSource] = []
        for source in join.sources.dropLast() {
            others.append(try JoinedSource(source, of: join.driver.root, options, watches[source.name]))
        }
        self.others = others
    }

    public var isDamaged: Bool { driver.isDamaged }
    public var hasNext: Bool { driver.hasNext || !ready.isEmpty }
    /// A record may wait for another one, so no position says what is done.
    public func takePassed() -> SourcePosition? { nil }

    public func next() throws(RetortError) -> Row? {
        while watch?.isCancelled != true {
            try lookAtHeld()
            if let row = ready.popLast() { return give(row) }
            if isDriverDone || heldBytes >= Self.heldBytesMax {
                if held.isEmpty { return nil }
                for source in others { try source.lookAgain(waiting: watch) }
                continue
            }
            guard let row = try driver.next(), let record = driver.record else {
                isDriverDone = true
                continue
            }
            let one = Held(row: row, record: record)
            switch try complete(one) {
            case .row(let row): return give(row)
            case .none: break
            case .later:
                held.append(one)
                heldBytes += record.line.count
            }
        }
        return nil
    }

    private func give(_ row: Row) -> Row {
        var row = row
        rows += 1
        row.line = rows
        return row
    }

    private struct Held {
        var row: Row
        var record: StoredRecord
    }

    private enum Completion {
        case row(Row)
        case none
        case later
    }

    /// Moves waiting records that are now complete to `ready`, after a store was looked at again.
    private func lookAtHeld() throws(RetortError) {
        let looks = others.reduce(0) { $0 + $1.looks }
        guard looks != looksSeen, !held.isEmpty else { return }
        looksSeen = looks
        var kept: [Held] = []
        var found: [Row] = []
        for one in held {
            switch try complete(one) {
            case .row(let row): found.append(row)
            case .none: break
            case .later: kept.append(one)
            }
        }
        (held, heldBytes) = (kept, kept.reduce(0) { $0 + $1.record.line.count })
        ready = found.reversed() + ready
    }

    /// The row with the records of the other stores added.
    private func complete(_ one: Held) throws(RetortError) -> Completion {
        var records: [StoredRecord] = []
        for source in others {
            switch try source.find(one.record.head.key) {
            case .record(let record):
                if record.head.failureClass != nil, !source.source.takesFailures { return .none }
                records.append(record)
            case .missing: return .none
            case .later: return .later
            }
        }
        records.append(one.record)
        var members: [UInt8] = []
        for (source, record) in zip(join.sources, records) {
            if !members.isEmpty { members.append(UInt8(ascii: ",")) }
            JSONString.append(source.name, to: &members)
            members.append(UInt8(ascii: ":"))
            members += record.line
        }
        if let judge = join.judge, let number = join.sources.firstIndex(where: { $0.name == judge.name }),
            let verdict = judge.rule.verdict(of: records[number])
        {
            members += [UInt8(ascii: ",")] + verdict.members
        }
        let lead = records[join.leadPlace]
        let whole = ExtendedLine.line(lead.line, with: members)
        guard selection.takes(whole, failureClass: lead.head.failureClass, with: parser) else { return .none }
        var joined = one.row
        joined.content = .json(whole)
        return .row(joined)
    }
}
