package import Basics
package import BatchDelivery
import CommandLine
import JSONText
package import SegmentStore

/// What there is to say of a store from its counts, its last run's own account and, for percentiles, a bounded number
/// of records.
package struct StoreStatus {
    /// How far the store is.
    package enum State: String, Sendable {
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

    package let root: String
    package let reader: StoreReader
    package let writer: String?
    package let sizes: [Lane: [Int]]
    /// Answers that were moved away for those of changed rows.
    package let superseded: SupersededCount
    /// What all requests for the store have cost.
    package let spending: Spending
    /// What the last run says of itself; nil when there was none, or when it is not the writer.
    package let run: RunRecord?
    package let state: State
    /// What was exported, the newest last.
    package let exports: [ExportNote]
    /// What is known to be damaged.
    package let damage: [Damage]
    /// Batches at the provider whose results are not in the store yet.
    package let batches: [BatchStanding]

    package init(_ root: String) throws(RetortError) {
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

    package var done: Int { Int(clamping: reader.counters.done) }
    package var failed: Int { Int(clamping: reader.counters.failed) }

    /// Of the run's own account what concerns the store's input: a retry counts other items.
    private var account: RunRecord? { run?.command == "run" ? run : nil }

    /// Items of the input; nil as long as nothing has counted them.
    package var items: Int? { reader.items ?? account?.total }

    package var pending: Int? {
        if let pending = reader.pending { return pending }
        return account?.pending ?? account.flatMap { run in run.total.map { max(0, $0 - run.done - run.failed) } }
    }

    /// Items per second of the run that is writing.
    package var rate: Double? { state == .running ? run?.itemsPerSecond : nil }

    package var cost: Double? { spending.dollars }

    package var failureClasses: [(name: String, count: Int)] {
        reader.counters.failedByClass.enumerated().filter { $0.element > 0 }.map { index, count in
            (reader.failureClasses.name(UInt8(clamping: index)), Int(clamping: count))
        }
    }

    package func tally(_ place: RecordTallies.Place) -> Int {
        Int(clamping: RecordTallies.sum(place.rawValue, in: reader.counters))
    }

    /// The mean of a tally over the answers; nil before the first.
    package func mean(_ place: RecordTallies.Place) -> Double? { done > 0 ? Double(tally(place)) / Double(done) : nil }

    /// Of the answers alone.
    package var costPerItem: Double? {
        done > 0 && spending.answers > 0 ? Money.dollars(spending.answers) / Double(done) : nil
    }

    /// The settings of the last run, the most telling first.
    package var settings: [(name: String, text: String)] {
        guard let run else { return [] }
        return run.settings.filter { $0.key != "base_url" }.sorted { $0.key < $1.key }.map { name, text in
            let isReduced = name == "concurrency" && state == .running && text != String(run.concurrency)
            return (name, isReduced ? "\(text) (now \(run.concurrency))" : text)
        }
    }

    package var server: String? { run?.settings["base_url"] ?? ServerNote.url(in: reader.manifest) }
}

/// Latencies and lengths of a store's first answers: their number is bounded, so that a status stays quick.
package struct AnswerSample {
    /// Answers that are read at most.
    package static let recordsMax = 20_000

    package private(set) var latency = LogHistogram()
    package private(set) var promptTokens = LogHistogram()
    package private(set) var completionTokens = LogHistogram()

    package init(_ reader: StoreReader) throws(RetortError) {
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
