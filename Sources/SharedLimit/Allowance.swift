public import Basics

/// A client's side of the leases: when the next request may go. A value; each decision is a few comparisons.
public struct Allowance: Sendable {
    /// A stretch of the server's line, in this machine's time.
    private struct Stretch: Sendable {
        var lease: Lease
        /// Rights that were used or have passed.
        var used = 0
        var expired = 0
    }

    private var stretches: [Stretch] = []
    /// Tokens of the leases so far that no request has taken.
    private var tokens = 0.0
    private var clock = ServerClock()
    /// Requests that are asked for the next time: what was of use the last time, and more if that was too few.
    private var appetite = appetiteAtFirst
    /// A request waits for a right.
    private(set) var isWanting = false
    /// Tokens of the request that waited last, and the mean of those that went.
    private var tokensWaiting = 0
    private var tokensMean = 0.0
    /// Requests that have left late, each of which takes the place of one to come, and when the last one did.
    private var owed = 0
    private var owedAt = Instant(nanoseconds: 0)
    /// Of the pace without a server.
    private var fallback: (step: Interval, next: Instant)?

    static let appetiteAtFirst = 8
    /// Stretches that are kept at once.
    static let stretchesMax = 8

    public init() {}

    /// When a request of so many tokens may go: not after `now` if it may at once; nil: not before another lease.
    public mutating func ready(tokens cost: Int, at now: Instant) -> Instant? {
        if let fallback { return max(now, fallback.next) }
        dropPassed(at: now)
        payLate(at: now)
        guard let first = stretches.first else { return want(cost) }
        if first.lease.terms.tokensPerMinute != nil, tokens + 0.5 < Double(cost), !mayOwe(cost, first.lease) {
            return want(cost)
        }
        let due = clock.local(first.lease.time(of: first.used))
        if due > now { isWanting = true }
        return max(now, due)
    }

    /// One request may take more tokens than were leased for it: the debt is asked for with the next lease.
    private func mayOwe(_ cost: Int, _ lease: Lease) -> Bool { tokens > 0 && cost <= lease.tokens }

    private mutating func want(_ cost: Int) -> Instant? {
        (isWanting, tokensWaiting) = (true, cost)
        return nil
    }

    /// Takes a request that is ready.
    public mutating func take(tokens cost: Int, at now: Instant) {
        tokensMean += (Double(cost) - tokensMean) * (tokensMean == 0 ? 1 : 0.05)
        if let (step, next) = fallback {
            fallback = (step, max(now, next) + step)
            return
        }
        guard !stretches.isEmpty else { return }
        isWanting = true
        tokens -= Double(cost)
        stretches[0].used += 1
        if stretches[0].used >= stretches[0].lease.requests { finishFirst() }
    }

    /// A request has left so long after its right was taken. More than the margin is a place in a later window that another
    /// right was meant for: that one is given up.
    public mutating func departed(late: Interval, _ terms: LimitTerms, at now: Instant) {
        guard late > terms.window * LimitTerms.delayShare, owed < Self.owedMax else { return }
        owed += 1
        owedAt = now
    }

    static let owedMax = 1 << 20

    /// Gives up rights for what has left late. What left longer ago than a window is in nobody's way any more.
    private mutating func payLate(at now: Instant) {
        while owed > 0, let first = stretches.first {
            if now - owedAt > first.lease.terms.window {
                owed = 0
            } else {
                owed -= 1
                stretches[0].used += 1
                if stretches[0].used >= first.lease.requests { finishFirst() }
            }
        }
    }

    /// Corrects what was taken by what was used.
    public mutating func settle(reserved: Int, used: Int) {
        tokens -= Double(used) - Double(reserved)
    }

    private mutating func dropPassed(at now: Instant) {
        while let first = stretches.first {
            let lease = first.lease
            let last = now + (Interval.zero - lease.grace)
            let passed = clock.local(lease.start)
            if passed >= last { return }
            let behind = lease.step.nanoseconds > 0 ? (last - passed).nanoseconds / lease.step.nanoseconds + 1 : .max
            let used = Int(min(Int64(lease.requests), behind))
            guard used > first.used else { return }
            stretches[0].expired += used - first.used
            owed = max(0, owed - (used - first.used))
            stretches[0].used = used
            if used < lease.requests { return }
            finishFirst()
        }
    }

    private mutating func finishFirst() {
        let done = stretches.removeFirst()
        let useful = done.lease.requests - done.expired
        // All were of use: perhaps more would be. Otherwise what was of use is enough.
        // One that was held up for a moment wants as much as before, so it falls by half at most.
        let enough = max(useful + useful / 4 + 1, appetite / 2)
        appetite = done.expired == 0 ? max(appetite, 2 * done.lease.requests) : enough
        appetite = min(appetite, LeaseRequest.requestsMax)
        // Tokens that are left over are gone with their time, but for what one request needs.
        if stretches.isEmpty { tokens = min(tokens, max(Double(tokensWaiting), Double(done.lease.tokens))) }
    }

    // MARK: Leases

    /// Whether to ask for another lease: something waits, and what there is ends soon.
    public func isDue(at now: Instant) -> Bool {
        guard isWanting, stretches.count < Self.stretchesMax else { return false }
        guard let last = stretches.last else { return true }
        return clock.local(last.lease.time(of: last.lease.requests)) < now + last.lease.terms.cycle + clock.error
    }

    /// Requests and tokens to ask for.
    public func demand() -> (requests: Int, tokens: Int) {
        let each = max(tokensMean, stretches.isEmpty ? Double(tokensWaiting) : 0)
        let debt = max(0, -tokens)
        let tokens = min(each * Double(appetite) + debt, Double(LeaseRequest.tokensMax))
        return (appetite, Int(tokens.rounded(.up)))
    }

    /// Takes a lease that was asked for at `sent` and came at `now`.
    public mutating func add(_ lease: Lease, sent: Instant, at now: Instant) {
        fallback = nil
        if clock.note(lease.now, epoch: lease.epoch, sent: sent, received: now) { stretches = [] }
        isWanting = false
        guard lease.requests > 0, stretches.count < Self.stretchesMax else { return }
        stretches.append(Stretch(lease: lease))
        tokens += Double(lease.tokens)
    }

    /// Whether a right is at hand or to come.
    public mutating func hasRights(at now: Instant) -> Bool {
        dropPassed(at: now)
        return !stretches.isEmpty
    }

    /// Goes on without a server, at a share of what all may do. Nothing of it is stored up.
    public mutating func fallBack(_ terms: LimitTerms, share: Double, at now: Instant) {
        let part = terms.scaled(by: share)
        var step = part.requestRate.map { 1 / $0 } ?? 0
        if let rate = part.tokenRate { step = max(step, max(1, tokensMean) / rate) }
        if fallback == nil { fallback = (.seconds(min(step, 86_400)), now) }
    }
}

/// What the server's clock says in this machine's time, from the exchange that told it best. The two may run apart by
/// any offset; a reply that came late is worse evidence, and moves nothing.
struct ServerClock: Sendable {
    private var epoch: UInt64?
    /// This machine's time less the server's.
    private var offset: Int64 = 0
    private var noted = Instant(nanoseconds: 0)
    /// How wrong the offset may be, when it was noted.
    private var errorThen = Interval(nanoseconds: .max / 2)
    private(set) var error = Interval.zero

    /// How far two clocks run apart in a second, in seconds.
    static let drift = 100e-6

    /// True when it is another clock than before, by which no earlier time means anything.
    mutating func note(_ server: Instant, epoch: UInt64, sent: Instant, received: Instant) -> Bool {
        let isOther = self.epoch.map { $0 != epoch } ?? false
        let mistake = Interval(nanoseconds: max(0, (received - sent).nanoseconds) / 2)
        let age = max(0, (received - noted).seconds)
        if self.epoch != epoch || mistake <= errorThen + .seconds(age * Self.drift) {
            let middle = sent + mistake
            offset = middle.nanoseconds &- server.nanoseconds
            (noted, errorThen) = (received, mistake)
        }
        self.epoch = epoch
        error = errorThen
        return isOther
    }

    func local(_ server: Instant) -> Instant { Instant(nanoseconds: server.nanoseconds &+ offset) }
}
