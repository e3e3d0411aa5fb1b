import Basics
import Testing

@testable import SharedLimit

/// Known faults of other limiters, each tested with clients that have clocks of their own.
@Suite struct LeaseModelTests {
    private static let seed = UInt64.random(in: 0...UInt64.max)

    private func world(_ terms: LimitTerms, clients: Int) -> LimitWorld {
        print("LeaseModelTests: seed \(Self.seed)")
        return LimitWorld(terms, clients: clients, seed: Self.seed)
    }

    /// Limit times replicas: 64 clients together keep to one limit, in every window, and use it.
    @Test(arguments: [1, 8, 64])
    func allTogetherKeepToTheLimitAndUseIt(clients: Int) {
        var world = world(LimitTerms(requestsPerSecond: 1000), clients: clients)
        world.run(for: .seconds(2))
        let start = world.now
        world.run(for: .seconds(4))
        #expect(world.most(in: .seconds(1)) <= 1000)
        #expect(world.count(since: start) >= 3800)
        // Every client gets a share.
        let least = world.clients.map(\.sent).min() ?? 0
        #expect(least * clients * 3 > world.arrivals.count)
    }

    @Test func ofALowLimitEachRequestCounts() {
        var world = world(LimitTerms(requestsPerSecond: 10), clients: 16)
        world.run(for: .seconds(3))
        let start = world.now
        world.run(for: .seconds(10))
        #expect(world.most(in: .seconds(1)) <= 10 && world.count(since: start) >= 95)
    }

    @Test func theMinuteHoldsAsWell() {
        var world = world(LimitTerms(requestsPerMinute: 1200), clients: 8)
        world.run(for: .seconds(10))
        let start = world.now
        world.run(for: .seconds(60))
        #expect(world.most(in: .seconds(60)) <= 1200 && world.count(since: start) >= 1140)
    }

    @Test func tokensTakeTimeOnTheSameLine() {
        var world = world(LimitTerms(requestsPerSecond: 1000, tokensPerMinute: 60_000), clients: 8)
        world.tokensEach = 20
        world.run(for: .seconds(5))
        let start = world.now
        world.run(for: .seconds(20))
        // 50 requests of 20 tokens per second.
        #expect(world.most(in: .seconds(10)) <= 500 && world.count(since: start) >= 950)
    }

    /// A network that is sometimes slow: a late reply does not allow late requests.
    @Test func aSlowNetworkCrossesNothing() {
        var world = world(LimitTerms(requestsPerSecond: 500), clients: 12)
        for delay in [2, 300, 40, 1, 800] as [Int64] {
            world.delayMax = .milliseconds(delay)
            world.run(for: .seconds(2))
        }
        #expect(world.most(in: .seconds(1)) <= 500 && world.arrivals.count > 1000)
    }

    /// Leaks after crashes: a killed client takes only the next quarter of a second with it.
    @Test func whatTheDeadHadIsUsedByTheRest() {
        var world = world(LimitTerms(requestsPerSecond: 1000), clients: 32)
        world.run(for: .seconds(2))
        for index in 0..<28 { world.clients[index].isAlive = false }
        world.run(for: .seconds(6))
        let start = world.now
        world.run(for: .seconds(3))
        #expect(world.count(since: start) >= 2850 && world.most(in: .seconds(1)) <= 1000)
    }

    /// A limiter that is killed repeatedly: what the previous one granted is honoured.
    @Test func restartsCrossNothing() {
        var world = world(LimitTerms(requestsPerSecond: 800), clients: 10)
        for _ in 0..<4 {
            world.run(for: .seconds(1.3))
            world.restart()
        }
        world.run(for: .seconds(3))
        let start = world.now
        world.run(for: .seconds(2))
        #expect(world.most(in: .seconds(1)) <= 800 && world.count(since: start) >= 1520)
    }

    @Test func withoutTheServerRequestsEndWithTheirLeases() {
        var world = world(LimitTerms(requestsPerSecond: 1000), clients: 4)
        world.run(for: .seconds(2))
        world.isServerUp = false
        world.run(for: .seconds(2))
        let start = world.now
        world.run(for: .seconds(2))
        #expect(world.count(since: start) == 0 && world.most(in: .seconds(1)) <= 1000)
        world.isServerUp = true
        world.run(for: .seconds(2))
        #expect(world.count(since: start) > 1000 && world.most(in: .seconds(1)) <= 1000)
    }

    /// Connections that take long to open: late requests take the place of punctual ones.
    @Test func requestsThatWaitForConnectionsCrossNothing() {
        var world = world(LimitTerms(requestsPerSecond: 1000), clients: 32)
        (world.connecting, world.connections) = (.milliseconds(300), 32)
        world.run(for: .seconds(6))
        let start = world.now
        world.run(for: .seconds(3))
        #expect(world.most(in: .seconds(1)) <= 1000 && world.count(since: start) >= 2850)
    }

    /// Clients that start and end at random, on slow and fast networks, under all limits at once.
    @Test func everythingAtOnce() {
        var world = world(
            LimitTerms(requestsPerSecond: 400, requestsPerMinute: 18_000, tokensPerMinute: 240_000), clients: 5)
        world.tokensEach = 10
        for round in 0..<12 {
            world.delayMax = .milliseconds(Int64.random(in: 1...150, using: &world.random))
            let index = Int.random(in: 0..<world.clients.count, using: &world.random)
            world.clients[index].isAlive.toggle()
            if round % 3 == 0 { world.add("late-\(round)") }
            if round % 5 == 4 { world.restart() }
            world.run(for: .seconds(0.7))
        }
        #expect(world.most(in: .seconds(1)) <= 400)
    }
}
