import Basics
import ModelAPI
import Testing

@testable import ResponseGenerator

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

@Suite struct EndpointRouterTests {
    private func router(_ settings: [EndpointSettings], concurrency: Int = 100) -> EndpointRouter {
        EndpointRouter(settings, concurrency: concurrency, automatic: false, at: at(0))
    }

    /// Sends one request and returns its endpoint.
    private func send(_ router: inout EndpointRouter, avoiding mask: UInt64 = 0, at now: Instant) -> Int? {
        guard case .send(let place, let isProbe) = router.choose(tokens: 1, avoiding: mask, at: now) else { return nil }
        _ = router.dispatched(place, tokens: 1, isProbe: isProbe, at: now)
        return place
    }

    private func fail(_ router: inout EndpointRouter, _ place: Int, _ trouble: CircuitBreaker.Trouble, at now: Instant)
    {
        for item in 0..<UInt64(CircuitBreaker.failuresMax) {
            router.update(place) { $0.breaker.failed(trouble, item: item, wasProbe: false, at: now) }
        }
    }

    @Test func theLeastInFlightForItsWeightIsNext() {
        var router = router([EndpointSettings(name: "a"), EndpointSettings(name: "b", weight: 3)])
        for _ in 0..<40 { _ = send(&router, at: at(0)) }
        #expect(router.endpoints.map(\.inFlight) == [10, 30])
        router.returned(0)
        router.returned(0)
        #expect(send(&router, at: at(1)) == 0)
    }

    @Test func idleServersTakeTurns() {
        var router = router(["a", "b", "c"].map { EndpointSettings(name: $0) })
        let places = (0..<6).map { _ in
            let place = send(&router, at: at(0)) ?? -1
            router.returned(place)
            return place
        }
        #expect(places == [0, 1, 2, 0, 1, 2])
    }

    @Test func eachHasItsOwnWindowAndRates() {
        var router = router([
            EndpointSettings(name: "a", concurrency: 2),
            EndpointSettings(name: "b", limits: RateLimits(requestsPerSecond: 1)),
        ])
        let sent = (0..<3).map { _ in send(&router, at: at(0)) }
        #expect(sent == [0, 1, 0], "b has had its one of this second")
        #expect(router.choose(tokens: 1, avoiding: 0, at: at(0)) == .wait(.none, until: at(1)))
        #expect(send(&router, at: at(1)) == 1)
    }

    @Test func oneThatIsDownDropsOutIsProbedAndComesBack() {
        var router = router([EndpointSettings(name: "a"), EndpointSettings(name: "b")])
        fail(&router, 0, .connection, at: at(0))
        #expect((0..<4).map { _ in send(&router, at: at(0)) } == [1, 1, 1, 1])
        #expect(router.outage == nil && router.progress.map(\.state) == [.down, .up])
        #expect(router.limit == 100)
        #expect(router.choose(tokens: 1, avoiding: 0, at: at(1)) == .send(0, isProbe: true))
        #expect(send(&router, at: at(1)) == 0)
        #expect(send(&router, at: at(1)) == 1, "one probe at a time")
        router.update(0) { $0.breaker.replied() }
        router.returned(0)
        #expect(send(&router, at: at(1)) == 0 && router.progress[0].state == .up)
    }

    @Test func anItemDoesNotProbeWhatRefusedItWhereAnotherServes() {
        var router = router([EndpointSettings(name: "a"), EndpointSettings(name: "b", concurrency: 1)])
        #expect(send(&router, avoiding: 1, at: at(0)) == 1)
        #expect(send(&router, avoiding: 1, at: at(0)) == 0, "better than to wait")
    }

    @Test func aRefusalForTheRatePausesOneServerOnly() {
        var router = router([EndpointSettings(name: "a"), EndpointSettings(name: "b")])
        router.refusedForRate(0, hint: .seconds(3), at: at(0))
        #expect((0..<3).map { _ in send(&router, at: at(2)) } == [1, 1, 1])
        #expect(send(&router, at: at(3)) == 0)
        router.refusedForRate(1, hint: .seconds(86_400), at: at(3))
        #expect(
            router.choose(tokens: 1, avoiding: 1, at: at(3) + EndpointRouter.pauseMax) == .send(1, isProbe: false),
            "a wish for a day is no reason to leave a server out for one")
    }

    @Test func anOutageIsOneOfAll() {
        var router = router([EndpointSettings(name: "a"), EndpointSettings(name: "b")])
        fail(&router, 0, .connection, at: at(0))
        fail(&router, 1, .refusal, at: at(5))
        #expect(router.outage?.since == at(5) && router.outage?.trouble == .refusal)
        #expect(!router.hasOther(than: 0))
        #expect(router.choose(tokens: 1, avoiding: 0, at: at(0.5)) == .wait(.rateLimited, until: at(1)))
        #expect(router.limit == 0)
    }

    @Test func whatRefusesItsKeyIsExcluded() {
        var router = router([EndpointSettings(name: "a"), EndpointSettings(name: "b")])
        for _ in 0..<EndpointRouter.refusalsMax { router.refused(0, "HTTP 401: no", isProven: false) }
        #expect((0..<3).map { _ in send(&router, at: at(0)) } == [1, 1, 1])
        #expect(router.progress[0].state == .excluded && router.progress[0].lastError == "HTTP 401: no")
        router.refused(1, "the quota is spent", isProven: true)
        #expect(send(&router, at: at(0)) == nil)
    }
}
