package import Basics
import Dataset
import JSONText
import ResponseGenerator
package import SegmentStore
package import Verifiers

/// Judges a store's answers with verifiers, and appends the verdicts to `verdicts/`.
///
/// Answers already judged by a verifier are skipped, so an interrupted evaluation can be resumed. A verifier's failure
/// is counted, and the next evaluation judges its answer again.
package struct StoreEvaluation: Sendable {
    package let root: String
    package let verifiers: [any Verifier]
    /// Whether answers with a verdict are judged again.
    package let judgesAgain: Bool
    /// Maximum answers at the verifiers at the same time.
    package let answersMax: Int

    package init(root: String, verifiers: [any Verifier], judgesAgain: Bool, answersMax: Int) {
        self.root = root
        self.verifiers = verifiers
        self.judgesAgain = judgesAgain
        self.answersMax = answersMax
    }

    package struct Counts: Sendable, Hashable {
        /// Existing verdicts that were kept.
        package var kept = 0
        package var judged = 0
        package var passed = 0
        /// Verdicts that differ from the previous one.
        package var changed = 0
        package var unable = 0
        /// The first failure of a verifier.
        package var example: String?
        package var damage: [String] = []
    }

    /// One answer for one verifier.
    private struct Task: Sendable {
        var verifier: Int
        var key: RecordKey
        var row: UInt64
        var fingerprint: UInt64
        var request: VerifierRequest
        /// The previous verdict.
        var before: (pass: Bool, details: [UInt8])?
    }

    private typealias Judged = (task: Task, opinion: Result<Opinion, RetortError>, time: Interval)

    private static let batchTasks = 64
    /// Verdicts appended at once, and how long one waits for others.
    private static let appendedAtOnce = 64
    private static let appendedAfter = Interval.milliseconds(200)
    /// Maximum failures without any verdict, after which the evaluation stops.
    package static let fruitlessMax = 40

    /// Throws if no verdict is possible: the sandbox cannot be created, or the store cannot be written.
    package func run(
        _ store: RecordStore, _ handover: Cancellation, progress: (Counts) -> Void
    ) async throws(RetortError) -> Counts {
        var counts = Counts()
        let tasks = Handover<Task>()
        handover.set { tasks.cancel() }
        let read = Locked((kept: 0, damage: [String]()))
        WorkThread.start(givesWay: false) {
            do throws(RetortError) {
                try readTasks(into: tasks, read)
                tasks.finish(.success(()))
            } catch { tasks.finish(.failure(error)) }
        }
        let failure = await judge(tasks, store, &counts, read, progress)
        tasks.cancel()
        (counts.kept, counts.damage) = read.withLock { ($0.kept, $0.damage) }
        if let failure { throw failure }
        return counts
    }

    // MARK: Reading

    private func readTasks(
        into tasks: Handover<Task>, _ read: Locked<(kept: Int, damage: [String])>
    ) throws(RetortError) {
        let reader = try StoreReader(root, options: StoreAccess.options)
        let verdicts = try StoredVerdicts(root)
        let parser = JSONParser()
        var batch: [Task] = []
        var isWanted = true
        func note(_ damage: Damage) { read.withLock { $0.damage.append(StoreAccess.sentence(damage)) } }
        try reader.forEach(.responses, onDamage: note) { record throws(RetortError) in
            guard isWanted, let root = try? parser.parse(record.line).root else { return }
            let view = RecordView(root)
            var request: VerifierRequest?
            for number in verifiers.indices {
                let known = try verdicts.verdict(on: view, record.head.key, by: verifiers[number].name)
                if known != nil, !judgesAgain {
                    read.withLock { $0.kept += 1 }
                    continue
                }
                request = request ?? Self.request(record, view, parser)
                guard let request else { continue }
                batch.append(
                    Task(
                        verifier: number, key: record.head.key, row: record.head.row,
                        fingerprint: record.head.fingerprint, request: request,
                        before: known.map { ($0.pass, $0.details) }))
            }
            guard batch.count >= Self.batchTasks else { return }
            isWanted = tasks.put(batch)
            batch.removeAll(keepingCapacity: true)
        }
        if isWanted, !batch.isEmpty { _ = tasks.put(batch) }
    }

    private static func request(_ record: StoredRecord, _ view: RecordView, _ parser: JSONParser) -> VerifierRequest {
        let judged = JudgedRow.make(asked: asked(view), metadata: view.metadata, with: parser)
        let value = view.json(.value)
        return VerifierRequest(
            id: record.head.key.id, sample: Int(record.head.key.sample), round: max(1, view.integer(.rounds)),
            row: judged.row, messages: judged.turns, response: Array(view.token(.response)),
            value: value.isEmpty ? nil : value)
    }

    /// The members that describe the request, also for records of earlier versions.
    private static func asked(_ view: RecordView) -> [UInt8] {
        if let asked = view.askedAsWritten { return asked }
        var bytes: [UInt8] = []
        for member in [RecordMember.messages, .prompt, .suffix] {
            guard let value = view.member(member) else { continue }
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            member.appendKey(to: &bytes)
            bytes.append(contentsOf: value.raw)
        }
        return bytes
    }

    // MARK: Judging

    private func judge(
        _ tasks: Handover<Task>, _ store: RecordStore, _ counts: inout Counts,
        _ read: Locked<(kept: Int, damage: [String])>, _ progress: (Counts) -> Void
    ) async -> RetortError? {
        let codec = RecordCodec(keepsBody: false)
        return await withTaskGroup(of: Judged.self, returning: RetortError?.self) { group in
            var running = 0
            var records: [NewRecord] = []
            var appended = Instant.now
            func take(_ judged: Judged) throws(RetortError) {
                running -= 1
                switch judged.opinion {
                case .success(let opinion):
                    counts.judged += 1
                    if opinion.pass { counts.passed += 1 }
                    if let before = judged.task.before, before.pass != opinion.pass { counts.changed += 1 }
                    records.append(record(judged, opinion, codec))
                case .failure(let error):
                    counts.unable += 1
                    if counts.example == nil { counts.example = "\(judged.task.key): \(error.description)" }
                    if error.code == .configuration || error.code == .usage { throw error }
                    if counts.judged == 0, counts.unable >= Self.fruitlessMax { throw error }
                }
                counts.kept = read.withLock { $0.kept }
                progress(counts)
                guard records.count >= Self.appendedAtOnce || Instant.now - appended >= Self.appendedAfter else {
                    return
                }
                try append()
            }
            func append() throws(RetortError) {
                if !records.isEmpty { _ = try store.append(records) }
                records.removeAll(keepingCapacity: true)
                appended = .now
            }
            do throws(RetortError) {
                while let batch = try await tasks.next() {
                    for task in batch {
                        if running >= answersMax, let judged = await group.next() { try take(judged) }
                        running += 1
                        group.addTask { await judge(task) }
                    }
                }
                while let judged = await group.next() { try take(judged) }
                try append()
                return nil
            } catch {
                group.cancelAll()
                while let judged = await group.next() {
                    if case .success(let opinion) = judged.opinion { records.append(record(judged, opinion, codec)) }
                }
                do throws(RetortError) { try append() } catch { return error }
                return error
            }
        }
    }

    private func judge(_ task: Task) async -> Judged {
        let start = Instant.now
        do throws(RetortError) {
            return (task, .success(try await verifiers[task.verifier].judge(task.request)), .now - start)
        } catch { return (task, .failure(error), .now - start) }
    }

    private func record(_ judged: Judged, _ opinion: Opinion, _ codec: RecordCodec) -> NewRecord {
        let task = judged.task
        var details = opinion.value ?? []
        if let before = task.before {
            details = TestReport.flagged(
                details, passes: opinion.pass, before: before.details, passed: before.pass)
        }
        let said = ItemOpinion(
            verifier: verifiers[task.verifier].name, round: 0, pass: opinion.pass, score: opinion.score,
            feedback: opinion.feedback ?? "", details: details, time: judged.time)
        return codec.verdict(of: said, key: task.key, row: task.row, fingerprint: task.fingerprint)
    }
}

/// An action that can be cancelled, also before it has begun.
package final class Cancellation: Sendable {
    private let state = Locked<(action: (@Sendable () -> Void)?, isRaised: Bool)>((nil, false))

    package init() {}

    package var isRaised: Bool { state.withLock { $0.isRaised } }

    package func set(_ action: @escaping @Sendable () -> Void) {
        let isRaised = state.withLock { state in
            state.action = action
            return state.isRaised
        }
        if isRaised { action() }
    }

    package func raise() {
        let action = state.withLock { state in
            state.isRaised = true
            return state.action
        }
        action?()
    }
}
