public import Basics

/// Divides one limit among clients. A value: times come in, leases go out.
///
/// Each request has its own time on a schedule that all clients share, `1 / rate` apart. A client is given the next
/// stretch of that schedule. Nothing has to be returned: a right that is not used within its grace expires, whether the
/// client was slow, was killed or lost the network, and the total rate is that of the schedule, however many clients
/// there are. Tokens take time on the same schedule: a stretch is as long as its scarcest resource needs.
///
/// Money is not a rate. Each client has a limit that counts all it has ever spent; the sum of the limits never exceeds
/// the whole. The unspent money of a dead client counts as spent until the client reports what it has spent: no other
/// process can know.
public struct LeaseBook: Sendable {
    public let terms: LimitTerms
    public let epoch: UInt64
    /// When the next unassigned right is due.
    private(set) var next: Instant
    /// The share of the rates that the API currently accepts, derived from its refusals.
    private(set) var pace = Pace()
    private var money: [String: Int] = [:]
    private var moneyGiven = 0
    private(set) var active = ActiveClients()

    /// Maximum clients whose money is recorded.
    public static let clientsMax = 100_000
    /// Clients could invent larger sums: bounded to a hundred times any whole, far from overflow.
    static let moneyGivenMax = 1 << 61
    /// How far ahead a right may be, in cycles.
    static let cyclesAheadMax = 4.0
    /// Maximum pause that a refusal can cause.
    static let pauseMax = Interval.seconds(60)

    /// - Parameter money: the clients' limits as they were before a restart.
    public init(_ terms: LimitTerms, money: [String: Int] = [:], epoch: UInt64, isRestart: Bool, at now: Instant) {
        self.terms = terms
        self.epoch = epoch
        self.money = money
        moneyGiven = money.values.reduce(0) { $0.addingSaturated($1) }
        // Rights granted before a restart may still be used.
        next = isRestart ? now + terms.cycle * (Self.cyclesAheadMax + 1) + terms.grace : now
    }

    /// A book restored from a `LeaseBookImage`.
    init(_ image: LeaseBookImage) {
        terms = image.terms
        epoch = image.epoch
        money = image.money
        moneyGiven = money.values.reduce(0) { $0.addingSaturated($1) }
        next = Instant(nanoseconds: image.next)
        pace = Pace(share: image.pace, updated: image.paceUpdated, settled: image.paceSettled)
        active = ActiveClients(present: image.present, before: image.before, began: image.began)
    }

    /// Money that is assigned to no client.
    public var moneyLeft: Int? { terms.moneyMax.map { max(0, $0 - moneyGiven) } }
    public var moneyByClient: [String: Int] { money }
    func money(of client: String) -> Int? { money[client] }
    /// The share of the rates that is granted now.
    public func pace(at now: Instant) -> Double { pace.share(at: now) }
    /// Clients that have asked recently.
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
        // Unused time is lost. The reply takes a while to arrive, and so does a waiting request to leave.
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
        // A request without any limit still takes a minimal time, so that no stretch is endless.
        step = max(step, Self.stepMin)
        let fair = (terms.cycle.seconds / Double(clients) / step).rounded(.down)
        lease.requests = max(1, Int(min(Double(wanted), fair)))
        lease.tokens = Int((tokensEach * Double(lease.requests)).rounded())
        lease.start = next
        lease.step = .seconds(min(step, Self.stepMax))
        next = lease.time(of: lease.requests)
    }

    /// Reduces a client's limit to what it has limited itself to. The client need not be told.
    mutating func withdraw(_ client: String, to bound: Int) {
        guard let limit = money[client], limit > bound else { return }
        moneyGiven -= limit - bound
        money[client] = bound
    }

    private static let stepMin = 1e-6
    /// Maximum seconds of the schedule that one request can take: a day.
    private static let stepMax = 86_400.0

    private mutating func giveMoney(_ request: LeaseRequest, _ clients: Int, _ lease: inout Lease) {
        let whole = terms.moneyMax ?? 0
        let bound = min(max(0, request.moneyBound), LeaseRequest.moneyMax)
        let known = money[request.client]
        guard known != nil || money.count < Self.clientsMax else {
            (lease.moneyLimit, lease.isSpent) = (bound, true)
            return
        }
        // Its own report is its limit, and it may have spent that much, whatever it was granted before.
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

/// How much of the rates the API accepts: a refusal of any client lowers it for all, time without refusals raises it
/// again.
struct Pace: Sendable {
    private(set) var share = 1.0
    private(set) var updated = Instant(nanoseconds: 0)
    /// Refusals until then belong to requests that were in flight when the pace was lowered.
    private(set) var settled = Instant(nanoseconds: 0)

    init() {}

    init(share: Double, updated: Int64, settled: Int64) {
        self.share = min(1, max(Self.least, share))
        self.updated = Instant(nanoseconds: updated)
        self.settled = Instant(nanoseconds: settled)
    }

    static let least = 0.05
    static let cut = 0.7
    /// Refusals within this time count as one.
    static let settling = Interval.seconds(2)
    /// Share that is regained per second.
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

/// Counts the clients that asked recently, in two time buckets: bounded work per request.
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

    /// Notes a client, and returns the count.
    mutating func note(_ client: String, at now: Instant) -> Int {
        turn(at: now)
        if present.count < Self.clientsMax { present.insert(client) }
        return max(1, present.count, before.count)
    }

    func count(at now: Instant) -> Int { now - began >= Self.period * 2 ? 0 : max(present.count, before.count) }
}
