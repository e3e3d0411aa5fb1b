import Basics
import ModelAPI
import ResponseGenerator
import TestSupport
import Testing

@Suite struct RetryRunTests {
    let clock = ManualClock()
    let sink = MemorySink()

    @Test func retriesUntilItWorksAndCountsAttempts() async throws {
        let transport = ScriptedTransport(clock) { $0.attempt < 4 ? .error(500) : .answer() }
        let summary = try await generator(clock, transport, concurrency: 4).run(source: NumberSource(9), sink: sink)
        #expect(sink.answered == 9)
        #expect(sink.stored.outcomes.values.allSatisfy { $0.attempts == 4 })
        #expect(summary.progress.retries == [.server: 27])
        #expect(summary.progress.requests == 36)
    }

    @Test func earlierAttemptsAreAdded() async throws {
        struct One: ItemSource {
            let once = Locked(true)
            func next() async throws(RetortError) -> [Item<Int>]? {
                let isFirst = once.withLock { once in
                    defer { once = false }
                    return once
                }
                let request = ModelRequest(path: "/", body: [])
                return isFirst ? [Item(request: request, context: 0, priorAttempts: 5)] : nil
            }
        }
        _ = try await generator(clock, ScriptedTransport(clock)).run(source: One(), sink: sink)
        #expect(sink.stored.outcomes[0]?.attempts == 6)
    }

    @Test func failsAfterTheLastAttemptWithWhatIsNeededToDebug() async throws {
        let transport = ScriptedTransport(clock) { _ in .error(503) }
        let summary = try await generator(clock, transport, concurrency: 2) { $0.attemptsMax = 3 }
            .run(source: NumberSource(3), sink: sink)
        #expect(summary.ending == .completed)
        #expect(transport.counts.perBody.values.allSatisfy { $0 == 3 })
        guard case .failure(let failure) = sink.stored.outcomes[0]?.result else { throw Missing() }
        #expect(failure.failureClass == .server && failure.status == 503)
        #expect(failure.message.contains("scripted 503"))
        #expect(String(decoding: failure.body, as: UTF8.self).hasPrefix(#"{"error""#))
        #expect(summary.progress.failures == [.server: 3])
    }

    @Test(arguments: [(1, 1), (2, 5), (3, 9)])
    func refusalsForTheRateAreQuartersOfRetriesButNotWithoutEnd(attemptsMax: Int, requests: Int) async throws {
        let transport = ScriptedTransport(clock) { $0.body == "0" ? .error(429) : .answer() }
        let summary = try await generator(clock, transport, concurrency: 2) { $0.attemptsMax = attemptsMax }
            .run(source: NumberSource(2000), sink: sink)
        #expect(transport.counts.perBody["0"] == requests)
        #expect(sink.stored.outcomes[0]?.attempts == requests)
        #expect(summary.progress.failures == [.rateLimited: 1] && sink.answered == 1999)
    }

    private struct Missing: Error {}

    @Test func aPermanentErrorIsNotRetried() async throws {
        let transport = ScriptedTransport(clock) { $0.body == "3" ? .error(400) : .answer() }
        _ = try await generator(clock, transport).run(source: NumberSource(10), sink: sink)
        #expect(transport.counts.perBody["3"] == 1)
        #expect(sink.failed == 1 && sink.answered == 9)
    }

    @Test func waitingForARetryGivesTheSlotBack() async throws {
        // Every tenth item must be retried after 30 s; the others must pass in the meantime, one at a time.
        let transport = ScriptedTransport(clock) { call in
            Int(call.body)! % 10 == 0 && call.attempt == 1
                ? .error(429, headers: [("retry-after", "30")], latency: .milliseconds(50)) : .answer()
        }
        _ = try await generator(clock, transport, concurrency: 1).run(source: NumberSource(100), sink: sink)
        #expect(sink.answered == 100)
        // 100 first attempts take 5 s; the ten retries follow from 30 s, within the tenth of jitter.
        #expect(transport.counts.times[99] == Instant(nanoseconds: 0) + .milliseconds(99 * 50))
        #expect(transport.counts.times[100] >= Instant(nanoseconds: 0) + .seconds(30))
        #expect((clock.now - Instant(nanoseconds: 0)).seconds < 39)
    }

    @Test func aFullQueueOfRetriesStopsThePulling() async throws {
        let source = NumberSource(1000, batch: 10)
        let seen = Locked(0)
        let transport = ScriptedTransport(clock) { call in
            seen.withLock { $0 = max($0, source.handedOut) }
            return call.time < Instant(nanoseconds: 0) + .seconds(20)
                ? .error(429, headers: [("retry-after", "25")]) : .answer()
        }
        _ = try await generator(clock, transport, concurrency: 4) { $0.waitingMax = 50 }
            .run(source: source, sink: sink)
        #expect(sink.answered == 1000)
        let pulledInTheStorm = transport.counts.times.count { $0 < Instant(nanoseconds: 0) + .seconds(20) }
        #expect(pulledInTheStorm <= 50 + 20 + 4)
    }

    @Test func aStormOf429EndsWithEveryItemAnswered() async throws {
        // For the first minute the server accepts maximum 8 at once, then any number.
        let inFlight = Locked(0)
        let clock = clock
        struct Busy: ModelTransport {
            let clock: ManualClock
            let inFlight: Locked<Int>
            let inner: ScriptedTransport
            func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
                let count = inFlight.withLock { count in
                    count += 1
                    return count
                }
                defer { inFlight.withLock { $0 -= 1 } }
                if count > 8 {
                    await clock.sleep(.milliseconds(5))
                    return .success(ModelReply(status: 429, body: [], latency: .milliseconds(5)))
                }
                return await inner.send(request)
            }
        }
        let inner = ScriptedTransport(clock) { _ in .answer(latency: .milliseconds(200)) }
        let busy = Busy(clock: clock, inFlight: inFlight, inner: inner)
        let summary = try await generator(clock, busy, concurrency: 64)
            .run(source: NumberSource(2000), sink: sink)
        #expect(sink.answered == 2000 && sink.stored.doubles == 0)
        // The window shrank: few requests were rejected for each that was answered.
        #expect(summary.progress.requests < 2 * 2000)
        // 2000 items, 8 at once, 200 ms each: minimum 50 s.
        #expect((clock.now - Instant(nanoseconds: 0)).seconds < 75)
    }

    @Test func keepsTheUsersPace() async throws {
        let transport = ScriptedTransport(clock) { _ in .answer(latency: .milliseconds(1)) }
        _ = try await generator(clock, transport, concurrency: 50) { $0.limits.requestsPerSecond = 20 }
            .run(source: NumberSource(200), sink: sink)
        #expect(sink.answered == 200)
        let seconds = (clock.now - Instant(nanoseconds: 0)).seconds
        #expect(seconds > 9.8 && seconds < 10.1)
    }
}
