internal import Basics

/// Decides what a pool of workers does next: which request goes to which worker, and when a worker is started or ended.
/// A value: it starts no process and reads no clock.
///
/// When a worker fails, each request that it holds is sent again, alone, to a new worker if one can be started. A
/// request fails when two workers have failed on it, the second a new one, or three.
struct PoolState {
    typealias Ticket = UInt64

    enum Action: Equatable {
        case start(Int)
        case send(Ticket, to: Int)
        /// End the worker; the caller then reports `ended`.
        case end(Int)
        case succeed(Ticket, Opinion)
        /// Fail the request with this reason.
        case fail(Ticket, String)
    }

    struct Limits {
        var workers: Int
        /// How long a worker may take for one request.
        var timeout: Interval
        /// Maximum requests queued at one worker, so that the next one is there when it finishes one.
        var requestsPerWorkerMax = 4
        /// Maximum times that a request is sent to workers that end before they answer it, if the last one was new.
        var sendingsMax = 2
        /// The same if that one had answered other requests: it may have failed for a reason of its own.
        var sendingsToUsedMax = 3
        /// After this many workers in a row end without an answer, all waiting requests fail.
        var fruitlessMax = 5
        var backoffMin = Interval.milliseconds(100)
        var backoffMax = Interval.seconds(10)
    }

    /// A request held by a worker.
    private struct Flight {
        var key: ReplyKey
        var round: Int
        var sent: Instant
        var sendings: Int
        /// Nil after cancellation: the worker's reply is still expected.
        var ticket: Ticket?
    }

    private struct Waiting {
        var ticket: Ticket
        var key: ReplyKey
        var round: Int
        var sendings = 0
    }

    private struct Run {
        var flights: [Flight] = []
        /// When it answered last; its start if it has not answered.
        var progress: Instant
        var isNew = true
    }

    private enum Worker {
        /// May become `running` at this time or later.
        case stopped(until: Instant)
        /// May become `ending`, or `stopped` when it ends by itself.
        case running(Run)
        /// Becomes `stopped`.
        case ending(Run, reason: String)
    }

    private let limits: Limits
    private var workers: [Worker]
    private var waiting: [Waiting] = []
    /// How many workers in a row ended without an answer.
    private var fruitless = 0
    private var lastReason = ""
    private var isClosed = false

    init(_ limits: Limits) {
        self.limits = limits
        workers = Array(repeating: .stopped(until: Instant(nanoseconds: .min)), count: max(1, limits.workers))
    }

    // MARK: Events

    mutating func submit(_ ticket: Ticket, _ key: ReplyKey, round: Int, at now: Instant) -> [Action] {
        guard !isClosed else { return [.fail(ticket, "it is closed")] }
        waiting.append(Waiting(ticket: ticket, key: key, round: round))
        return dispatched(now)
    }

    /// The caller has cancelled. A request that a worker holds stays there until it is answered.
    mutating func cancel(_ ticket: Ticket) {
        waiting.removeAll { $0.ticket == ticket }
        for number in workers.indices {
            guard case .running(var run) = workers[number] else { continue }
            for place in run.flights.indices where run.flights[place].ticket == ticket {
                run.flights[place].ticket = nil
            }
            workers[number] = .running(run)
        }
    }

    mutating func reply(_ reply: WorkerReply, from number: Int, at now: Instant) -> [Action] {
        guard case .running(var run) = workers[number] else { return [] }
        let place = run.flights.firstIndex { $0.key == reply.key && (reply.round ?? $0.round) == $0.round }
        guard let place else {
            let id = String(decoding: reply.key.id.prefix(100), as: UTF8.self)
            return misbehaved(number, "its worker answered a request that it was not given: id \(id)")
        }
        let ticket = run.flights.remove(at: place).ticket
        run.progress = now
        run.isNew = false
        workers[number] = .running(run)
        fruitless = 0
        return (ticket.map { [.succeed($0, reply.opinion)] } ?? []) + dispatched(now)
    }

    /// The worker broke the protocol and must be ended.
    mutating func misbehaved(_ number: Int, _ reason: String) -> [Action] {
        guard case .running(let run) = workers[number] else { return [] }
        workers[number] = .ending(run, reason: reason)
        return [.end(number)]
    }

    /// The worker ended, or could not be started.
    mutating func ended(_ number: Int, _ how: String, at now: Instant) -> [Action] {
        let run: Run
        var reason = how
        switch workers[number] {
        case .stopped: return []
        case .running(let running): run = running
        case .ending(let ending, let why): (run, reason) = (ending, why)
        }
        fruitless = fruitless.addingSaturated(1)
        lastReason = reason
        workers[number] = .stopped(until: now + backoff)
        var actions: [Action] = []
        var again: [Waiting] = []
        let sendingsMax = run.isNew ? limits.sendingsMax : limits.sendingsToUsedMax
        for flight in run.flights {
            guard let ticket = flight.ticket else { continue }
            if flight.sendings >= sendingsMax || isClosed {
                actions.append(.fail(ticket, reason))
            } else {
                again.append(
                    Waiting(ticket: ticket, key: flight.key, round: flight.round, sendings: flight.sendings))
            }
        }
        waiting.insert(contentsOf: again, at: 0)
        if fruitless >= limits.fruitlessMax {
            actions += waiting.map { .fail($0.ticket, reason) }
            waiting.removeAll()
        }
        return actions + dispatched(now)
    }

    /// Handles the deadlines that have passed.
    mutating func tick(_ now: Instant) -> [Action] {
        var actions: [Action] = []
        for number in workers.indices {
            guard let deadline = deadline(number), deadline <= now else { continue }
            // A request that had the worker to itself and timed out is not sent again.
            if case .running(var run) = workers[number], run.flights.count == 1 {
                run.flights[0].sendings = limits.sendingsToUsedMax
                workers[number] = .running(run)
            }
            actions += misbehaved(number, "its worker did not answer within \(limits.timeout.seconds) s")
        }
        return actions + dispatched(now)
    }

    /// When `tick` must be called next.
    var nextDeadline: Instant? {
        var next = workers.indices.compactMap { deadline($0) }.min()
        guard !waiting.isEmpty else { return next }
        for case .stopped(let until) in workers { next = min(next ?? until, until) }
        return next
    }

    /// Fails the waiting requests. Running workers end after they have answered what they hold.
    mutating func close() -> [Action] {
        isClosed = true
        defer { waiting.removeAll() }
        return waiting.map { .fail($0.ticket, "it is closed") }
    }

    var isIdle: Bool {
        waiting.isEmpty
            && workers.allSatisfy { if case .running(let run) = $0 { run.flights.isEmpty } else { true } }
    }

    // MARK: Decisions

    private var backoff: Interval {
        guard fruitless > 1 else { return .zero }
        return min(limits.backoffMin * Double(1 << min(fruitless - 2, 20)), limits.backoffMax)
    }

    /// When the worker's current request times out. Its time starts when the previous request was answered.
    private func deadline(_ number: Int) -> Instant? {
        guard case .running(let run) = workers[number], let oldest = run.flights.map(\.sent).min() else {
            return nil
        }
        return min(run.progress + limits.timeout, oldest + limits.timeout * Double(limits.requestsPerWorkerMax))
    }

    private mutating func dispatched(_ now: Instant) -> [Action] {
        var actions: [Action] = []
        var place = 0
        while place < waiting.count {
            guard let number = worker(for: waiting[place], now) else {
                // A request that must be alone does not delay those behind it.
                if waiting[place].sendings == 0 { break }
                place += 1
                continue
            }
            let next = waiting.remove(at: place)
            if case .stopped = workers[number] {
                workers[number] = .running(Run(progress: now))
                actions.append(.start(number))
            }
            guard case .running(var run) = workers[number] else { continue }
            let flight = Flight(
                key: next.key, round: next.round, sent: now, sendings: next.sendings + 1, ticket: next.ticket)
            if run.flights.isEmpty { run.progress = now }
            run.flights.append(flight)
            workers[number] = .running(run)
            actions.append(.send(next.ticket, to: number))
        }
        return actions
    }

    /// Prefers an idle worker, then one that can be started, then the one with the fewest requests. A request that a
    /// worker failed on prefers one that can be started.
    private func worker(for request: Waiting, _ now: Instant) -> Int? {
        var startable: Int?
        var idle: Int?
        var best: (number: Int, count: Int)?
        for number in workers.indices {
            switch workers[number] {
            case .stopped(let until): if until <= now, startable == nil { startable = number }
            case .ending: continue
            case .running(let run):
                let flights = run.flights
                if flights.isEmpty {
                    if idle == nil { idle = number }
                    continue
                }
                let isClosedTo =
                    request.sendings > 0 || flights.count >= limits.requestsPerWorkerMax
                    || flights.contains { $0.sendings > 1 || $0.key == request.key }
                if !isClosedTo, flights.count < best?.count ?? .max { best = (number, flights.count) }
            }
        }
        if isClosed { return idle }
        return request.sendings > 0 ? startable ?? idle : idle ?? startable ?? best?.number
    }
}
