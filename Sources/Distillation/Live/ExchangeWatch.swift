package import Basics
package import Dataset
import JSONText
package import ModelAPI

/// Statistics of the HTTP exchanges: durations, results, and the ones in progress. Any thread.
package final class ExchangeWatch: Sendable {
    package struct Counts: Sendable {
        /// Replies by status.
        package var codes: [Int: Int] = [:]
        /// Exchanges without a reply, by kind of failure.
        package var broken: [TransportFailure.Kind: Int] = [:]
        /// Durations of all exchanges with a reply, in milliseconds.
        package var durations = LogHistogram()
        /// Counts per Prometheus bucket.
        package var buckets = [Int](repeating: 0, count: ExchangeWatch.bounds.count + 1)
        package var seconds = 0.0
    }

    private struct State {
        var inProgress = RequestsInProgress()
        var tally = ExchangeTally()
    }

    /// Upper bounds of the buckets of `retort_request_duration_seconds`.
    package static let bounds: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300, 900,
    ]
    /// Maximum bytes of a body that is displayed; of a larger one only the size is shown.
    private static let bodyBytesMax = 64 * 1024

    private let state = Locked(State())

    /// Notes the start of a request. Returns the number to pass to `ended`.
    package func began(_ request: ModelRequest, at now: Instant) -> UInt64 {
        state.withLock { $0.inProgress.add(request.path, request.body, at: now) }
    }

    package func ended(_ number: UInt64, _ result: Result<ModelReply, TransportFailure>) {
        // Only numbers are passed on: copying a whole reply costs several reference counts.
        switch result {
        case .success(let reply): ended(number, reply.status, reply.latency)
        case .failure(let failure): ended(number, failure.kind)
        }
    }

    private func ended(_ number: UInt64, _ status: Int, _ latency: Interval) {
        state.withLock { state in
            state.inProgress.remove(number)
            state.tally.add(status: status, latency: latency)
        }
    }

    private func ended(_ number: UInt64, _ kind: TransportFailure.Kind) {
        state.withLock { state in
            state.inProgress.remove(number)
            state.tally.add(kind)
        }
    }

    /// Adds a duration that was measured elsewhere.
    package func note(milliseconds: Int) { state.withLock { $0.tally.add(milliseconds: milliseconds) } }

    package var counts: Counts { state.withLock { $0.tally.counts } }

    /// The durations since the last call.
    package func takeRecent() -> LogHistogram { state.withLock { $0.tally.takeRecent() } }

    /// The requests that have been in progress longest.
    package func slowest(_ count: Int, at now: Instant) -> [(seconds: Double, text: String)] {
        let oldest = state.withLock { state in
            state.inProgress.oldest(count).compactMap { number in
                state.inProgress.request(number).map { ($0, number, text: state.inProgress.text(of: number)) }
            }
        }
        return oldest.map { request, number, known in
            let text = known ?? Self.text(request.path, request.body)
            if known == nil { state.withLock { $0.inProgress.keep(text, of: number) } }
            return ((now - request.began).seconds, text)
        }
    }

    /// The last message of a request, shortened.
    package static func text(_ path: String, _ body: [UInt8]) -> String {
        let size = "\(path), \(body.count) bytes"
        guard body.count <= bodyBytesMax, let root = try? JSONParser().parse(body).root else { return size }
        let content = root["messages"]?.elements.last?["content"] ?? root["prompt"] ?? root["input"]
        let text = content?.string ?? content?.elements.last?["text"]?.string
        return text.map { Excerpt.text($0, Excerpt.askedScalarsMax) } ?? size
    }
}

/// A transport whose exchanges are observed.
package struct WatchedTransport: ModelTransport {
    package let base: any ModelTransport
    package let watch: ExchangeWatch

    package func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        let number = watch.began(request, at: .now)
        let result = await base.send(request)
        watch.ended(number, result)
        return result
    }
}
