import Basics
import Testing

@testable import ResponseGenerator

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

@Suite struct CircuitBreakerTests {
    private func opened() -> CircuitBreaker {
        var breaker = CircuitBreaker()
        for item in 0..<10 { breaker.failed(.connection, item: UInt64(item), wasProbe: false, at: at(0)) }
        return breaker
    }

    @Test func opensAfterFailuresInARow() {
        var breaker = CircuitBreaker()
        for item in 0..<9 { breaker.failed(.server, item: UInt64(item), wasProbe: false, at: at(0)) }
        #expect(!breaker.isOpen && breaker.permission(at: at(0)) == .go)
        breaker.failed(.connection, item: 9, wasProbe: false, at: at(0))
        #expect(breaker.isOpen && breaker.downSince == at(0))
        #expect(breaker.permission(at: at(0)) == .wait(at(1)))
        #expect(breaker.permission(at: at(1)) == .probe)
    }

    @Test func anyReplyBetweenThemStartsTheCountAgain() {
        var breaker = CircuitBreaker()
        for item in 0..<100 {
            if item % 9 == 0 { breaker.replied() }
            breaker.failed(.connection, item: UInt64(item), wasProbe: false, at: at(0))
        }
        #expect(!breaker.isOpen)
    }

    @Test func anItemThatAlwaysMakesTheServerFailIsNoOutage() {
        var breaker = CircuitBreaker()
        for attempt in 0..<100 { breaker.failed(.server, item: UInt64(attempt % 3), wasProbe: false, at: at(0)) }
        #expect(!breaker.isOpen)
    }

    @Test func oneProbeAtATimeAndFurtherApart() {
        var breaker = opened()
        var now = 0.0
        for delay in [1.0, 2, 4, 5, 5] {
            #expect(breaker.permission(at: at(now + delay - 0.01)) == .wait(at(now + delay)))
            now += delay
            #expect(breaker.permission(at: at(now)) == .probe)
            breaker.probeDispatched()
            #expect(breaker.permission(at: at(now)) == .wait(nil))
            // Requests that were in flight when it opened change nothing.
            breaker.failed(.connection, item: 50, wasProbe: false, at: at(now))
            #expect(breaker.permission(at: at(now)) == .wait(nil))
            breaker.failed(.connection, item: 51, wasProbe: true, at: at(now))
        }
        #expect(breaker.downSince == at(0))
    }

    @Test func theServersWishDelaysTheProbe() {
        var breaker = CircuitBreaker()
        for item in 0..<10 {
            breaker.failed(.refusal, item: UInt64(item), wasProbe: false, hint: .seconds(30), at: at(0))
        }
        #expect(breaker.isOpen && breaker.trouble == .refusal)
        #expect(breaker.permission(at: at(29)) == .wait(at(30)))
        breaker.probeDispatched()
        breaker.failed(.refusal, item: 0, wasProbe: true, hint: .seconds(86_400), at: at(30))
        #expect(breaker.permission(at: at(30)) == .wait(at(30) + CircuitBreaker.hintMax))
    }

    @Test func aServerThatAsksForLessIsUpAgain() {
        var breaker = opened()
        breaker.probeDispatched()
        breaker.failed(.refusal, item: 3, wasProbe: true, at: at(1))
        #expect(!breaker.isOpen && breaker.permission(at: at(1)) == .go)
        for item in 0..<9 { breaker.failed(.refusal, item: UInt64(item), wasProbe: false, at: at(2)) }
        #expect(breaker.isOpen && breaker.downSince == at(2))
    }

    @Test func hopelessProbesAreCountedInARow() {
        var breaker = opened()
        for (isHopeless, count) in [(true, 1), (true, 2), (false, 0), (true, 1)] {
            breaker.probeDispatched()
            breaker.failed(.connection, item: 0, wasProbe: true, isHopeless: isHopeless, at: at(9))
            #expect(breaker.hopelessProbes == count)
        }
        breaker.replied()
        #expect(breaker.hopelessProbes == 0)
    }

    @Test func aReplyClosesIt() {
        var breaker = opened()
        breaker.probeDispatched()
        breaker.replied()
        #expect(!breaker.isOpen && breaker.permission(at: at(0)) == .go)
    }

    @Test func aCancelledProbeIsFollowedByAnother() {
        var breaker = opened()
        breaker.probeDispatched()
        breaker.probeCancelled(at: at(3))
        #expect(breaker.permission(at: at(3)) == .probe)
    }
}
