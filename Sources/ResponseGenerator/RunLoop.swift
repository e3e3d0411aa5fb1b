internal import Basics
internal import ModelAPI
internal import Synchronization

/// The thin shell around the state machines: runs their actions in a task group and reports the results to them.
struct RunLoop {
    typealias Group = TaskGroup<ChildEvent>

    let attempts: Attempts
    let mailbox: Mailbox
    let clock: any GeneratorClock
    /// Asks the source for a batch, as tickets.
    let pull: @Sendable () async -> ChildEvent
    /// Hands results to the sink.
    let accept: ([Settlement]) throws(RetortError) -> SinkPressure
    /// Tells the sink the maximum that may be spent without a record.
    let note: (Int) throws(RetortError) -> Void
    /// Calls back when the sink has room again.
    let awaitRelief: () -> Void
    let publish: (Progress) -> Void

    private var dispatcher: Dispatcher
    private var counter: ProgressCounter
    /// Results that the sink has not taken yet.
    private var batch: [Settlement] = []
    /// Requests that are sent once the sink has noted what they may cost.
    private var outgoing: [Ticket] = []
    /// The amount without a record that the sink noted last.
    private var noted = 0
    /// Children whose value was taken.
    private var taken = 0
    /// When the current alarm fires.
    private var alarm: Instant?
    private var stopAsked = false
    /// The sink threw an error: the rest is offered once more, at the end.
    private var sinkFailed = false
    private var publishedHold = Hold.none
    private var publishedTail = 0
    private var publishedAt: Instant

    /// Maximum interval between two reports, so that waiting is visible.
    static let reportInterval = Interval.seconds(1)
    /// Below this number of items in flight or waiting, each change of the tail is reported. A report scans all
    /// requests in flight for the oldest, which is expensive for ten thousand of them.
    static let tailItemsMax = 100

    init(
        _ configuration: GeneratorConfiguration, attempts: Attempts, mailbox: Mailbox, clock: any GeneratorClock,
        pull: @escaping @Sendable () async -> ChildEvent,
        accept: @escaping ([Settlement]) throws(RetortError) -> SinkPressure,
        note: @escaping (Int) throws(RetortError) -> Void, awaitRelief: @escaping () -> Void,
        publish: @escaping (Progress) -> Void
    ) {
        self.note = note
        self.attempts = attempts
        self.mailbox = mailbox
        self.clock = clock
        self.pull = pull
        self.accept = accept
        self.awaitRelief = awaitRelief
        self.publish = publish
        let now = clock.now
        publishedAt = now
        noted = configuration.budget?.unrecordedMax ?? 0
        dispatcher = Dispatcher(configuration, at: now)
        counter = ProgressCounter(concurrency: configuration.concurrency, itemsTotal: configuration.itemsTotal, at: now)
    }

    mutating func run(_ group: inout Group) async -> RunSummary {
        while act(&group) {
            guard let event = await group.next() else { break }
            taken += 1
            let now = clock.now
            handle(event, at: now)
            // Everything else that finished in this turn is taken now, so that the sink gets one batch.
            while attempts.finished.load(ordering: .relaxed) > taken, let event = await group.next() {
                taken += 1
                handle(event, at: now)
            }
            offer()
        }
        group.cancelAll()
        return summary()
    }

    /// Runs the machine's actions until it wants to wait. False at the end.
    private mutating func act(_ group: inout Group) -> Bool {
        readMail(&group)
        let now = clock.now
        while true {
            switch dispatcher.next(at: now) {
            case .dispatch(let ticket): outgoing.append(ticket)
            case .pull:
                let (attempts, pull) = (attempts, pull)
                group.addTask {
                    let event = await pull()
                    attempts.finished.add(1, ordering: .relaxed)
                    return event
                }
            case .offer: offer(again: true)
            case .judge(let ticket):
                let attempts = attempts
                group.addTask { await attempts.judge(ticket) }
            case .recall(let ticket):
                let attempts = attempts
                group.addTask { await attempts.recall(ticket) }
            case .record:
                take(dispatcher.takeReleased(), at: now)
                offer()
            case .cancel(let ticket): ticket.cancellation?.cancel()
            case .cut: cut(&group)
            case .wait(let due):
                send(&group)
                setAlarm(min(due ?? now + Self.reportInterval, now + Self.reportInterval), &group)
                publishHold(at: now)
                return true
            case .finish: return false
            }
        }
    }

    /// Sends the requests dispatched in this turn, once the sink has noted what they may cost.
    private mutating func send(_ group: inout Group) {
        do {
            try noteUnrecorded()
        } catch {
            dispatcher.stop(with: error)
            for ticket in outgoing {
                // It was never sent, so it cost nothing.
                let failure = TransportFailure(.cancelled, "not sent", stage: .unconnected)
                let attempt = AttemptResult(ticket: ticket, judgement: Judgement(verdict: .cancelled), failure: failure)
                _ = dispatcher.arrived(attempt, at: clock.now)
            }
            outgoing.removeAll()
        }
        let attempts = attempts
        for ticket in outgoing { group.addTask { await attempts.attempt(ticket) } }
        outgoing.removeAll(keepingCapacity: true)
    }

    /// Tells the sink the maximum that may have been spent without a record, if that has changed.
    private mutating func noteUnrecorded() throws(RetortError) {
        guard let budget = dispatcher.budget else { return }
        // Results that the sink has not taken yet are in no record either.
        let unrecorded = batch.reduce(budget.unrecordedMax) { $0 + ($1.cost ?? 0) }
        guard unrecorded != noted else { return }
        try note(unrecorded)
        noted = unrecorded
    }

    private mutating func readMail(_ group: inout Group) {
        if Task.isCancelled, dispatcher.window.phase != .cut {
            stopAsked = true
            cut(&group)
        }
        guard let letters = mailbox.takeLetters() else { return }
        if letters.isRelieved { dispatcher.relieved() }
        for change in letters.changes { dispatcher.steer(change, at: clock.now) }
        if !letters.again.isEmpty, dispatcher.window.phase == .open {
            dispatcher.ask(letters.again.map(\.ticket))
            for again in letters.again { counter.asksAgain(again.failureClass) }
        }
        switch letters.stop {
        case nil: return
        case .drain(let deadline): dispatcher.drain(deadline: deadline)
        case .now: cut(&group)
        }
        stopAsked = true
    }

    private mutating func cut(_ group: inout Group) {
        dispatcher.cut()
        group.cancelAll()
    }

    /// Keeps one alarm in the group. If it is set for a later time than needed, it is woken, and set again when it
    /// returns.
    private mutating func setAlarm(_ due: Instant, _ group: inout Group) {
        if dispatcher.window.phase == .cut { return }
        if let set = alarm {
            if due < set { mailbox.wake() }
            return
        }
        alarm = due
        let (attempts, mailbox, clock) = (attempts, mailbox, clock)
        group.addTask {
            await mailbox.wait(until: due, clock)
            attempts.finished.add(1, ordering: .relaxed)
            return .alarm
        }
    }

    private mutating func handle(_ event: ChildEvent, at now: Instant) {
        switch event {
        case .alarm: alarm = nil
        case .supply(let tickets, let error): dispatcher.supplied(tickets, error: error)
        case .judged(let result):
            let settlements = dispatcher.judged(result, at: now)
            counter.judged(result.ruling, round: Int(result.ticket.rounds.count))
            take(settlements, at: now)
        case .recalled(let ticket, let answer):
            if let settlement = dispatcher.recalled(ticket, answer, at: now) { take([settlement], at: now) }
        case .attempt(let attempt):
            let settlements = dispatcher.arrived(attempt, at: now)
            if !settlements.isEmpty { take(settlements, at: now) }
            if dispatcher.hasReleased { take(dispatcher.takeReleased(), at: now) }
            counter.returned(attempt)
        }
    }

    /// Adds results for the sink, and those of items with equal requests.
    private mutating func take(_ settlements: [Settlement], at now: Instant) {
        batch += settlements
        if dispatcher.twins != nil { batch += dispatcher.answersOfTwins(settlements, at: now) }
    }

    /// Offers the sink the results. If the disk is full they are kept, and offered again when the machine says so.
    private mutating func offer(again: Bool = false) {
        guard !batch.isEmpty, !sinkFailed, again || !dispatcher.window.isOutOfSpace else { return }
        let now = clock.now
        do {
            let pressure = try accept(batch)
            dispatcher.settled(batch.count, pressure: pressure)
            let isDue = counter.settled(batch, at: now)
            batch.removeAll(keepingCapacity: true)
            if pressure == .pressed { awaitRelief() }
            if isDue { report(at: now) }
        } catch {
            if error.code == .noSpace {
                dispatcher.outOfSpace(at: now)
                return
            }
            sinkFailed = true
            dispatcher.stop(with: error)
            dispatcher.drain(deadline: now)
        }
    }

    private mutating func report(at now: Instant) {
        publishedAt = now
        publish(counter.report(&dispatcher, at: now))
    }

    /// Reports when sending starts or stops being held up, at every decision of a short tail, and from time to time if
    /// nothing happens.
    private mutating func publishHold(at now: Instant) {
        let left = dispatcher.window.inFlight + dispatcher.retries.count
        let isTail = dispatcher.isTail && left <= Self.tailItemsMax && left != publishedTail
        guard dispatcher.hold != publishedHold || isTail || now - publishedAt >= Self.reportInterval else { return }
        publishedHold = dispatcher.hold
        publishedTail = left
        report(at: now)
    }

    /// The end: results that the sink would not take are offered once more.
    private mutating func summary() -> RunSummary {
        if !batch.isEmpty {
            do {
                dispatcher.settled(batch.count, pressure: try accept(batch))
                _ = counter.settled(batch, at: clock.now)
                batch = []
            } catch {
                dispatcher.fail(with: Self.unsaved(batch.count, error))
            }
        }
        do {
            try noteUnrecorded()
        } catch {
            dispatcher.fail(with: error)
        }
        let progress = counter.report(&dispatcher, at: clock.now)
        publish(progress)
        let ending: RunSummary.Ending = dispatcher.error != nil ? .failed : stopAsked ? .stopped : .completed
        return RunSummary(ending: ending, error: dispatcher.error, progress: progress, unsaved: batch.count)
    }

    /// Results that could not be written are lost, whatever the sink's error says about what it has taken.
    private static func unsaved(_ count: Int, _ error: RetortError) -> RetortError {
        var error = error
        let results = count == 1 ? "1 result" : "\(count) results"
        error.remedy =
            "\(results) could not be written: the next run sends those requests again. "
            + (error.code == .noSpace
                ? "Free some room, then run the same command again." : "Run the same command again.")
        return error
    }
}
