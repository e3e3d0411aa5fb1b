import Basics
import Glibc
import JSONText
import ModelAPI
package import SegmentStore

/// Processes clients' batches, one after another, on its own thread: each line is handled like a request, and is done
/// when its record is in the store. A kill therefore loses nothing, and the next server continues from the store.
package final class BatchRunner: Sendable {
    private struct State {
        var queue: [String] = []
        var cancelled: Set<String> = []
        var isStopped = false
        /// The thread no longer uses the store.
        var isEnded = false
        /// Lines in progress.
        var inFlight = 0
        /// Lines of the batch that could not be answered for now.
        var postponed = 0
        /// Lines that were rejected without a record, by custom id.
        var refused: [String: ClientError] = [:]
    }

    package let shelf: BatchShelf
    private let taker: RequestTaker
    private let store: RecordStore
    private let keys: ClientKeys?
    /// Maximum lines in progress.
    private let window: Int
    private let state = Monitor(State())

    /// Delay before lines are offered again that met an outage or a cap.
    private static let pause = Interval.seconds(2)
    private static let pollMicroseconds: UInt32 = 50_000

    package init(_ shelf: BatchShelf, _ taker: RequestTaker, _ store: RecordStore, keys: ClientKeys?, window: Int) {
        self.shelf = shelf
        self.taker = taker
        self.store = store
        self.keys = keys
        self.window = max(1, window)
    }

    /// Resumes the batches that earlier servers left.
    package func start() {
        let unfinished = shelf.unfinished
        state.update { $0.queue = unfinished + $0.queue }
        WorkThread.start(givesWay: true) { [self] in
            while let id = state.wait(for: { state -> String?? in
                if state.isStopped { return .some(nil) }
                return state.queue.first.map { .some($0) }
            }) {
                run(id)
                state.update { $0.queue.removeAll { $0 == id } }
            }
            state.update { $0.isEnded = true }
        }
    }

    /// Whether it has ended after `stop`: it no longer uses the store.
    package var isEnded: Bool { state.update { $0.isEnded } }

    package func stop() { state.update { $0.isStopped = true } }

    package func submit(_ id: String) { state.update { $0.queue.append(id) } }

    package func cancel(_ id: String) { _ = state.update { $0.cancelled.insert(id) } }

    private var isStopped: Bool { state.update { $0.isStopped } }

    private func isCancelled(_ id: String) -> Bool { state.update { $0.cancelled.contains(id) } }

    // MARK: One batch

    private func run(_ id: String) {
        guard var job = shelf.batch(id), !job.status.isOver else { return }
        // Its client has no key any more. The batch waits until there is one again, since the client's budget is not
        // known.
        if let keys, !keys.all.contains(where: { $0.name == job.owner }) { return }
        if job.status == .cancelling { cancel(id) }
        do throws(RetortError) {
            if job.status == .validating {
                try validate(&job)
                if job.status == .failed { return }
            }
            guard let endpoint = RequestBuilder.Endpoint.allCases.first(where: { $0.dialect.batchURL == job.endpoint })
            else { return }
            state.update { ($0.refused, $0.postponed) = ([:], 0) }
            repeat {
                try pass(job, endpoint)
                if isStopped { return }
            } while !isCancelled(id) && waitForPostponed()
            try finish(shelf.batch(id) ?? job, endpoint)
        } catch {
            job.status = .failed
            job.changed = Int(wallClockSeconds())
            job.faults = [BatchJob.Fault(message: error.description, line: 0)]
            try? shelf.keep(job)
        }
    }

    private func validate(_ job: inout BatchJob) throws(RetortError) {
        let lines = try LineFile(shelf.contentPath(job.inputFile))
        let parser = JSONParser()
        var met: Set<Hash128> = []
        job.total = 0
        while let line = lines.next(), job.faults.count < BatchJob.faultsMax {
            job.total += 1
            do throws(ClientError) {
                let line = try BatchLine(line, endpoint: job.endpoint, parser)
                guard met.insert(RecordKey(line.customID).hash).inserted else {
                    throw ClientError(400, "the custom_id \(line.customID) is also in an earlier line")
                }
            } catch {
                job.faults.append(BatchJob.Fault(message: error.message, line: lines.number))
            }
        }
        if job.total == 0 { job.faults.append(BatchJob.Fault(message: "the file has no lines", line: 0)) }
        job.status = job.faults.isEmpty ? .inProgress : .failed
        job.changed = Int(wallClockSeconds())
        try shelf.keep(job)
    }

    /// Offers each line that has no outcome, and waits for the offered ones.
    private func pass(_ job: BatchJob, _ endpoint: RequestBuilder.Endpoint) throws(RetortError) {
        let lines = try LineFile(shelf.contentPath(job.inputFile))
        let parser = JSONParser()
        let client = keys?.all.first { $0.name == job.owner }
        var (completed, failed) = (0, 0)
        shelf.note(job.id) { ($0.completed, $0.failed) = (0, 0) }
        while let text = lines.next() {
            guard let line = try? BatchLine(text, endpoint: job.endpoint, parser) else { continue }
            let id = line.id(in: job.id)
            if let entry = try store.lookup(RecordKey(id: id)) {
                if entry.recordStatus == .ok { completed += 1 } else { failed += 1 }
                if (completed + failed) % 256 == 0 { add(job.id, &completed, &failed) }
                continue
            }
            if state.update({ $0.refused[line.customID] != nil }) {
                failed += 1
                continue
            }
            let isWanted = state.wait { state -> Bool? in
                if state.isStopped || state.cancelled.contains(job.id) { return false }
                return state.inFlight < self.window ? true : nil
            }
            guard isWanted else { break }
            state.update { $0.inFlight += 1 }
            let waiting = WaitingLine(runner: self, batch: job.id, customID: line.customID)
            taker.take(body: line.body, endpoint, id: id, waiting, of: client)
        }
        add(job.id, &completed, &failed)
        state.wait { $0.inFlight == 0 ? () : nil }
    }

    private func add(_ id: String, _ completed: inout Int, _ failed: inout Int) {
        shelf.note(id) { job in
            job.completed += completed
            job.failed += failed
        }
        (completed, failed) = (0, 0)
    }

    /// Whether lines have to be offered again, after a delay.
    private func waitForPostponed() -> Bool {
        let hasSome = state.update { state in
            defer { state.postponed = 0 }
            return state.postponed > 0
        }
        guard hasSome else { return false }
        let due = Instant.now + Self.pause
        while Instant.now < due, !isStopped { usleep(Self.pollMicroseconds) }
        return true
    }

    private func finish(_ found: BatchJob, _ endpoint: RequestBuilder.Endpoint) throws(RetortError) {
        var job = found
        let refused = state.update { $0.refused }
        try BatchResults(job, shelf, refused: refused).write(into: &job, of: store.root)
        job.status = isCancelled(job.id) || job.status == .cancelling ? .cancelled : .completed
        job.changed = Int(wallClockSeconds())
        try shelf.keep(job)
    }

    // MARK: Lines

    /// A line that waits for its answer.
    private struct WaitingLine: Client {
        let runner: BatchRunner
        let batch: String
        let customID: String

        func take(_ reply: ClientReply) { runner.returned(batch, customID, reply) }
    }

    private func returned(_ batch: String, _ customID: String, _ reply: ClientReply) {
        var isPostponed = false
        var isFailure = true
        switch reply.content {
        case .upstream(let status, _): isFailure = status / 100 != 2
        case .error(let error):
            isPostponed = reply.id.isEmpty && error.status == 503
            // A rejection that has no record.
            if reply.id.isEmpty, !isPostponed { state.update { $0.refused[customID] = error } }
        }
        if !isPostponed {
            shelf.note(batch) { job in
                if isFailure { job.failed += 1 } else { job.completed += 1 }
            }
        }
        let postponed = isPostponed
        state.update { state in
            state.inFlight -= 1
            if postponed { state.postponed += 1 }
        }
    }
}
