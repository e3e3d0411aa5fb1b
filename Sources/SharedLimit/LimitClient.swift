public import Basics
internal import Glibc

/// A limit shared with other processes: decides from leases it holds, and requests more on its own thread before they
/// end.
///
/// While the limiter is unreachable it uses up its leases, then waits or, if a fallback is given, takes that share of
/// the limit. Decisions must come from one thread, whichever; the other calls from any.
public final class LimitClient: @unchecked Sendable {
    // Unchecked: the exchange belongs to the lease thread.
    private struct State {
        var allowance = Allowance()
        var client = ""
        var terms: LimitTerms
        var moneyLimit: Int?
        var moneyWanted = 0
        var moneyNeeded = 0
        /// Consecutive replies without enough money.
        var spentAnswers = 0
        var refused = 0
        var pause = Interval.zero
        var isAsking = false
        var isStopped = false
        var isLost = false
        var onLease: (@Sendable () -> Void)?
        var onNotice: (@Sendable (String) -> Void)?
    }

    private let state: Locked<State>
    private let exchange: any LeaseExchange
    private let fallbackShare: Double?
    private let bell = Bell()
    private let ended = Monitor(true)

    /// Time between two attempts to reach the limiter, and before a fallback takes over.
    static let retryInterval = Interval.milliseconds(500)
    static let fallbackDelay = Interval.seconds(3)
    /// Consecutive replies without money, one second apart, after which the money counts as spent.
    static let spentAnswersMax = 3
    static let spentInterval = Interval.seconds(1)

    /// Requests the limits. Throws if the limiter cannot be reached or refuses.
    public convenience init(
        _ address: LimitAddress, token: String, fileTerms: LimitTerms, fallbackShare: Double? = nil
    ) throws(RetortError) {
        switch address {
        case .server(let host, let port):
            try self.init(ServerExchange(host: host, port: port, token: token), fallbackShare: fallbackShare)
        case .addressFile(let path):
            try self.init(ServerExchange(addressFile: path, token: token), fallbackShare: fallbackShare)
        case .file(let path):
            try self.init(try FileExchange(path, fileTerms), fallbackShare: fallbackShare)
        }
    }

    init(_ exchange: any LeaseExchange, fallbackShare: Double? = nil) throws(RetortError) {
        self.exchange = exchange
        self.fallbackShare = fallbackShare
        let first = try exchange.lease(LeaseRequest(client: ""))
        state = Locked(State(terms: first.terms))
    }

    public var terms: LimitTerms { state.withLock { $0.terms } }

    /// Starts requesting leases as the client of that name, which has spent at most `spentMax` in all. `onNotice` is
    /// called when the limiter is lost and found.
    public func start(client: String, spentMax: Int, onNotice: @escaping @Sendable (String) -> Void) {
        state.withLock { state in
            state.client = client
            state.moneyLimit = state.terms.moneyMax == nil ? nil : max(0, spentMax)
            state.onNotice = onNotice
        }
        ended.update { $0 = false }
        WorkThread.start { [self] in
            work()
            ended.update { $0 = true }
        }
    }

    /// Calls `wake` on each new lease, from the lease thread.
    public func onLease(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.onLease = wake } }

    /// Stops requesting, and returns unspent money; nil: the amount spent is unknown.
    public func finish(spentMax: Int?) {
        state.withLock { $0.isStopped = true }
        bell.ring()
        ended.wait { $0 ? () : nil }
        let last = state.withLock { state -> LeaseRequest? in
            guard let spentMax, state.moneyLimit != nil, !state.client.isEmpty else { return nil }
            state.moneyLimit = spentMax
            return LeaseRequest(client: state.client, moneyBound: spentMax)
        }
        // If the limiter cannot be reached now, it learns of it when the run is resumed.
        if let last { _ = try? exchange.lease(last) }
    }

    // MARK: Decisions

    /// When a request of that many tokens may be sent; nil: not before `onLease`.
    public func ready(tokens: Int, at now: Instant) -> Instant? {
        let (due, shouldRing) = state.withLock { state -> (Instant?, Bool) in
            guard state.terms.limitsPace else { return (now, false) }
            let due = state.allowance.ready(tokens: tokens, at: now)
            let shouldRing = !state.isAsking && state.allowance.isDue(at: now)
            if shouldRing { state.isAsking = true }
            return (due, shouldRing)
        }
        if shouldRing { bell.ring() }
        return due
    }

    public func take(tokens: Int, at now: Instant) {
        state.withLock { state in
            if state.terms.limitsPace { state.allowance.take(tokens: tokens, at: now) }
        }
    }

    /// A request that was taken at `taken` left the machine at `now`. Any thread.
    public func departed(taken: Instant, at now: Instant) {
        state.withLock { state in
            guard state.terms.limitsPace else { return }
            state.allowance.departed(late: now - taken, state.terms, at: now)
        }
    }

    public func settle(reserved: Int, used: Int) {
        state.withLock { state in
            if state.terms.tokensPerMinute != nil { state.allowance.settle(reserved: reserved, used: used) }
        }
    }

    /// The API answered a request with 429.
    public func refused(pause: Interval) {
        state.withLock { state in
            state.refused += 1
            state.pause = max(state.pause, pause)
        }
        bell.ring()
    }

    /// The total that may be spent by now; nil: money is not limited here.
    public var moneyLimit: Int? { state.withLock { $0.moneyLimit } }

    /// Requests more money, enough for a request that may cost `needed`. False: there is none.
    public func wantMoney(needed: Int, wanted: Int) -> Bool {
        let canCome = state.withLock { state in
            guard state.moneyLimit != nil, state.spentAnswers < Self.spentAnswersMax else { return false }
            state.moneyNeeded = min(needed, LeaseRequest.moneyMax)
            state.moneyWanted = min(max(needed, wanted), LeaseRequest.moneyMax)
            return true
        }
        if canCome { bell.ring() }
        return canCome
    }

    // MARK: The thread that asks

    private func work() {
        var lostSince: Instant?
        var wait = Interval.zero
        while !state.withLock({ $0.isStopped }) {
            guard let request = state.withLock({ Self.request(&$0, at: .now) }) else {
                rest(.seconds(1))
                continue
            }
            let sent = Instant.now
            do throws(RetortError) {
                let lease = try exchange.lease(request)
                lostSince = nil
                wait = take(lease, request, sent: sent)
            } catch {
                let since = lostSince ?? sent
                lostSince = since
                lost(request, error, since: since)
                wait = Self.retryInterval
            }
            if wait > .zero { rest(wait, untilRung: false) }
        }
    }

    /// The next lease request; nil: none is needed.
    private static func request(_ state: inout State, at now: Instant) -> LeaseRequest? {
        var request = LeaseRequest(
            client: state.client, moneyBound: state.moneyLimit ?? 0, moneyWanted: state.moneyWanted,
            moneyNeeded: state.moneyNeeded, refused: state.refused, pause: state.pause)
        if state.terms.limitsPace, state.allowance.isDue(at: now) {
            (request.requests, request.tokens) = state.allowance.demand()
        }
        state.isAsking = request.requests > 0
        guard request.requests > 0 || request.moneyWanted > 0 || request.refused > 0 else { return nil }
        (state.refused, state.pause) = (0, .zero)
        return request
    }

    /// Applies a lease, and returns how long to wait before the next request.
    private func take(_ lease: Lease, _ request: LeaseRequest, sent: Instant) -> Interval {
        let now = Instant.now
        let (wake, notice, wait) = state.withLock { state in
            state.terms = lease.terms
            state.allowance.add(lease, sent: sent, at: now)
            state.isAsking = false
            var wait = lease.again
            if let limit = lease.moneyLimit {
                state.moneyLimit = limit
                state.spentAnswers = lease.isSpent ? state.spentAnswers + 1 : 0
                if !lease.isSpent { state.moneyWanted = 0 } else { wait = max(wait, Self.spentInterval) }
            }
            let notice = state.isLost ? state.onNotice : nil
            state.isLost = false
            return (state.onLease, notice, wait)
        }
        notice?("the limiter is back")
        wake?()
        return min(wait, .seconds(10))
    }

    private func lost(_ request: LeaseRequest, _ error: RetortError, since: Instant) {
        let now = Instant.now
        let share = fallbackShare
        let (notice, wake) = state.withLock { state -> ((@Sendable (String) -> Void)?, (@Sendable () -> Void)?) in
            // Not reported yet.
            state.refused += request.refused
            state.pause = max(state.pause, request.pause)
            state.isAsking = false
            let notice = state.isLost ? nil : state.onNotice
            state.isLost = true
            guard let share, now - since >= Self.fallbackDelay, !state.allowance.hasRights(at: now) else {
                return (notice, nil)
            }
            state.allowance.fallBack(state.terms, share: share, at: now)
            return (notice, state.onLease)
        }
        let what =
            fallbackShare.map {
                "after \(Int(Self.fallbackDelay.seconds)) s this run takes \($0) of the limit by itself"
            }
            ?? "requests wait until it is back"
        notice?("the limiter cannot be reached: \(error); \(what)")
        wake?()
    }

    /// Sleeps until the bell rings or the time has passed.
    private func rest(_ time: Interval, untilRung: Bool = true) {
        let end = Instant.now + time
        while true {
            let left = (end - .now).milliseconds
            guard left > 0 else { return }
            var polled = pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, Int32(clamping: left)) > 0 else { continue }
            bell.clear()
            if untilRung || state.withLock({ $0.isStopped }) { return }
        }
    }
}
