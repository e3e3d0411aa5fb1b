import Basics
import Testing

@testable import ResponseGenerator

/// Plays whole rounds against a server that serves `capacity` requests at once and rejects the rest.
private func play(
    _ adaptive: inout AdaptiveConcurrency, rounds: Int, latency: Interval = .milliseconds(100), capacity: Int = .max
) {
    for _ in 0..<rounds {
        let count = adaptive.limit
        let numbers = (1...count).map { adaptive.dispatched(inFlight: $0) }
        for (index, number) in numbers.enumerated() {
            adaptive.returned(number, refused: index >= capacity, latency: latency)
        }
    }
}

@Suite struct AdaptiveConcurrencyTests {
    @Test func fixedStartsAtTheCeilingAndStaysThere() {
        var adaptive = AdaptiveConcurrency(ceiling: 256, automatic: false)
        #expect(adaptive.limit == 256)
        play(&adaptive, rounds: 20)
        #expect(adaptive.limit == 256)
    }

    @Test func aFewRefusalsHardlyMatter() {
        var adaptive = AdaptiveConcurrency(ceiling: 256, automatic: false)
        for _ in 0..<20 {
            let numbers = (1...adaptive.limit).map { adaptive.dispatched(inFlight: $0) }
            for number in numbers {
                adaptive.returned(number, refused: number % 50 == 0, latency: .milliseconds(100))
            }
        }
        #expect(adaptive.limit > 240)
    }

    @Test func aStormOfRefusalsHalvesOncePerRoundTrip() {
        var adaptive = AdaptiveConcurrency(ceiling: 64, automatic: false)
        let numbers = (1...64).map { adaptive.dispatched(inFlight: $0) }
        // All 64 of the burst are rejected; nothing was sent in between.
        for number in numbers { adaptive.returned(number, refused: true, latency: .milliseconds(5)) }
        #expect(adaptive.limit == 32)
    }

    @Test func findsTheServersCapacity() {
        var adaptive = AdaptiveConcurrency(ceiling: 512, automatic: false)
        play(&adaptive, rounds: 100, capacity: 40)
        #expect((40...80).contains(adaptive.limit))
        play(&adaptive, rounds: 100)
        #expect(adaptive.limit == 512)
    }

    @Test func neverFallsBelowOne() {
        var adaptive = AdaptiveConcurrency(ceiling: 8, automatic: false)
        play(&adaptive, rounds: 50, capacity: 0)
        #expect(adaptive.limit == 1)
    }

    @Test func automaticStartsSlowAndDoubles() {
        var adaptive = AdaptiveConcurrency(ceiling: 1000, automatic: true)
        #expect(adaptive.limit == 4)
        play(&adaptive, rounds: 20)
        #expect(adaptive.limit == 1000)
    }

    @Test func automaticStopsGrowingWhenLatencyDoubles() {
        var adaptive = AdaptiveConcurrency(ceiling: 1000, automatic: true)
        play(&adaptive, rounds: 6)
        // The current round still ends with the good latency.
        play(&adaptive, rounds: 1, latency: .milliseconds(250))
        let reached = adaptive.limit
        play(&adaptive, rounds: 20, latency: .milliseconds(250))
        #expect(adaptive.limit == reached)
    }

    @Test func aLimitThatIsNotUsedIsNotRaised() {
        var adaptive = AdaptiveConcurrency(ceiling: 1000, automatic: true)
        for _ in 0..<100 {
            let number = adaptive.dispatched(inFlight: 1)
            adaptive.returned(number, refused: false, latency: .milliseconds(10))
        }
        #expect(adaptive.limit == 4)
    }
}
