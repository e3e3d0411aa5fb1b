import Basics
import JSONText

/// The batch APIs of the simulator: files and batches in memory, processed when they are due. One thread uses it.
final class BatchDesk {
    struct File {
        var id: String
        var name: String
        var purpose: String
        var bytes: [UInt8]
        var created: Int64
        /// Whether its download breaks off.
        var breaks = false
        /// Whether it is still being checked; the next call reports it ready.
        var isPending = false
    }

    /// Answers one line as the route of its endpoint would.
    typealias Answer = (_ body: [UInt8], CompletionRequest.Endpoint) -> Reply

    let duration: Interval
    var faults: BatchFaultPlan
    let requestsMax: Int
    var files: [File] = []
    var jobs: [BatchJob] = []
    let parser = JSONParser()
    /// The host name under which the current request reached the server.
    var host = "localhost"
    private var random: SplitMix64

    /// The completion window of OpenAI, in seconds.
    static let windowSeconds: Int64 = 24 * 3600

    init(_ configuration: SimulatorConfiguration) {
        duration = configuration.batchDuration
        faults = configuration.batchFaults
        requestsMax = configuration.batchRequestsMax
        random = SplitMix64(seed: configuration.seed, 0, 0, for: .identifier)
    }

    func reset() { (files, jobs) = ([], []) }

    func identifier(_ prefix: String) -> String { prefix + Hexadecimal.string(random.next()) }

    func job(_ id: String) throws(APIError) -> Int {
        guard let index = jobs.firstIndex(where: { $0.id == id }) else {
            throw APIError(404, "invalid_request_error", "No batch found with id '\(id)'.")
        }
        return index
    }

    func file(_ id: String) throws(APIError) -> Int {
        guard let index = files.firstIndex(where: { $0.id == id }) else {
            throw APIError(404, "invalid_request_error", param: "id", "No such File object: \(id)")
        }
        return index
    }

    /// Adds a batch and applies the faults that the plan has for it.
    func begin(_ job: BatchJob) -> Int {
        var job = job
        for fault in [BatchFault.stuck, .expired, .partial, .unordered, .missing, .brokenFile, .slowCancel]
        where faults.take(fault) {
            job.faults.insert(fault)
        }
        job.due = job.faults.contains(.stuck) ? nil : job.begun + job.duration
        jobs.append(job)
        return jobs.count - 1
    }

    /// Cancels a batch: lines not answered by `now` get no answer.
    func cancel(_ index: Int, at now: Instant, date: Int64, answer: Answer) {
        guard jobs[index].state == .running else { return }
        guard !jobs[index].faults.contains(.slowCancel) else {
            jobs[index].isCancelling = true
            return
        }
        settle(index, .cancelled, upTo: jobs[index].progress(at: now), date: date, answer: answer)
    }

    /// Processes the batches that are due.
    func advance(at now: Instant, date: Int64, answer: Answer) {
        for index in jobs.indices where jobs[index].state == .running {
            guard let due = jobs[index].due, due <= now else { continue }
            let isExpired = jobs[index].faults.contains(.expired)
            settle(index, isExpired ? .expired : .completed, date: date, answer: answer)
        }
    }

    /// Ends a batch: answers all its lines, or the first `limit`.
    func settle(_ index: Int, _ state: BatchJob.State, upTo limit: Int? = nil, date: Int64, answer: Answer) {
        var job = jobs[index]
        // Gemini returns no results of an expired batch.
        let half = job.form == .gemini ? 0 : job.lines.count / 2
        let answered = limit ?? (state == .expired ? half : job.lines.count)
        var order = Array(job.lines.indices)
        if job.faults.contains(.unordered) { order.reverse() }
        for number in order {
            if job.faults.contains(.missing), number == job.lines.count / 2 { continue }
            let outcome: BatchJob.Outcome
            if number >= answered {
                outcome = state == .cancelled ? .cancelled : .expired
            } else if job.faults.contains(.partial), number % 3 == 2 {
                let error = APIError(500, "server_error", "The simulated server failed on this request.")
                outcome = .answered(500, error.body(for: job.isMessages ? .messages : nil))
            } else {
                outcome = work(on: job.lines[number], of: &job, answer)
            }
            write(outcome, of: job.lines[number], to: &job)
        }
        job.state = state
        job.ended = date
        job.source = []
        if !job.isMessages { store(&job, date: date) }
        jobs[index] = job
    }

    private func work(on line: BatchJob.Line, of job: inout BatchJob, _ answer: Answer) -> BatchJob.Outcome {
        let reply = answer(Array(job.source[line.body]), line.endpoint)
        guard reply.ending == .whole, (try? parser.parse(reply.body)) != nil else {
            let error = APIError(500, "server_error", "The simulated server failed on this request.")
            return .answered(500, error.body(for: job.isMessages ? .messages : nil))
        }
        if let bill = reply.bill {
            job.billed += 1
            job.promptTokens += bill.promptTokens
            job.completionTokens += bill.completionTokens
        }
        return .answered(reply.status, reply.body.filter { $0 != 0x0A })
    }

    private func write(_ outcome: BatchJob.Outcome, of line: BatchJob.Line, to job: inout BatchJob) {
        switch outcome {
        case .answered(200, _): job.succeeded += 1
        case .answered: job.errored += 1
        case .expired: job.expired += 1
        case .cancelled: job.cancelled += 1
        }
        job.isMessages ? writeMessage(outcome, of: line, to: &job) : writeLine(outcome, of: line, to: &job)
    }

    /// One JSON object per line for each batch: its requests and what was billed.
    func log() -> [UInt8] {
        var output: [UInt8] = []
        for job in jobs {
            output.append(text: #"{"id":"#)
            JSONString.append(job.id, to: &output)
            output.append(text: #","name":"#)
            JSONString.append(job.name, to: &output)
            output.append(text: #","state":"#)
            JSONString.append(job.stateName, to: &output)
            let numbers = [
                ("requests", job.lines.count), ("succeeded", job.succeeded), ("errored", job.errored),
                ("expired", job.expired), ("cancelled", job.cancelled), ("billed", job.billed),
                ("billed_prompt_tokens", job.promptTokens), ("billed_completion_tokens", job.completionTokens),
            ]
            for (name, number) in numbers { output.append(contentsOf: ",\"\(name)\":\(number)".utf8) }
            output.append(text: "}\n")
        }
        return output
    }

    /// A page of a list, newest first.
    static func page<Element>(
        _ all: [Element], after: String?, limit: Int, id: (Element) -> String
    ) -> (page: [Element], hasMore: Bool) {
        let newest = Array(all.reversed())
        let start = after.flatMap { mark in newest.firstIndex { id($0) == mark }.map { $0 + 1 } } ?? 0
        let page = Array(newest[start...].prefix(limit))
        return (page, start + page.count < newest.count)
    }
}

extension BatchJob {
    /// OpenAI's name of the state.
    var stateName: String {
        switch state {
        case .running: isCancelling ? "cancelling" : "in_progress"
        case .completed: "completed"
        case .expired: "expired"
        case .cancelled: "cancelled"
        case .failed: "failed"
        }
    }
}
