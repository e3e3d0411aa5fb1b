internal import Basics
internal import ModelAPI

/// Counts results and decides when a report is due: per batch, not per result.
struct ProgressCounter: Sendable {
    private(set) var progress = Progress()
    private var unreported = 0
    private let batchCount: Int
    private let start: Instant
    private var rate: SlidingRate

    init(concurrency: Int, itemsTotal: Int?, at now: Instant) {
        batchCount = Self.batchCount(concurrency: concurrency)
        start = now
        rate = SlidingRate(at: now)
        progress.itemsTotal = itemsTotal
        progress.concurrencyMax = concurrency
    }

    /// Results between two reports.
    static func batchCount(concurrency: Int) -> Int {
        switch concurrency {
        case ..<10: 5
        case ...100: 10
        case ...500: 20
        default: 50
        }
    }

    /// An attempt returned.
    mutating func returned(_ attempt: AttemptResult) {
        if let failure = attempt.failure, failure.stage == .unconnected {
            progress.unconnected += 1
        } else {
            progress.requests += 1
        }
        if let reply = attempt.reply, reply.status == 429 { progress.rateLimited += 1 }
    }

    /// An item that had failed, in this run or earlier, is sent again.
    mutating func asksAgain(_ failureClass: FailureClass) {
        progress.failed -= 1
        progress.failures[failureClass, default: 0] = max(0, progress.failures[failureClass, default: 0] - 1)
    }

    /// The verifier's ruling on an answer.
    ///
    /// - Parameter round: the item's round, from 1.
    mutating func judged(_ ruling: VerifierRuling, round: Int) {
        switch ruling {
        case .accept(_, let passes):
            progress.judged += 1
            guard passes else { return }
            progress.passed += 1
            progress.passedInRound[round, default: 0] += 1
        case .ask, .reject: progress.judged += 1
        case .unable(let message):
            progress.verifierFailures += 1
            progress.verifierTrouble = message
        }
    }

    /// The sink took these results. True if a report is due.
    mutating func settled(_ batch: [Settlement], at now: Instant) -> Bool {
        for settlement in batch {
            switch settlement.result {
            case .answer(let answer):
                progress.count(answer)
                progress.savedNanodollars += settlement.ticket.price.nanodollarsSaved(by: answer.usage)
                if let time = settlement.firstToken { progress.firstTokens.add(time) }
            case .failure(let failure): progress.count(failure)
            // A round that has not been judged may become the outcome.
            case .round(let round): if !round.isUnjudged { progress.rounds += 1 }
            case .opinion: progress.rounds += 1
            }
        }
        rate.add(done: progress.done, at: now)
        unreported += batch.count
        return unreported >= batchCount
    }

    /// The report as of now.
    mutating func report(_ dispatcher: inout Dispatcher, at now: Instant) -> Progress {
        unreported = 0
        progress.inFlight = dispatcher.window.inFlight
        progress.oldestInFlight = dispatcher.isTail ? dispatcher.flights.oldestDispatch.map { now - $0 } : nil
        progress.unsaved = dispatcher.window.unsettled
        progress.waiting = dispatcher.retries.count
        progress.judging = dispatcher.judging.waitingCount + dispatcher.judging.underWay
        progress.nextRetryIn = dispatcher.retries.nextDue.map { max(.zero, $0 - now) }
        progress.lastRetryIn = dispatcher.retries.lastDue.map { max(.zero, $0 - now) }
        progress.retries = dispatcher.retriesByClass
        progress.held = dispatcher.refusals.heldCount
        progress.lastError = dispatcher.lastError
        progress.outageLeft = dispatcher.outageLeft(at: now)
        progress.hasReached = dispatcher.hasReached
        if dispatcher.errors.isChanged { progress.errors = dispatcher.errors.takeTop() }
        progress.waitingByClass = dispatcher.waitingByClass.filter { $0.value > 0 }
        progress.concurrency = dispatcher.adaptive.limit
        progress.concurrencyMax = dispatcher.adaptive.ceiling
        if let router = dispatcher.router {
            progress.endpoints = router.progress
            progress.concurrency = min(dispatcher.adaptive.limit, router.limit)
        }
        progress.hedges = dispatcher.hedging?.counts
        progress.hold = dispatcher.hold
        progress.elapsed = now - start
        progress.itemsPerSecond = rate.perSecond(at: now)
        return progress
    }
}

/// Results per second over a sliding window: a short ring of samples, one every half second.
struct SlidingRate: Sendable {
    private var samples: [(time: Instant, done: Int)]
    private var done = 0

    static let window = Interval.seconds(30)
    private static let sampleSpacing = Interval.milliseconds(500)

    init(at now: Instant) { samples = [(now, 0)] }

    /// Notes the count so far.
    mutating func add(done: Int, at now: Instant) {
        self.done = done
        guard now - samples[samples.count - 1].time >= Self.sampleSpacing else { return }
        samples.append((now, done))
        // The oldest sample stays just outside the window, so that the rate covers all of it.
        while samples.count > 2, now - samples[1].time >= Self.window { samples.removeFirst() }
    }

    func perSecond(at now: Instant) -> Double {
        let span = (now - samples[0].time).seconds
        return span > 0 ? max(0, Double(done - samples[0].done) / span) : 0
    }
}
