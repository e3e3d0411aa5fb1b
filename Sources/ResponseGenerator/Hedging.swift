public import Basics

/// When a request that takes unusually long is sent a second time.
public struct HedgeSettings: Sendable, Hashable {
    /// The share (0 to 1) of recent requests that were faster: a request is a straggler once it has taken longer.
    public var quantile: Double
    /// Duplicates at most, as a share (0 to 1) of all requests of the run.
    public var budgetShare: Double

    /// Requests whose times are known before the first straggler is seen: with fewer the quantile would be the slowest of a few.
    var knownMin: Int

    public init(quantile: Double, budgetShare: Double) {
        (self.quantile, self.budgetShare) = (quantile, budgetShare)
        let wanted = 1 / max(1e-6, 1 - quantile)
        knownMin = Int(min(max(wanted.rounded(.up), Self.knownBounds.lowerBound), Self.knownBounds.upperBound))
    }

    static let knownBounds = 20.0...1000.0

    /// The least and the largest quantile that are of use.
    public static let quantileBounds = 0.5...0.999
}

/// What duplicates of stragglers have brought. Money is in nanodollars.
public struct HedgeCounts: Sendable, Hashable {
    /// Duplicates that were sent, and those of them that answered first.
    public var sent = 0
    public var won = 0
    /// Answers that came second although their request was cancelled: they are recorded as rounds.
    public var late = 0
    /// What these and other losers have certainly cost.
    public var nanodollars = 0
    /// What cancelled losers may have cost beside: at worst where the run has a cost cap, otherwise as much as the answer that won.
    public var nanodollarsMax = 0
    /// Estimate: what the requests that lost to their duplicate would still have taken, judged by stragglers that had none;
    /// nil while too few of these are known.
    public var saved: Interval?
    /// How long a request must take now to get a duplicate; nil until enough are known.
    public var threshold: Interval?

    public init() {}
}

/// Finds the request that has been in flight for too long, and counts what duplicates cost and bring.
///
/// A value without clock and I/O. Requests are kept in the order in which they were sent, so the first that has no duplicate is
/// the next to become a straggler.
struct Hedging {
    let settings: HedgeSettings
    private var counted = HedgeCounts()
    /// How long requests had been in flight when their duplicates answered, together.
    private var waited = Interval.zero
    /// Losers that are to be cancelled.
    private var losers: [Ticket] = []
    /// Before this nothing is tried: a limit does not let a duplicate go.
    private var heldUntil = Instant(nanoseconds: 0)

    private var recent = RecentTimes()
    /// Times of requests that had no duplicate. Of those with one only the quick are let run to their end.
    private var alone = TimeSpread()
    private var stragglers = 0
    /// Stragglers without a duplicate from which on something is said of what the others would have taken.
    private static let witnessesMin = 3
    /// Requests that were sent, duplicates among them.
    private var requests = 0
    private(set) var line: [(ticket: Ticket, flight: UInt64)] = []
    private var head = 0
    /// Entries of the line that are still in flight.
    private var live = 0
    private var flights: UInt64 = 0

    /// Entries of the line that may be over before it is cleared of them.
    private static let deadMin = 64

    init(_ settings: HedgeSettings) { self.settings = settings }

    private var hasBudget: Bool { Double(counted.sent + 1) <= settings.budgetShare * Double(requests) }

    var counts: HedgeCounts {
        var counts = counted
        guard counts.won > 0 else { return counts }
        let each = waited * (1 / Double(counts.won))
        counts.saved = alone.mean(above: each, ofAtLeast: Self.witnessesMin).map {
            ($0 - each) * Double(counts.won)
        }
        return counts
    }

    // MARK: Deciding

    /// The straggler that should get a duplicate now.
    mutating func straggler(at now: Instant) -> Ticket? {
        guard hasBudget, heldUntil <= now, let threshold = counted.threshold, let first = first,
            now - first.dispatchedAt >= threshold
        else { return nil }
        return first
    }

    /// Of so many stragglers one is left alone, so that it is known what they take: what duplicates save rests on that.
    static let stragglersPerWitness = 16

    /// Whether this straggler, the next one, gets a duplicate.
    /// - Parameter isTail: nothing else is left to do, so that each is waited for.
    mutating func takesDuplicate(isTail: Bool) -> Bool {
        stragglers += 1
        return isTail || stragglers % Self.stragglersPerWitness != 1
    }

    /// When to look again; nil where that depends on what returns.
    mutating func due(at now: Instant) -> Instant? {
        guard hasBudget, let threshold = counted.threshold, let first else { return nil }
        let due = max(first.dispatchedAt + threshold, heldUntil)
        return due > now ? due : nil
    }

    /// The request that was sent first of those that are in flight without a duplicate.
    private var first: Ticket? {
        mutating get {
            while head < line.count {
                let (ticket, flight) = line[head]
                if ticket.flight == flight { return ticket }
                head += 1
            }
            return nil
        }
    }

    /// A limit lets no duplicate go before this time.
    mutating func hold(until time: Instant) { heldUntil = time }

    /// The straggler has its duplicate, or cannot have one: it is looked at no more.
    mutating func passOver(_ ticket: Ticket) {
        if ticket.flight != 0 { live -= 1 }
        ticket.flight = 0
    }

    mutating func takeLoser() -> Ticket? { losers.popLast() }

    // MARK: What happened

    /// A request was sent.
    mutating func dispatched(_ ticket: Ticket) {
        requests += 1
        guard ticket.duplicateOf == nil else {
            counted.sent += 1
            return
        }
        flights += 1
        ticket.flight = flights
        if line.count - head >= 2 * live + Self.deadMin {
            line = line[head...].filter { $0.ticket.flight == $0.flight }
            head = 0
        }
        live += 1
        line.append((ticket, flights))
    }

    /// A request came back.
    mutating func returned(_ attempt: AttemptResult, at now: Instant) {
        let ticket = attempt.ticket
        passOver(ticket)
        let isLoser = ticket.pair?.winner != nil
        let isPaired = ticket.pair != nil || ticket.duplicateOf != nil
        // The time of one that was cancelled is longer than what is known of it. Left out, it would make the quantile smaller
        // with each duplicate that wins.
        guard isLoser || attempt.isDecisive else { return }
        let time = isLoser ? now - ticket.dispatchedAt : attempt.latency
        if !isLoser, !isPaired { alone.add(time) }
        recent.add(time)
        if recent.isDue {
            counted.threshold = recent.count < settings.knownMin ? nil : recent.quantile(settings.quantile)
        }
    }

    /// One of two requests has answered first; the other one is to be cancelled.
    mutating func won(_ ticket: Ticket, over loser: Ticket, at now: Instant) {
        losers.append(loser)
        guard ticket.duplicateOf != nil else { return }
        counted.won += 1
        waited = waited + (now - loser.dispatchedAt)
    }

    /// A loser came back.
    /// - Parameters:
    ///   - cost: what it has cost; nil: nobody can tell.
    ///   - worst: what it may have cost then.
    mutating func lost(isLate: Bool, cost: Int?, worst: Int) {
        if isLate { counted.late += 1 }
        if let cost {
            counted.nanodollars = counted.nanodollars.addingSaturated(cost)
        } else {
            counted.nanodollarsMax = counted.nanodollarsMax.addingSaturated(worst)
        }
    }
}

/// The times of the latest requests: between one and two generations of them.
struct RecentTimes: Sendable, Hashable {
    private var newer = TimeSpread()
    private var older = TimeSpread()

    static let generation = 4096
    /// Times between two looks at the quantile.
    private static let lookEvery = 16

    var count: Int { newer.count + older.count }
    /// Whether enough has come to look again.
    var isDue: Bool { count % Self.lookEvery == 0 || Double(count) < HedgeSettings.knownBounds.upperBound }

    mutating func add(_ time: Interval) {
        if newer.count == Self.generation { (older, newer) = (newer, TimeSpread()) }
        newer.add(time)
    }

    func quantile(_ share: Double) -> Interval? { newer.joined(with: older).quantile(share) }
}
