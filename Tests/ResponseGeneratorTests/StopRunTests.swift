import Basics
import ModelAPI
import ResponseGenerator
import TestSupport
import Testing

@Suite struct StopRunTests {
    let clock = ManualClock()
    let sink = MemorySink()
    let start = Instant(nanoseconds: 0)

    /// Runs 1000 items, ten at a time, one second each; `act` is called with the generator at its time.
    private func run(
        latency: Interval = .seconds(1), stops: [(at: Double, how: Stop)], transport given: ScriptedTransport? = nil
    ) async throws -> (RunSummary, ScriptedTransport) {
        let transport = given ?? ScriptedTransport(clock) { _ in .answer(latency: latency) }
        let generator = try generator(clock, transport, concurrency: 10)
        let clock = clock
        let summary = await runWith(generator, clock, source: NumberSource(1000), sink: sink) {
            for stop in stops {
                await clock.sleep(until: Instant(nanoseconds: 0) + .seconds(stop.at))
                generator.stop(stop.how)
            }
        }
        return (summary, transport)
    }

    @Test func drainingTakesNothingNewAndKeepsWhatComes() async throws {
        let (summary, transport) = try await run(stops: [(2.5, .drain(deadline: nil))])
        #expect(summary.ending == .stopped && summary.error == nil)
        #expect(transport.counts.calls == 30 && sink.answered == 30)
        #expect(summary.progress.answered == 30)
        #expect(summary.progress.inFlight == 0)
    }

    @Test func theDeadlineCutsWhatIsStillInFlight() async throws {
        let deadline = start + .seconds(40)
        let (summary, transport) = try await run(
            latency: .seconds(100), stops: [(1, .drain(deadline: deadline))])
        #expect(summary.ending == .stopped)
        #expect(transport.counts.calls == 10 && sink.stored.outcomes.isEmpty)
        #expect(summary.progress.requests == 10)
    }

    @Test func theSecondStopCutsAtOnce() async throws {
        let (summary, transport) = try await run(
            latency: .seconds(100), stops: [(1, .drain(deadline: nil)), (2, .now)])
        #expect(summary.ending == .stopped)
        #expect(transport.counts.calls == 10 && transport.counts.inFlight == 0)
        #expect(sink.stored.outcomes.isEmpty)
    }

    @Test func stopNowKeepsWhatWasReceived() async throws {
        let (summary, _) = try await run(stops: [(3.5, .now)])
        #expect(sink.answered == 30)
        #expect(summary.progress.answered == 30)
    }

    @Test func cancellingTheTaskIsStopNow() async throws {
        let transport = ScriptedTransport(clock) { _ in .answer(latency: .seconds(1)) }
        let (generator, sink) = (try generator(clock, transport, concurrency: 10), sink)
        let clock = clock
        let summary = await withTaskExecutorPreference(clock) {
            let run = Task(executorPreference: clock) {
                await generator.run(source: NumberSource(1000), sink: sink)
            }
            await clock.sleep(.milliseconds(2500))
            run.cancel()
            return await run.value
        }
        #expect(summary.ending == .stopped && summary.progress.requests == 30)
        #expect(sink.answered == 20 && transport.counts.inFlight == 0)
    }

    @Test func aStopBeforeTheRunEndsItAtItsStart() async throws {
        let transport = ScriptedTransport(clock)
        let generator = try generator(clock, transport)
        generator.stop(.drain(deadline: nil))
        let summary = await generator.run(source: NumberSource(10), sink: sink)
        #expect(summary.ending == .stopped && transport.counts.calls == 0)
    }

    @Test func waitingRetriesStayPending() async throws {
        let transport = ScriptedTransport(clock) { _ in .error(429, headers: [("retry-after", "100")]) }
        let (summary, _) = try await run(stops: [(5, .drain(deadline: nil))], transport: transport)
        #expect(summary.ending == .stopped)
        #expect(sink.stored.outcomes.isEmpty)
    }

    @Test func aSourceThatHangsDoesNotHinderTheStop() async throws {
        struct Hanging: ItemSource {
            let clock: ManualClock
            func next() async throws(RetortError) -> [Item<Int>]? {
                await clock.sleep(until: Instant(nanoseconds: .max))
                return []
            }
        }
        let generator = try generator(clock, ScriptedTransport(clock))
        let clock = clock
        let source = Hanging(clock: clock)
        let summary = await runWith(generator, clock, source: source, sink: sink) {
            await clock.sleep(.seconds(5))
            generator.stop(.drain(deadline: nil))
        }
        #expect(summary.ending == .stopped)
        #expect(clock.now == start + .seconds(5))
    }

    @Test(arguments: [(429, "insufficient_quota"), (402, ""), (400, "billing_hard_limit_reached")])
    func anAccountThatRunsDryStopsWithOneMessage(status: Int, code: String) async throws {
        let transport = ScriptedTransport(clock) { call in
            call.number == 25 ? .error(status, code: code) : .answer(latency: .seconds(1))
        }
        let (summary, _) = try await run(stops: [], transport: transport)
        #expect(summary.ending == .failed && summary.error?.code == .refused)
        #expect(summary.error?.cause?.contains("scripted \(status)") == true)
        // Other requests in flight are kept; the refused item has no outcome.
        #expect(sink.answered == transport.counts.calls - 1 && sink.failed == 0)
        #expect(transport.counts.calls == 30)
    }
}
