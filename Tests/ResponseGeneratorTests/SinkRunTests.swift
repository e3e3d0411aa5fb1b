import Basics
import ModelAPI
import ResponseGenerator
import TestSupport
import Testing

@Suite struct SinkRunTests {
    let clock = ManualClock()

    @Test func pressureHoldsDispatchUntilRelieved() async throws {
        let sink = MemorySink { $0 == 2 ? .pressed : .open }
        let transport = ScriptedTransport(clock)
        let clock = clock
        let reports = Reports { progress in
            guard progress.hold == .sinkPressed, let wake = sink.stored.wakes.first else { return }
            Task(executorPreference: clock) {
                await clock.sleep(.seconds(60))
                wake()
            }
        }
        let summary = try await generator(clock, transport, concurrency: 10, observer: reports)
            .run(source: NumberSource(100), sink: sink)
        #expect(summary.ending == .completed && sink.answered == 100)
        let gaps = zip(transport.counts.times, transport.counts.times.dropFirst()).map { $1 - $0 }
        #expect(gaps.max()! == .milliseconds(60_050) || gaps.max()! == .seconds(60))
        #expect(sink.stored.wakes.count == 1)
    }

    @Test func aFullDiskKeepsTheBatchAndGoesOnWhenThereIsRoom() async throws {
        // Offers 3 to 6 find the disk full: some ten seconds.
        let sink = MemorySink { offer throws(RetortError) in
            if (3...6).contains(offer) { throw RetortError(.noSpace, "full") }
            return .open
        }
        let reports = Reports()
        let transport = ScriptedTransport(clock)
        let summary = try await generator(clock, transport, concurrency: 10, observer: reports)
            .run(source: NumberSource(100), sink: sink)
        #expect(summary.ending == .completed && summary.unsaved == 0)
        #expect(sink.answered == 100 && sink.stored.doubles == 0)
        #expect(transport.counts.calls == 100, "nothing is asked twice")
        #expect(reports.all.contains { $0.hold == .outOfSpace && $0.unsaved == 10 })
        #expect((clock.now - Instant(nanoseconds: 0)).seconds > 9)
        #expect(transport.counts.inFlightMax <= 10)
    }

    @Test func aDiskThatStaysFullEndsWithItsErrorWhenStopped() async throws {
        let sink = MemorySink { _ throws(RetortError) in throw RetortError(.noSpace, "full") }
        let generator = try generator(clock, ScriptedTransport(clock), concurrency: 10)
        let clock = clock
        let summary = await runWith(generator, clock, source: NumberSource(100), sink: sink) {
            await clock.sleep(.seconds(30))
            generator.stop(.drain(deadline: nil))
        }
        #expect(summary.ending == .failed && summary.error?.code == .noSpace)
        #expect(summary.unsaved == 10 && summary.progress.done == 0)
    }

    @Test func anyOtherErrorEndsTheRunAndOffersOnceMore() async throws {
        let sink = MemorySink { offer throws(RetortError) in
            if offer == 3 { throw RetortError(.io, "broken") }
            return .open
        }
        let transport = ScriptedTransport(clock)
        let summary = try await generator(clock, transport, concurrency: 10)
            .run(source: NumberSource(1000), sink: sink)
        #expect(summary.ending == .failed && summary.error?.code == .io)
        #expect(sink.stored.offers == 4 && summary.unsaved == 0)
        #expect(sink.answered == 30 && summary.progress.answered == 30)
    }

    @Test func aSourcesErrorComesAfterTheRestHasCompleted() async throws {
        let sink = MemorySink()
        let source = NumberSource(100, batch: 7, failure: RetortError(.badInput, "row 101 is torn", at: "in.jsonl:101"))
        let transport = ScriptedTransport(clock) { $0.attempt == 1 ? .error(500) : .answer() }
        let summary = try await generator(clock, transport, concurrency: 5).run(source: source, sink: sink)
        #expect(sink.answered == 100)
        #expect(summary.ending == .failed && summary.error?.place == "in.jsonl:101")
    }
}
