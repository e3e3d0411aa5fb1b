import Basics
import ModelAPI
import ResponseGenerator
import TestSupport
import Testing

@Suite struct WindowRunTests {
    let clock = ManualClock()

    @Test func theWindowIsFullAndNeverOverfull() async throws {
        let transport = ScriptedTransport(clock)
        let sink = MemorySink()
        let summary = try await generator(clock, transport, concurrency: 20).run(source: NumberSource(1000), sink: sink)
        #expect(summary.ending == .completed)
        #expect(transport.counts.inFlightMax == 20)
        #expect(sink.answered == 1000)
        #expect(sink.stored.doubles == 0)
        // 50 rounds of 50 ms: slots are refilled at once, or it would take longer.
        #expect(clock.now == Instant(nanoseconds: 0) + .milliseconds(2500))
        #expect(summary.progress.usage.total == 7000)
    }

    @Test func whatFinishesTogetherIsOneBatch() async throws {
        let sink = MemorySink()
        _ = try await generator(clock, ScriptedTransport(clock), concurrency: 20)
            .run(source: NumberSource(100), sink: sink)
        #expect(sink.stored.batches.allSatisfy { $0 == 20 }, "\(sink.stored.batches)")
    }

    @Test func slowItemsDoNotHoldUpTheRest() async throws {
        let transport = ScriptedTransport(clock) { call in
            .answer(latency: call.body == "0" ? .seconds(10) : .milliseconds(100))
        }
        let sink = MemorySink()
        _ = try await generator(clock, transport, concurrency: 2).run(source: NumberSource(100), sink: sink)
        #expect(sink.answered == 100)
        #expect(clock.now == Instant(nanoseconds: 0) + .seconds(10))
    }

    @Test func anEmptySourceEndsAtOnce() async throws {
        let summary = try await generator(clock, ScriptedTransport(clock)).run(
            source: NumberSource(0), sink: MemorySink())
        #expect(summary.ending == .completed)
        #expect(summary.progress.done == 0)
    }
}
