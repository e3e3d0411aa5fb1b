import Basics
import ModelAPI
import ResponseGenerator
import Synchronization
import TestSupport
import Testing

/// Counts its live copies.
private final class Token: Sendable {
    static let living = Atomic(0)
    static let livingMax = Atomic(0)

    init() {
        let count = Self.living.add(1, ordering: .relaxed).newValue
        Self.livingMax.max(count, ordering: .relaxed)
    }

    deinit { Self.living.subtract(1, ordering: .relaxed) }
}

@Suite struct FlatnessTests {
    private struct TokenSource: ItemSource {
        let left: Locked<Int>

        init(_ count: Int) { left = Locked(count) }

        func next() async throws(RetortError) -> [Item<Token>]? {
            let count = left.withLock { left in
                defer { left -= min(left, 100) }
                return min(left, 100)
            }
            if count == 0 { return nil }
            return (0..<count).map { _ in Item(request: ModelRequest(path: "/", body: [0x31]), context: Token()) }
        }
    }

    private final class CountingSink: OutcomeSink {
        let count = Atomic(0)
        func accept(_ batch: [Outcome<Token>]) throws(RetortError) -> SinkPressure {
            count.add(batch.count, ordering: .relaxed)
            return .open
        }
    }

    /// Answers at once, from whatever thread it is called on.
    private struct AtOnce: ModelTransport {
        let body = Array(#"{"choices":[{"text":"x","finish_reason":"stop"}]}"#.utf8)
        func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
            .success(ModelReply(status: 200, body: body))
        }
    }

    private func run(_ items: Int, clock: ManualClock?) async throws -> Int {
        var configuration = GeneratorConfiguration()
        configuration.concurrency = 50
        let sink = CountingSink()
        let generator = try ResponseGenerator<Token>(
            configuration, transport: AtOnce(), clock: clock ?? SystemClock(), executor: clock)
        let summary = await generator.run(source: TokenSource(items), sink: sink)
        #expect(summary.progress.answered == items)
        return sink.count.load(ordering: .relaxed)
    }

    @Test func aHundredThousandItemsNeverLiveTogether() async throws {
        #expect(try await run(100_000, clock: ManualClock()) == 100_000)
        // The window, the current batch and the next one.
        #expect(Token.livingMax.load(ordering: .relaxed) <= 50 + 2 * 100)
        #expect(Token.living.load(ordering: .relaxed) == 0)
    }
}

/// Without an executor attempts run on all the machine's threads.
@Suite struct ManyThreadsTests {
    private struct Slow: ModelTransport {
        func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
            await Task.yield()
            let body = #"{"choices":[{"text":"x","finish_reason":"stop"}],"usage":{"prompt_tokens":1}}"#
            return .success(ModelReply(status: 200, body: Array(body.utf8)))
        }
    }

    @Test func everyItemHasOneOutcome() async throws {
        var configuration = GeneratorConfiguration()
        configuration.concurrency = 100
        let sink = MemorySink()
        let generator = try ResponseGenerator<Int>(configuration, transport: Slow())
        let summary = await generator.run(source: NumberSource(10_000), sink: sink)
        #expect(sink.answered == 10_000 && sink.stored.doubles == 0)
        #expect(summary.progress.usage.prompt == 10_000)
    }

    @Test func stopsFromAnyThread() async throws {
        let sink = MemorySink()
        let reports = Reports()
        var configuration = GeneratorConfiguration()
        configuration.concurrency = 100
        let generator = try ResponseGenerator<Int>(configuration, transport: Slow(), observer: reports)
        async let summary = generator.run(source: NumberSource(.max, batch: 1000), sink: sink)
        while generator.progress.done < 1000 { await Task.yield() }
        generator.stop(.drain(deadline: nil))
        #expect(await summary.ending == .stopped)
        #expect(await summary.progress.done == sink.stored.outcomes.count)
    }
}
