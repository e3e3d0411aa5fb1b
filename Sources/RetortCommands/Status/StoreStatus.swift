import Basics
import BatchDelivery
import CommandLine
import JSONText
import SegmentStore

/// What there is to say of a store from its counts, its last run's own account and, for percentiles, a bounded number
/// of records.
struct StoreStatus {
    /// How far the store is.
    enum State: String, Sendable {
        /// A run writes the store now.
        case running
        /// The last run's work was done.
        case ended
        /// The last run was stopped before its work was done.
        case stopped
        /// The last run's process has vanished without a word.
        case killed
        /// Nothing is known of a last run.
        case idle
    }

    let root: String
    let reader: StoreReader
    let writer: String?
    let sizes: [Lane: [Int]]
    /// Answers that were moved away for those of changed rows.
    let superseded: SupersededCount
    /// What all requests for the store have cost.
    let spending: Spending
    /// What the last run says of itself; nil when there was none, or when it is not the writer.
    let run: RunRecord?
    let state: State
    /// What was exported, the newest last.
    let exports: [ExportNote]
    /// What is known to be damaged.
    let damage: [Damage]
    /// Batches at the provider whose results are not in the store yet.
    let batches: [BatchStanding]

    init(_ root: String) throws(RetortError) {
        self.root = root
        // Read first: what it counts is then in the store.
        let record = RunRecordFile(in: root).read()
        reader = try StoreReader(root, options: StoreAccess.options)
        sizes = try reader.segmentSizes()
        superseded = try reader.superseded(.responses)
        spending = try Spending(of: reader)
        exports = ExportNotes.read(root)
        batches = try BatchJournal(of: root).open
        damage = reader.knownDamage()
        let holder = try reader.writer()
        let known = record.flatMap { Self.isHolder(holder, $0.pid) ? $0 : nil }
        (writer, run, state) = (holder, known, Self.state(known, isWritten: holder != nil))
    }

    /// Whether a record of that process is of the lock's holder, or of the last one.
    private static func isHolder(_ holder: String?, _ pid: Int) -> Bool {
        holder.map { $0.split { !$0.isNumber }.contains { $0 == String(pid) } } ?? true
    }

    private static func state(_ run: RunRecord?, isWritten: Bool) -> State {
        guard let run else { return isWritten ? .running : .idle }
        return switch run.state {
        case .running: isWritten ? .running : .killed
        case .ended: .ended
        case .stopped: .stopped
        }
    }

    var done: Int { Int(clamping: reader.counters.done) }
    var failed: Int { Int(clamping: reader.counters.failed) }

    /// Of the run's own account what concerns the store's input: a retry counts other items.
    private var account: RunRecord? { run?.command == "run" ? run : nil }

    /// Items of the input; nil as long as nothing has counted them.
    var items: Int? { reader.items ?? account?.total }

    var pending: Int? {
        if let pending = reader.pending { return pending }
        return account?.pending ?? account.flatMap { run in run.total.map { max(0, $0 - run.done - run.failed) } }
    }

    /// Items per second of the run that is writing.
    var rate: Double? { state == .running ? run?.itemsPerSecond : nil }

    var cost: Double? { spending.dollars }

    var failureClasses: [(name: String, count: Int)] {
        reader.counters.failedByClass.enumerated().filter { $0.element > 0 }.map { index, count in
            (reader.failureClasses.name(UInt8(clamping: index)), Int(clamping: count))
        }
    }

    func tally(_ place: RecordTallies.Place) -> Int {
        Int(clamping: RecordTallies.sum(place.rawValue, in: reader.counters))
    }

    /// The mean of a tally over the answers; nil before the first.
    func mean(_ place: RecordTallies.Place) -> Double? { done > 0 ? Double(tally(place)) / Double(done) : nil }

    /// Of the answers alone.
    var costPerItem: Double? {
        done > 0 && spending.answers > 0 ? Money.dollars(spending.answers) / Double(done) : nil
    }

    /// The settings of the last run, the most telling first.
    var settings: [(name: String, text: String)] {
        guard let run else { return [] }
        return run.settings.filter { $0.key != "base_url" }.sorted { $0.key < $1.key }.map { name, text in
            let isReduced = name == "concurrency" && state == .running && text != String(run.concurrency)
            return (name, isReduced ? "\(text) (now \(run.concurrency))" : text)
        }
    }

    var server: String? { run?.settings["base_url"] ?? ServerNote.url(in: reader.manifest) }
}

/// Latencies and lengths of a store's first answers: their number is bounded, so that a status stays quick.
struct AnswerSample {
    /// Answers that are read at most.
    static let recordsMax = 20_000

    private(set) var latency = LogHistogram()
    private(set) var promptTokens = LogHistogram()
    private(set) var completionTokens = LogHistogram()

    init(_ reader: StoreReader) throws(RetortError) {
        let enough = RetortError(.interrupted, "enough records")
        let parser = JSONParser()
        var sample = (LogHistogram(), LogHistogram(), LogHistogram())
        do throws(RetortError) {
            try reader.forEach(.responses) { record throws(RetortError) in
                guard sample.0.count < Self.recordsMax else { throw enough }
                guard let root = try? parser.parse(record.line).root else { return }
                sample.0.add(root["latency_ms"]?.int ?? 0)
                sample.1.add(root["usage"]?["prompt_tokens"]?.int ?? 0)
                sample.2.add(root["usage"]?["completion_tokens"]?.int ?? 0)
            }
        } catch {
            if error != enough { throw error }
        }
        (latency, promptTokens, completionTokens) = sample
    }
}
