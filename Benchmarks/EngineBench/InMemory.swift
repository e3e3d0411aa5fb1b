import Basics
import JSONText
import ModelAPI
import ResponseGenerator

/// Answers every request with the same 1.4 KB completion.
struct MemoryTransport: ModelTransport {
    let loop: LoopExecutor
    /// Nil: without even a suspension.
    let latency: Interval?

    private static let body = Array(
        (#"{"id":"chatcmpl-1","object":"chat.completion","created":1763600000,"model":"teacher-large","choices":[{"#
            + #""index":0,"message":{"role":"assistant","content":""#
            + String(repeating: "A sentence of the answer, one of many.\\n", count: 30)
            + #""},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":300,"total_tokens":320}}"#)
            .utf8)
    private static let headers = [
        (name: "content-type", value: "application/json"), (name: "date", value: "Thu, 20 Nov 2025 08:00:00 GMT"),
    ]

    func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        if let latency { await loop.sleep(latency) }
        return .success(ModelReply(status: 200, body: Self.body, headers: Self.headers, latency: latency ?? .zero))
    }
}

/// Numbers as items.
final class Source: ItemSource {
    private let state = Locked(0)
    private let count: Int

    init(_ count: Int) { self.count = count }

    func next() async throws(RetortError) -> [Item<Int>]? {
        let first = state.withLock { next in
            defer { next = min(count, next + 256) }
            return next
        }
        if first == count { return nil }
        return (first..<min(count, first + 256)).map {
            Item(request: ModelRequest(path: "/chat/completions", body: []), context: $0)
        }
    }
}

/// Takes everything.
struct Sink: OutcomeSink {
    func accept(_ batch: [Outcome<Int>]) throws(RetortError) -> SinkPressure { .open }
}

/// Sorts replies with one parser.
final class Classifying {
    private let parser = JSONParser()
    private let classifier = Classifier()

    func take(_ result: Result<ModelReply, TransportFailure>) {
        guard case .answer = classifier.classify(result, with: parser) else { fatalError("no answer") }
    }
}
