public import Basics

/// Divides one limit among clients. A value: time comes in, leases go out.
///
/// Each request that may be sent has a time of its own on one line that all clients share, `1 / rate` apart. A client is
/// given the next stretch of that line. So nothing has to be given back: a right that was not used within its grace is
/// gone, whether the client was slow, was killed or lost the network, and the rate of all together is that of the line,
/// however many clients there are. Tokens take time on the same line: a stretch is as long as its scarcest good needs.
///
/// Money is no rate. Each client has a limit that counts all it has ever spent; their sum is never above the whole. What
/// a client that died had not spent counts as spent until it says what it has: nobody else can know.
public struct LeaseBook: Sendable {
    public let terms: LimitTerms
    public let epoch: UInt64
    /// When the next right is due that nobody has.
    private(set) var next: Instant
    /// The share of the rates that the API bears, from what it has refused.
    private(set) var pace = Pace()
    private var money: [String: Int] = [:]
    private var moneyGiven = 0
    private(set) var active = ActiveClients()

    /// Clients whose money is kept in mind.
    public static let clientsMax = 100_000
    /// Of more, which clients could make up, no sum is kept: a hundred times any whole, and far from overflow.
    static let moneyGivenMax = 1 << 61
    /// How far ahead a right may be, in cycles.
    static let cyclesAheadMax = 4.0
    /// Longest pause that a refusal can bring about.
    static let pauseMax = Interval.seconds(60)

    /// - Parameter money: the clients' limits as they were before a restart.
    public init(_ terms: LimitTerms, money: [String: Int] = [:], epoch: UInt64, isRestart: Bool, at now: Instant) {
        self.terms = terms
        self.epoch = epoch
        self.money = money
        moneyGiven = money.values.reduce(0) { $0.addingSaturated($1) }
        // Rights that were given before a restart may still be used.
        next = isRestart ? now + terms.cycle * (Self.cyclesAheadMax + 1) + terms.grace : now
    }

    /// A book as `LeaseBookImage` has kept it.
    init(_ image: LeaseBookImage) {
        terms = image.terms
        epoch = image.epoch
        money = image.money
        moneyGiven = money.values.reduce(0) { $0.addingSaturated($1) }
        next = Instant(nanoseconds: image.next)
        pace = Pace(share: image.pace, updated: image.paceUpdated, settled: image.paceSettled)
        active = ActiveClients(present: image.present, before: image.before, began: image.began)
    }

    /// Money that no client has.
    public var moneyLeft: Int? { terms.moneyMax.map { max(0, $0 - moneyGiven) } }
    public var moneyByClient: [String: Int] { money }
    func money(of client: String) -> Int? { money[client] }
    /// The share of the rates that is given out now.
    public func pace(at now: Instant) -> Double { pace.share(at: now) }
    /// Clients that have asked lately.
    public func clients(at now: Instant) -> Int { active.count(at: now) }

    public mutating func lease(_ request: LeaseRequest, at now: Instant) -> Lease {
        if request.refused > 0 {
            pace.refused(at: now)
            next = max(next, now + min(request.pause, Self.pauseMax))
        }
        let clients = active.note(request.client, at: now)
        var lease = Lease(
            start: now, step: .zero, requests: 0, tokens: 0, grace: terms.grace, moneyLimit: nil, isSpent: false,
            again: .zero, now: now, epoch: epoch, terms: terms)
        if terms.moneyMax != nil { giveMoney(request, clients, &lease) }
        if request.requests > 0, !lease.isSpent { giveRights(request, clients, &lease, at: now) }
        return lease
    }

    private mutating func giveRights(
        _ request: LeaseRequest, _ clients: Int, _ lease: inout Lease, at now: Instant
    ) {
        let wanted = min(request.requests, LeaseRequest.requestsMax)
        guard terms.limitsPace else {
            (lease.requests, lease.tokens) = (wanted, request.tokens)
            return
        }
        // What was not used is gone. The answer takes a while, and so does who waits for it.
        next = max(next, now + terms.grace)
        let ahead = next - now
        guard ahead < terms.cycle * Self.cyclesAheadMax else {
            lease.again = ahead - terms.cycle * (Self.cyclesAheadMax - 1)
            return
        }
        let share = pace.share(at: now)
        let tokensEach = Double(min(max(0, request.tokens), LeaseRequest.tokensMax)) / Double(wanted)
        var step = terms.requestRate.map { 1 / ($0 * share) } ?? 0
        if let rate = terms.tokenRate { step = max(step, tokensEach / (rate * share)) }
        // A request that nothing holds up takes no time, but some, so that no stretch is without end.
        step = max(step, Self.stepMin)
        let fair = (terms.cycle.seconds / Double(clients) / step).rounded(.down)
        lease.requests = max(1, Int(min(Double(wanted), fair)))
        lease.tokens = Int((tokensEach * Double(lease.requests)).rounded())
        lease.start = next
        lease.step = .seconds(min(step, Self.stepMax))
        next = lease.time(of: lease.requests)
    }

    /// Takes back what a client was given, down to what it keeps to by itself: it is not told of it.
    mutating func withdraw(_ client: String, to bound: Int) {
        guard let limit = money[client], limit > bound else { return }
        moneyGiven -= limit - bound
        money[client] = bound
    }

    private static let stepMin = 1e-6
    /// Seconds that one request can take on the line: a day.
    private static let stepMax = 86_400.0

    private mutating func giveMoney(_ request: LeaseRequest, _ clients: Int, _ lease: inout Lease) {
        let whole = terms.moneyMax ?? 0
        let bound = min(max(0, request.moneyBound), LeaseRequest.moneyMax)
        let known = money[request.client]
        guard known != nil || money.count < Self.clientsMax else {
            (lease.moneyLimit, lease.isSpent) = (bound, true)
            return
        }
        // What it says is what it keeps to, and it may have spent that, whatever it was told before.
        let given = moneyGiven - (known ?? 0) + bound
        guard given <= Self.moneyGivenMax else {
            (lease.moneyLimit, lease.isSpent) = (bound, true)
            return
        }
        moneyGiven = given
        var limit = bound
        let left = whole - moneyGiven
        let needed = max(0, request.moneyNeeded)
        if request.moneyWanted > 0 {
            let fair = max(needed, left / (clients * 4))
            let extra = min(request.moneyWanted, fair)
            if extra >= needed, extra <= left {
                limit += extra
                moneyGiven += extra
            } else {
                lease.isSpent = true
            }
        }
        money[request.client] = limit
        lease.moneyLimit = limit
    }
}

/// How much of the rates the API bears: refusals of any client lower it for all, time without one raises it again.
struct Pace: Sendable {
    private(set) var share = 1.0
    private(set) var updated = Instant(nanoseconds: 0)
    /// Refusals until then are of requests that were on their way when the pace was lowered.
    private(set) var settled = Instant(nanoseconds: 0)

    init() {}

    init(share: Double, updated: Int64, settled: Int64) {
        self.share = min(1, max(Self.least, share))
        self.updated = Instant(nanoseconds: updated)
        self.settled = Instant(nanoseconds: settled)
    }

    static let least = 0.05
    static let cut = 0.7
    /// Time for which refusals count as one.
    static let settling = Interval.seconds(2)
    /// Share that comes back in a second.
    static let recoveryPerSecond = 0.01

    func share(at now: Instant) -> Double {
        min(1, share + max(0, (now - updated).seconds) * Self.recoveryPerSecond)
    }

    mutating func refused(at now: Instant) {
        guard now >= settled else { return }
        share = max(Self.least, share(at: now) * Self.cut)
        updated = now
        settled = now + Self.settling
    }
}

/// How many clients have asked of late, in two buckets of time: bounded work for each request.
struct ActiveClients: Sendable {
    private(set) var present: Set<String> = []
    private(set) var before: Set<String> = []
    private(set) var began = Instant(nanoseconds: 0)

    init() {}

    init(present: [String], before: [String], began: Int64) {
        self.present = Set(present)
        self.before = Set(before)
        self.began = Instant(nanoseconds: began)
    }

    static let period = Interval.seconds(5)
    static let clientsMax = 100_000

    private mutating func turn(at now: Instant) {
        let age = now - began
        guard age >= Self.period else { return }
        before = age >= Self.period * 2 ? [] : present
        present = []
        began = now
    }

    /// Notes one, and gives how many there are.
    mutating func note(_ client: String, at now: Instant) -> Int {
        turn(at: now)
        if present.count < Self.clientsMax { present.insert(client) }
        return max(1, present.count, before.count)
    }

    func count(at now: Instant) -> Int { now - began >= Self.period * 2 ? 0 : max(present.count, before.count) }
}
