public import Basics

/// When an unusually slow request gets a duplicate.
public struct HedgeSettings: Sendable, Hashable {
    /// A request is a straggler once it has taken longer than this share (0 to 1) of recent requests.
    public var quantile: Double
    /// Maximum duplicates, as a share (0 to 1) of all requests of the run.
    public var budgetShare: Double

    /// Number of known latencies before the first straggler: with fewer, the quantile would be the slowest of a few.
    var knownMin: Int

    public init(quantile: Double, budgetShare: Double) {
        (self.quantile, self.budgetShare) = (quantile, budgetShare)
        let wanted = 1 / max(1e-6, 1 - quantile)
        knownMin = Int(min(max(wanted.rounded(.up), Self.knownBounds.lowerBound), Self.knownBounds.upperBound))
    }

    static let knownBounds = 20.0...1000.0

    /// Bounds of useful quantiles.
    public static let quantileBounds = 0.5...0.999
}

/// The effect of duplicates. Amounts are in nanodollars.
public struct HedgeCounts: Sendable, Hashable {
    /// Duplicates sent, and how many of them answered first.
    public var sent = 0
    public var won = 0
    /// Answers that came second although their request was cancelled; they are recorded as rounds.
    public var late = 0
    /// The known cost of these and other losing requests.
    public var nanodollars = 0
    /// The maximum additional cost of cancelled requests: their worst case if the run has a cost cap, otherwise as much
    /// as the winning answer.
    public var nanodollarsMax = 0
    /// Estimate of the time that requests beaten by their duplicate would still have taken, judged by stragglers
    /// without one; nil while too few of these are known.
    public var saved: Interval?
    /// Current latency from which a request gets a duplicate; nil until enough are known.
    public var threshold: Interval?

    public init() {}
}

/// Finds the request that has been in flight too long, and counts the cost and effect of duplicates.
///
/// A value without clock or I/O. Requests are kept in the order of sending, so the first without a duplicate is the
/// next to become a straggler.
struct Hedging {
    let settings: HedgeSettings
    private var counted = HedgeCounts()
    /// Total time that requests had been in flight when their duplicates answered.
    private var waited = Interval.zero
    /// Losers that will be cancelled.
    private var losers: [Ticket] = []
    /// No duplicate is tried before this time, because of a limit.
    private var heldUntil = Instant(nanoseconds: 0)

    private var recent = RecentTimes()
    /// Latencies of requests without a duplicate. Of requests with one, only the quick ones finish.
    private var alone = TimeSpread()
    private var stragglers = 0
    /// Stragglers without a duplicate that an estimate of the saved time needs.
    private static let witnessesMin = 3
    /// Requests sent, including duplicates.
    private var requests = 0
    private(set) var line: [(ticket: Ticket, flight: UInt64)] = []
    private var head = 0
    /// Entries of the line that are still in flight.
    private var live = 0
    private var flights: UInt64 = 0

    /// Finished entries that the line may contain before they are removed.
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

    /// One of this many stragglers gets no duplicate, so that its latency is known: the estimate of the saved time
    /// needs it.
    static let stragglersPerWitness = 16

    /// Whether the next straggler gets a duplicate.
    ///
    /// - Parameter isTail: no other work is left, so every straggler is worth a duplicate.
    mutating func takesDuplicate(isTail: Bool) -> Bool {
        stragglers += 1
        return isTail || stragglers % Self.stragglersPerWitness != 1
    }

    /// When to check again; nil if that depends on requests in flight.
    mutating func due(at now: Instant) -> Instant? {
        guard hasBudget, let threshold = counted.threshold, let first else { return nil }
        let due = max(first.dispatchedAt + threshold, heldUntil)
        return due > now ? due : nil
    }

    /// The oldest request in flight without a duplicate.
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

    /// A limit allows no duplicate before this time.
    mutating func hold(until time: Instant) { heldUntil = time }

    /// The straggler has its duplicate, or cannot have one.
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

    /// A request returned.
    mutating func returned(_ attempt: AttemptResult, at now: Instant) {
        let ticket = attempt.ticket
        passOver(ticket)
        let isLoser = ticket.pair?.winner != nil
        let isPaired = ticket.pair != nil || ticket.duplicateOf != nil
        // A cancelled request would have taken longer than is known. Omitting it would lower the quantile with each
        // duplicate that wins.
        guard isLoser || attempt.isDecisive else { return }
        let time = isLoser ? now - ticket.dispatchedAt : attempt.latency
        if !isLoser, !isPaired { alone.add(time) }
        recent.add(time)
        if recent.isDue {
            counted.threshold = recent.count < settings.knownMin ? nil : recent.quantile(settings.quantile)
        }
    }

    /// One of two requests answered first; the other one will be cancelled.
    mutating func won(_ ticket: Ticket, over loser: Ticket, at now: Instant) {
        losers.append(loser)
        guard ticket.duplicateOf != nil else { return }
        counted.won += 1
        waited = waited + (now - loser.dispatchedAt)
    }

    /// A loser returned.
    ///
    /// - Parameters:
    ///   - cost: its cost; nil: unknown.
    ///   - worst: its worst-case cost, if unknown.
    mutating func lost(isLate: Bool, cost: Int?, worst: Int) {
        if isLate { counted.late += 1 }
        if let cost {
            counted.nanodollars = counted.nanodollars.addingSaturated(cost)
        } else {
            counted.nanodollarsMax = counted.nanodollarsMax.addingSaturated(worst)
        }
    }
}

/// The latencies of the latest requests: between one and two generations of them.
struct RecentTimes: Sendable, Hashable {
    private var newer = TimeSpread()
    private var older = TimeSpread()

    static let generation = 4096
    /// Number of latencies between two updates of the quantile.
    private static let lookEvery = 16

    var count: Int { newer.count + older.count }
    /// Whether there are enough new latencies for an update.
    var isDue: Bool { count % Self.lookEvery == 0 || Double(count) < HedgeSettings.knownBounds.upperBound }

    mutating func add(_ time: Interval) {
        if newer.count == Self.generation { (older, newer) = (newer, TimeSpread()) }
        newer.add(time)
    }

    func quantile(_ share: Double) -> Interval? { newer.joined(with: older).quantile(share) }
}
