package import Basics
package import Dataset
import JSONText
package import ModelAPI

/// What goes over the wire: how long exchanges take, what they bring, and which ones are under way. Any thread.
package final class ExchangeWatch: Sendable {
    package struct Counts: Sendable {
        /// Replies by their status.
        package var codes: [Int: Int] = [:]
        /// Exchanges without a reply, by why.
        package var broken: [TransportFailure.Kind: Int] = [:]
        /// Milliseconds of all exchanges that had a reply.
        package var durations = LogHistogram()
        /// By Prometheus' buckets.
        package var buckets = [Int](repeating: 0, count: ExchangeWatch.bounds.count + 1)
        package var seconds = 0.0
        /// Milliseconds since the last look.
        package var recent = LogHistogram()
    }

    private struct State {
        var counts = Counts()
        var next: UInt64 = 0
        var underWay: [UInt64: (began: Instant, request: ModelRequest)] = [:]
        /// Texts of requests that were shown as slow, so that a body is read once.
        var texts: [UInt64: String] = [:]
    }

    /// Upper ends of the buckets of `retort_request_duration_seconds`.
    package static let bounds: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300, 900,
    ]
    /// Codes that are counted one by one; a server that invents more counts as 0 with the rest.
    private static let codesMax = 64
    /// Of a longer body only its size is told.
    private static let bodyBytesMax = 64 * 1024

    private let state = Locked(State())

    package func began(_ request: ModelRequest, at now: Instant) -> UInt64 {
        state.withLock { state in
            state.next += 1
            state.underWay[state.next] = (now, request)
            return state.next
        }
    }

    package func ended(_ number: UInt64, _ result: Result<ModelReply, TransportFailure>) {
        state.withLock { state in
            state.underWay[number] = nil
            if !state.texts.isEmpty { state.texts[number] = nil }
            switch result {
            case .success(let reply): state.counts.add(reply)
            case .failure(let failure): state.counts.broken[failure.kind, default: 0] += 1
            }
        }
    }

    /// A duration that was read elsewhere.
    package func note(milliseconds: Int) {
        state.withLock { state in
            state.counts.durations.add(milliseconds)
            state.counts.recent.add(milliseconds)
        }
    }

    package var counts: Counts { state.withLock { $0.counts } }

    /// The durations since the last call.
    package func takeRecent() -> LogHistogram {
        state.withLock { state in
            defer { state.counts.recent = LogHistogram() }
            return state.counts.recent
        }
    }

    /// The requests that have been under way for the longest.
    package func slowest(_ count: Int, at now: Instant) -> [(seconds: Double, text: String)] {
        let oldest = state.withLock { state in
            state.underWay.sorted { $0.value.began < $1.value.began }.prefix(count).map { entry in
                (
                    number: entry.key, began: entry.value.began, request: entry.value.request,
                    text: state.texts[entry.key]
                )
            }
        }
        return oldest.map { entry in
            let text = entry.text ?? Self.text(of: entry.request)
            if entry.text == nil {
                state.withLock { state in
                    if state.underWay[entry.number] != nil { state.texts[entry.number] = text }
                }
            }
            return ((now - entry.began).seconds, text)
        }
    }

    /// The last turn of what is asked, shortened.
    package static func text(of request: ModelRequest) -> String {
        let size = "\(request.path), \(request.body.count) bytes"
        guard request.body.count <= bodyBytesMax, let root = try? JSONParser().parse(request.body).root else {
            return size
        }
        let content = root["messages"]?.elements.last?["content"] ?? root["prompt"] ?? root["input"]
        let text = content?.string ?? content?.elements.last?["text"]?.string
        return text.map { Excerpt.text($0, Excerpt.askedScalarsMax) } ?? size
    }
}

extension ExchangeWatch.Counts {
    fileprivate mutating func add(_ reply: ModelReply) {
        let isKnown = codes[reply.status] != nil || codes.count < ExchangeWatch.codesMax
        codes[isKnown ? reply.status : 0, default: 0] += 1
        let latency = reply.latency.seconds
        durations.add(Int(reply.latency.nanoseconds / 1_000_000))
        recent.add(Int(reply.latency.nanoseconds / 1_000_000))
        seconds += latency
        buckets[ExchangeWatch.bounds.firstIndex { latency <= $0 } ?? ExchangeWatch.bounds.count] += 1
    }
}

/// A transport that is watched.
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
