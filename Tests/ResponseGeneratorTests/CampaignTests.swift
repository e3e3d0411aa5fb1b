import Basics
import ModelAPI
import TestSupport
import Testing

@testable import ResponseGenerator

/// Whole runs with all kinds of faults at once, drawn from a seed, which is the test's argument.
@Suite struct CampaignTests {
    private static let items = 300

    /// A server with random fault rates and latencies.
    private func transport(_ clock: ManualClock, seed: UInt64) -> ScriptedTransport {
        let random = Locked(SplitMix64(seed: seed))
        let trouble = random.withLock { Double.random(in: 0...0.6, using: &$0) }
        return ScriptedTransport(clock) { call in
            random.withLock { random in
                let latency = Interval.milliseconds(Int64.random(in: 0...400, using: &random))
                guard Double.random(in: 0..<1, using: &random) < trouble else { return .answer(latency: latency) }
                switch Int.random(in: 0..<9, using: &random) {
                case 0: return .error(429, headers: [("retry-after", "2")], latency: latency)
                case 1: return .error(429, latency: latency)
                case 2: return .error(503, latency: latency)
                case 3: return .error(500, latency: latency)
                case 4: return .broken(.connection, latency: latency)
                case 5: return .broken(.timeout, latency: .seconds(30))
                case 6: return .error(400, latency: latency)
                case 7: return ScriptedTransport.Reply(.success(ModelReply(status: 200, body: [])), latency: latency)
                default: return .broken(.malformed, latency: latency)
                }
            }
        }
    }

    /// A sink that sometimes reports pressure or a full disk, and recovers at once or later.
    private func sink(seed: UInt64) -> MemorySink {
        let random = Locked(SplitMix64(seed: seed &+ 1000))
        return MemorySink { _ throws(RetortError) in
            switch random.withLock({ Int.random(in: 0..<20, using: &$0) }) {
            case 0: throw RetortError(.noSpace, "full")
            case 1, 2: return .pressed
            default: return .open
            }
        }
    }

    private func generator(
        _ clock: ManualClock, _ transport: ScriptedTransport, _ sink: MemorySink, seed: UInt64
    ) throws -> (ResponseGenerator<Int>, Int) {
        var random = SplitMix64(seed: seed &+ 2000)
        let concurrency = Int.random(in: 1...40, using: &random)
        let reliever = Reports { progress in
            guard progress.hold == .sinkPressed else { return }
            Task(executorPreference: clock) {
                await clock.sleep(.milliseconds(700))
                for wake in sink.stored.wakes { wake() }
            }
        }
        let generator = try ResponseGeneratorTests.generator(
            clock, transport, concurrency: concurrency, observer: reliever
        ) {
            $0.seed = seed
            $0.isConcurrencyAutomatic = Bool.random(using: &random)
            if Bool.random(using: &random) { $0.limits.requestsPerSecond = 50 }
            if Bool.random(using: &random) { $0.limits.tokensPerMinute = 60_000 }
            $0.waitingMax = Int.random(in: 1...50, using: &random)
        }
        return (generator, concurrency)
    }

    @Test(arguments: UInt64(1)...40)
    func everyItemHasExactlyOneOutcome(seed: UInt64) async throws {
        let clock = ManualClock()
        let (transport, sink) = (transport(clock, seed: seed), sink(seed: seed))
        let (generator, concurrency) = try generator(clock, transport, sink, seed: seed)
        let summary = await generator.run(source: NumberSource(Self.items, batch: 17), sink: sink)
        let stored = sink.stored
        #expect(summary.ending == .completed && summary.unsaved == 0)
        #expect(Set(stored.outcomes.keys) == Set(0..<Self.items) && stored.doubles == 0)
        #expect(transport.counts.inFlightMax <= concurrency)
        #expect(summary.progress.answered == sink.answered && summary.progress.failed == sink.failed)
        #expect(summary.progress.requests == transport.counts.calls)
        #expect(
            summary.progress.requests == Self.items + summary.progress.retries.values.reduce(0, +),
            "each request is an outcome or a retry")
        // Nothing answered or permanently failed was sent again.
        for (number, outcome) in stored.outcomes {
            // Four 429 responses count as one retry.
            #expect(outcome.attempts <= 5 * GeneratorConfiguration.attemptsMaxDefault)
            #expect(outcome.attempts <= transport.counts.perBody["\(number)"]!)
        }
    }

    @Test(arguments: UInt64(1)...20)
    func aStopAtAnyMomentKeepsWhatWasReceivedOnce(seed: UInt64) async throws {
        let clock = ManualClock()
        let (transport, sink) = (transport(clock, seed: seed), sink(seed: seed))
        let (generator, _) = try generator(clock, transport, sink, seed: seed)
        var random = SplitMix64(seed: seed &+ 3000)
        let moment = Interval.milliseconds(Int64.random(in: 0...8000, using: &random))
        let cuts = Bool.random(using: &random)
        let summary = await runWith(generator, clock, source: NumberSource(Self.items, batch: 17), sink: sink) {
            await clock.sleep(moment)
            generator.stop(cuts ? .now : .drain(deadline: clock.now + .seconds(5)))
        }
        let stored = sink.stored
        #expect(stored.doubles == 0 && transport.counts.inFlight == 0)
        #expect(summary.progress.done == stored.outcomes.count)
        #expect(summary.unsaved == 0 || summary.error?.code == .noSpace)
        #expect(clock.now <= Instant(nanoseconds: 0) + moment + .seconds(5) || summary.ending == .completed)
    }
}
