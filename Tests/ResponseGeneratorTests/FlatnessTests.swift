import Basics
import ModelAPI
import ResponseGenerator
import Synchronization
import TestSupport
import Testing

/// Counts its living copies.
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
        let left = Locked(100_000)

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

    @Test func aHundredThousandItemsNeverLiveTogether() async throws {
        var configuration = GeneratorConfiguration()
        configuration.concurrency = 50
        let sink = CountingSink()
        // Without an executor: children run on all the machine's threads.
        let generator = try ResponseGenerator<Token>(configuration, transport: AtOnce())
        let summary = await generator.run(source: TokenSource(), sink: sink)
        #expect(summary.progress.answered == 100_000)
        #expect(sink.count.load(ordering: .relaxed) == 100_000)
        #expect(Token.livingMax.load(ordering: .relaxed) <= 50 + 2 * 100)
        #expect(Token.living.load(ordering: .relaxed) == 0)
    }
}
