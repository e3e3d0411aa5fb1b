import Basics

@testable import SharedLimit

/// Clients with clocks of their own around one lease book, in steps of a millisecond of true time. Requests and replies
/// take time to arrive; every client always has something to send.
struct LimitWorld {
    struct Client {
        var name: String
        var allowance = Allowance()
        /// Its clock's offset from true time, and its drift.
        var offset: Interval
        var drift: Double
        var isAlive = true
        var asked: (answer: Lease?, sent: Instant, due: Instant)?
        var sent = 0
        /// Requests delayed on this machine, in true time: when each was taken and when it is sent.
        var held: [(taken: Instant, leaves: Instant)] = []

        func clock(_ now: Instant) -> Instant { now + offset + (now - Instant(nanoseconds: 0)) * drift }
    }

    var random: SeededRandom
    var book: LeaseBook
    var clients: [Client] = []
    var now = Instant(nanoseconds: 10_000_000_000)
    /// True times at which requests reached the API, in order of sending.
    private(set) var arrivals: [Int64] = []
    var tokensEach = 0
    /// The maximum time that a request or a reply takes to arrive.
    var delayMax = Interval.milliseconds(2)
    var isServerUp = true
    /// How long each client's first requests wait for connections, and how many do.
    var connecting = Interval.zero
    var connections = 0

    static let step = Interval.milliseconds(1)

    init(_ terms: LimitTerms, clients count: Int, seed: UInt64) {
        random = SeededRandom(seed: seed)
        book = LeaseBook(terms, epoch: 1, isRestart: false, at: now)
        for number in 0..<count { add("client-\(number)") }
    }

    mutating func add(_ name: String) {
        let offset = Interval.seconds(Double.random(in: -3600...3600, using: &random))
        let drift = Double.random(in: -5e-5...5e-5, using: &random)
        clients.append(Client(name: name, offset: offset, drift: drift))
    }

    mutating func run(for time: Interval) {
        let end = now + time
        while now < end {
            now = now + Self.step
            for index in clients.indices where clients[index].isAlive { advance(index) }
        }
    }

    /// The limiter is killed; a new one does not know what it granted.
    mutating func restart() {
        book = LeaseBook(book.terms, epoch: book.epoch + 1, isRestart: true, at: now)
    }

    private mutating func advance(_ index: Int) {
        depart(index)
        let local = clients[index].clock(now)
        if let asked = clients[index].asked, asked.due <= now {
            if let answer = asked.answer { clients[index].allowance.add(answer, sent: asked.sent, at: local) }
            clients[index].asked = nil
        }
        while let due = clients[index].allowance.ready(tokens: tokensEach, at: local), due <= local {
            clients[index].allowance.take(tokens: tokensEach, at: local)
            clients[index].sent += 1
            send(index)
        }
        if clients[index].asked == nil, isServerUp, clients[index].allowance.isDue(at: local) { ask(index, local) }
    }

    private mutating func send(_ index: Int) {
        var leaves = now
        if clients[index].sent <= connections { leaves = leaves + connecting }
        clients[index].held.append((now, leaves))
        depart(index)
    }

    /// Sends delayed requests, and reports to the client how late they were.
    private mutating func depart(_ index: Int) {
        let gone = clients[index].held.filter { $0.leaves <= now }
        guard !gone.isEmpty else { return }
        clients[index].held.removeAll { $0.leaves <= now }
        let local = clients[index].clock(now)
        for one in gone {
            arrivals.append((now + .seconds(Double.random(in: 0...0.002, using: &random))).nanoseconds)
            clients[index].allowance.departed(late: now - one.taken, book.terms, at: local)
        }
    }

    private mutating func ask(_ index: Int, _ local: Instant) {
        let demand = clients[index].allowance.demand()
        let there = Interval.seconds(Double.random(in: 0...delayMax.seconds, using: &random))
        let back = Interval.seconds(Double.random(in: 0...delayMax.seconds, using: &random))
        let request = LeaseRequest(
            client: clients[index].name, requests: demand.requests, tokens: demand.tokens)
        let lease = book.lease(request, at: now + there)
        clients[index].asked = (lease, local, now + there + back + lease.again)
    }

    /// The maximum arrivals in any time span of that length.
    func most(in window: Interval) -> Int {
        let times = arrivals.sorted()
        var (first, most) = (0, 0)
        for last in times.indices {
            while times[last] - times[first] >= window.nanoseconds { first += 1 }
            most = max(most, last - first + 1)
        }
        return most
    }

    func count(since start: Instant) -> Int { arrivals.count { $0 >= start.nanoseconds } }
}

/// SplitMix64.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
