public import Basics

/// A client's leases: decides when the next request may be sent. A value; each decision is a few comparisons.
public struct Allowance: Sendable {
    /// A stretch of the server's schedule, in this machine's time.
    private struct Stretch: Sendable {
        var lease: Lease
        /// Rights that were used or have expired.
        var used = 0
        var expired = 0
    }

    private var stretches: [Stretch] = []
    /// Leased tokens that no request has taken.
    private var tokens = 0.0
    private var clock = ServerClock()
    /// Requests to ask for next time: as many as were useful last time, or more if those were too few.
    private var appetite = appetiteAtFirst
    /// Whether a request waits for a right.
    private(set) var isWanting = false
    /// Tokens of the request that waited last, and the mean of those that went.
    private var tokensWaiting = 0
    private var tokensMean = 0.0
    /// Requests that left late, each of which gives up a later right, and when the last one did.
    private var owed = 0
    private var owedAt = Instant(nanoseconds: 0)
    /// The pace while the limiter is unreachable.
    private var fallback: (step: Interval, next: Instant)?

    static let appetiteAtFirst = 8
    /// Maximum stretches held at once.
    static let stretchesMax = 8

    public init() {}

    /// When a request of that many tokens may be sent: `now` or earlier means at once; nil: not before another lease.
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

    /// One request may take more tokens than were leased: the debt is added to the next lease's demand.
    private func mayOwe(_ cost: Int, _ lease: Lease) -> Bool { tokens > 0 && cost <= lease.tokens }

    private mutating func want(_ cost: Int) -> Instant? {
        (isWanting, tokensWaiting) = (true, cost)
        return nil
    }

    /// Takes the right for a request that is ready.
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

    /// A request left this long after its right was taken. If that is more than the margin, it occupies a later window
    /// that was meant for another right, so that right is given up.
    public mutating func departed(late: Interval, _ terms: LimitTerms, at now: Instant) {
        guard late > terms.window * LimitTerms.delayShare, owed < Self.owedMax else { return }
        owed += 1
        owedAt = now
    }

    static let owedMax = 1 << 20

    /// Gives up rights for requests that left late. A request that left longer ago than a window no longer matters.
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

    /// Corrects the reserved tokens by the tokens used.
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
        // All rights were useful, so perhaps more would be; otherwise as many as were useful are enough. A client that
        // was held up for a moment still wants as much as before, so the demand falls at most by half.
        let enough = max(useful + useful / 4 + 1, appetite / 2)
        appetite = done.expired == 0 ? max(appetite, 2 * done.lease.requests) : enough
        appetite = min(appetite, LeaseRequest.requestsMax)
        // Remaining tokens expire with their lease, except for what one request needs.
        if stretches.isEmpty { tokens = min(tokens, max(Double(tokensWaiting), Double(done.lease.tokens))) }
    }

    // MARK: Leases

    /// Whether to ask for another lease: something waits, and the current leases end soon.
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

    /// Adds a lease that was requested at `sent` and arrived at `now`.
    public mutating func add(_ lease: Lease, sent: Instant, at now: Instant) {
        fallback = nil
        if clock.note(lease.now, epoch: lease.epoch, sent: sent, received: now) { stretches = [] }
        isWanting = false
        guard lease.requests > 0, stretches.count < Self.stretchesMax else { return }
        stretches.append(Stretch(lease: lease))
        tokens += Double(lease.tokens)
    }

    /// Whether there is a right now or later.
    public mutating func hasRights(at now: Instant) -> Bool {
        dropPassed(at: now)
        return !stretches.isEmpty
    }

    /// Goes on without the limiter, at a share of the total limit. Unused rights do not accumulate.
    public mutating func fallBack(_ terms: LimitTerms, share: Double, at now: Instant) {
        let part = terms.scaled(by: share)
        var step = part.requestRate.map { 1 / $0 } ?? 0
        if let rate = part.tokenRate { step = max(step, max(1, tokensMean) / rate) }
        if fallback == nil { fallback = (.seconds(min(step, 86_400)), now) }
    }
}

/// Maps the server's clock to this machine's, from the exchange that measured it best. The two clocks may differ by any
/// offset; a reply that arrived late is weaker evidence and changes nothing.
struct ServerClock: Sendable {
    private var epoch: UInt64?
    /// This machine's time minus the server's.
    private var offset: Int64 = 0
    private var noted = Instant(nanoseconds: 0)
    /// Maximum error of the offset when it was measured.
    private var errorThen = Interval(nanoseconds: .max / 2)
    private(set) var error = Interval.zero

    /// How far two clocks drift apart per second, in seconds.
    static let drift = 100e-6

    /// True if the server's clock is a different one than before, so that earlier times mean nothing.
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
