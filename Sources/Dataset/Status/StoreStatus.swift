package import Basics
package import BatchDelivery
import CommandLine
import JSONText
package import SegmentStore

/// The state of a store: its counts, its last run's own report and, for percentiles, a bounded number of records.
package struct StoreStatus {
    /// The state of the work.
    package enum State: String, Sendable {
        /// A run is writing the store.
        case running
        /// The last run finished its work.
        case ended
        /// The last run stopped before its work was finished.
        case stopped
        /// The last run's process was killed or crashed.
        case killed
        /// No last run is known.
        case idle
    }

    package let root: String
    package let reader: StoreReader
    package let writer: String?
    package let sizes: [Lane: [Int]]
    /// Answers that were archived because their rows changed.
    package let superseded: SupersededCount
    /// The cost of all requests for the store.
    package let spending: Spending
    /// The last run's report; nil if there was none, or if another process is writing.
    package let run: RunRecord?
    package let state: State
    /// Exports of the store, newest last.
    package let exports: [ExportNote]
    /// Known damage.
    package let damage: [Damage]
    /// Batches at the provider whose results are not in the store yet.
    package let batches: [BatchStanding]

    package init(_ root: String) throws(RetortError) {
        self.root = root
        // Read first, so that everything it counts is in the store.
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

    /// Whether the record of that process belongs to the lock's holder, or to the last one.
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

    /// The part of the run's report that concerns the store's input: a retry counts other items.
    private var account: RunRecord? { run?.command == "run" ? run : nil }

    /// Items of the input; nil until they have been counted.
    package var items: Int? { reader.items ?? account?.total }

    package var pending: Int? {
        if let pending = reader.pending { return pending }
        return account?.pending ?? account.flatMap { run in run.total.map { max(0, $0 - run.done - run.failed) } }
    }

    /// Items per second of the running run.
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

    /// The mean of a tally over the answers; nil before the first answer.
    package func mean(_ place: RecordTallies.Place) -> Double? { done > 0 ? Double(tally(place)) / Double(done) : nil }

    /// The cost of answers only.
    package var costPerItem: Double? {
        done > 0 && spending.answers > 0 ? Money.dollars(spending.answers) / Double(done) : nil
    }

    /// The settings of the last run, most important first.
    package var settings: [(name: String, text: String)] {
        guard let run else { return [] }
        return run.settings.filter { $0.key != "base_url" }.sorted { $0.key < $1.key }.map { name, text in
            let isReduced = name == "concurrency" && state == .running && text != String(run.concurrency)
            return (name, isReduced ? "\(text) (now \(run.concurrency))" : text)
        }
    }

    package var server: String? { run?.settings["base_url"] ?? ServerNote.url(in: reader.manifest) }
}

/// Latencies and lengths of a store's first answers, bounded in number so that a status stays quick.
package struct AnswerSample {
    /// Maximum answers that are read.
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
