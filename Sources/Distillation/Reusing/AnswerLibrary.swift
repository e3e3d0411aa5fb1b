package import Basics
import Dataset
import JSONText
package import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// The answers that a run may reuse: those of its own store, as they arrive, and those of other stores. Any thread.
package final class AnswerLibrary: AnswerMemory {
    /// The index of one store.
    private struct Shelf {
        var root: String
        /// The source's name in records.
        var name: String
        var table: FingerprintTable
    }

    private struct Job {
        var key: ReuseKey
        var completion: CheckedContinuation<ModelAnswer?, Never>
    }

    private struct Desk {
        var jobs: [Job] = []
        var isStopped = false
    }

    private struct State: @unchecked Sendable {
        var shelves: [Shelf] = []
        /// Whether the first shelf is the run's own store.
        var hasOwn = false
        var recent = RecentModelAnswers()
    }

    private let state = Locked(State())
    private let desk = Monitor(Desk())
    private let classifier: Classifier
    /// Whether answers without a verdict are useless.
    private let needsVerdict: Bool

    /// The source's name for answers of the run's own store.
    package static let ownName = "store"

    /// - Parameters:
    ///   - own: the run's store, if it exists.
    ///   - folder: the directory of the temporary tables.
    package init(
        _ options: ReuseOptions, own: String?, job: JobDescription, classifier: Classifier, folder: String,
        needsVerdict: Bool = false
    ) throws(RetortError) {
        self.classifier = classifier
        self.needsVerdict = needsVerdict
        var shelves: [Shelf] = []
        if let own { shelves.append(try Self.shelf(own, name: Self.ownName, folder)) }
        for root in options.stores {
            guard let manifest = try RecordStore.manifest(of: root) else {
                throw RetortError(
                    .inputMissing, "there is no store to take answers from", at: root,
                    remedy: "--reuse-from names the directory of a run.")
            }
            guard manifest.job["endpoint"] == job.values["endpoint"] else {
                throw RetortError(
                    .configuration, "its answers are to requests of another API", at: root,
                    cause: "endpoint is \(manifest.job["endpoint"] ?? "unset") there, "
                        + "\(job.values["endpoint"] ?? "unset") in this run",
                    remedy: "Leave it out of --reuse-from.")
            }
            shelves.append(try Self.shelf(root, name: root, folder))
        }
        let (made, hasOwn) = (shelves, own != nil)
        state.withLock { state in
            state.shelves = made
            state.hasOwn = hasOwn
        }
        WorkThread.start { [desk, self] in work(desk) }
    }

    private static func shelf(_ root: String, name: String, _ folder: String) throws(RetortError) -> Shelf {
        let table = try FingerprintTable(in: folder)
        let reader = try StoreReader(root, options: StoreAccess.options)
        try reader.forEachSuccess { entry throws(RetortError) in try table.insert(entry.fingerprint, entry.hash) }
        return Shelf(root: root, name: name, table: table)
    }

    /// Stops reading. Later requests find nothing.
    package func stop() {
        let left = desk.update { desk in
            desk.isStopped = true
            defer { desk.jobs = [] }
            return desk.jobs
        }
        for job in left { job.completion.resume(returning: nil) }
    }

    // MARK: What the generator asks

    package func mayKnow(_ key: ReuseKey) -> Bool {
        state.withLock { state in
            let short = UInt32(truncatingIfNeeded: key.fingerprint)
            return state.recent.answer(key) != nil || state.shelves.contains { $0.table.contains(short) }
        }
    }

    package func keep(_ key: ReuseKey, _ answer: ModelAnswer) { state.withLock { $0.recent.keep(key, answer) } }

    package func recall(_ key: ReuseKey) async -> ModelAnswer? {
        if let answer = state.withLock({ $0.recent.answer(key) }) {
            return answer.reused(from: answer.reusedFrom ?? Self.ownName)
        }
        return await withCheckedContinuation { continuation in
            let isTaken = desk.update { desk in
                if !desk.isStopped { desk.jobs.append(Job(key: key, completion: continuation)) }
                return !desk.isStopped
            }
            if !isTaken { continuation.resume(returning: nil) }
        }
    }

    /// These records are now in the run's store.
    package func recorded(_ records: [NewRecord]) throws(RetortError) {
        try state.withLock { state throws(RetortError) in
            guard state.hasOwn else { return }
            for record in records where record.status == .ok {
                try state.shelves[0].table.insert(UInt32(truncatingIfNeeded: record.fingerprint), record.key.hash)
            }
        }
    }

    // MARK: The reading thread's side

    private func work(_ desk: Monitor<Desk>) {
        let parser = JSONParser()
        var fetchers: [String: RecordFetcher] = [:]
        while true {
            let job = desk.wait { desk -> Job?? in
                if !desk.jobs.isEmpty { return .some(desk.jobs.removeFirst()) }
                return desk.isStopped ? .some(nil) : nil
            }
            guard let job else { return }
            job.completion.resume(returning: answer(job.key, &fetchers, parser))
        }
    }

    private func answer(
        _ key: ReuseKey, _ fetchers: inout [String: RecordFetcher], _ parser: JSONParser
    ) -> ModelAnswer? {
        let short = UInt32(truncatingIfNeeded: key.fingerprint)
        let places = state.withLock { state in
            state.shelves.flatMap { shelf in shelf.table.keys(short).map { (shelf.root, shelf.name, $0) } }
        }
        for (root, name, hash) in places {
            // If it cannot be read, the request is sent.
            guard let record = try? fetchers[root, default: RecordFetcher(root)].record(hash),
                record.head.lane == .responses, record.head.fingerprint == key.fingerprint,
                record.head.key.sample == key.sample,
                let answer = StoredAnswer(record).answer(
                    from: name, classifier, needsVerdict: needsVerdict, with: parser)
            else { continue }
            return answer
        }
        return nil
    }
}

/// The latest answers, bounded in bytes: records in a journal are not read from there. A value.
package struct RecentModelAnswers: Sendable {
    package static let bytesMax = 64 << 20
    /// A longer answer is read from the store.
    package static let answerBytesMax = 8 << 20

    private var answers: [ReuseKey: ModelAnswer] = [:]
    private var order: [ReuseKey] = []
    private var first = 0
    private var bytes = 0

    package func answer(_ key: ReuseKey) -> ModelAnswer? { answers[key] }

    package mutating func keep(_ key: ReuseKey, _ answer: ModelAnswer) {
        guard answer.body.count <= Self.answerBytesMax, answers[key] == nil else { return }
        answers[key] = answer
        order.append(key)
        bytes += answer.body.count
        while bytes > Self.bytesMax, first < order.count {
            bytes -= answers.removeValue(forKey: order[first])?.body.count ?? 0
            first += 1
        }
        if first > 4096, first * 2 > order.count {
            order.removeFirst(first)
            first = 0
        }
    }
}
