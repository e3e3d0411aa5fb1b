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

    /// A request in progress, or a free slot.
    fileprivate struct Slot {
        var began = Instant(nanoseconds: 0)
        /// Only what is displayed: storing a whole request would cost five reference counts.
        var path = ""
        var body: [UInt8]?
        /// How many requests have used the slot. It distinguishes a stale number from a current one.
        var uses: UInt32 = 0
    }

    /// Arranged so that one exchange costs a few comparisons and no hashing; `counts` sorts it.
    fileprivate struct State {
        var codes = [Int](repeating: 0, count: ExchangeWatch.statuses.count)
        var codesSeen = 0
        var otherCodes = 0
        var broken: [TransportFailure.Kind: Int] = [:]
        /// Durations before the last call of `takeRecent`, and since.
        var durations = LogHistogram()
        var recent = LogHistogram()
        var buckets = [Int](repeating: 0, count: ExchangeWatch.bounds.count + 1)
        var nanoseconds = 0
        var slots: [Slot] = []
        var free: [UInt32] = []
        /// Texts of requests that were displayed as slow, by number, so that each body is parsed once.
        var texts: [UInt64: String] = [:]
    }

    fileprivate static let statuses = 100..<600

    /// Upper bounds of the buckets of `retort_request_duration_seconds`.
    package static let bounds: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300, 900,
    ]
    fileprivate static let nanosecondBounds = bounds.map { Int64(($0 * 1e9).rounded()) }
    /// Maximum status codes counted individually; further ones count as 0.
    fileprivate static let codesMax = 64
    /// Maximum bytes of a body that is displayed; of a larger one only the size is shown.
    private static let bodyBytesMax = 64 * 1024

    private let state = Locked(State())

    /// Notes the start of a request. Returns the number to pass to `ended`.
    package func began(_ request: ModelRequest, at now: Instant) -> UInt64 {
        state.withLock { state in
            let place: Int
            if let free = state.free.popLast() {
                place = Int(free)
            } else {
                place = state.slots.count
                state.slots.append(Slot())
            }
            state.slots[place].began = now
            state.slots[place].path = request.path
            state.slots[place].body = request.body
            state.slots[place].uses &+= 1
            return state.number(at: place)
        }
    }

    package func ended(_ number: UInt64, _ result: Result<ModelReply, TransportFailure>) {
        // Only numbers are copied under the lock: copying a whole reply costs several reference counts.
        let reply: (status: Int, latency: Interval)
        switch result {
        case .success(let received): reply = (received.status, received.latency)
        case .failure(let failure): return ended(number, failure.kind)
        }
        state.withLock { state in
            state.free(number)
            state.add(reply.status, reply.latency)
        }
    }

    private func ended(_ number: UInt64, _ kind: TransportFailure.Kind) {
        state.withLock { state in
            state.free(number)
            state.broken[kind, default: 0] += 1
        }
    }

    /// Adds a duration that was measured elsewhere.
    package func note(milliseconds: Int) { state.withLock { $0.recent.add(milliseconds) } }

    package var counts: Counts {
        state.withLock { state in
            var counts = Counts()
            for (index, count) in state.codes.enumerated() where count > 0 {
                counts.codes[Self.statuses.lowerBound + index] = count
            }
            if state.otherCodes > 0 { counts.codes[0] = state.otherCodes }
            counts.broken = state.broken
            counts.durations = state.durations
            counts.durations.add(state.recent)
            (counts.buckets, counts.seconds) = (state.buckets, Double(state.nanoseconds) / 1e9)
            return counts
        }
    }

    /// The durations since the last call.
    package func takeRecent() -> LogHistogram {
        state.withLock { state in
            defer { state.recent = LogHistogram() }
            state.durations.add(state.recent)
            return state.recent
        }
    }

    /// The requests that have been in progress longest.
    package func slowest(_ count: Int, at now: Instant) -> [(seconds: Double, text: String)] {
        let oldest = state.withLock { state in
            let underWay = state.slots.enumerated().filter { $0.element.body != nil }
            return underWay.sorted { $0.element.began < $1.element.began }.prefix(count).map { place, slot in
                let number = state.number(at: place)
                return (number: number, slot: slot, text: state.texts[number])
            }
        }
        return oldest.map { entry in
            let text = entry.text ?? Self.text(entry.slot.path, entry.slot.body ?? [])
            if entry.text == nil {
                state.withLock { state in
                    if state.place(of: entry.number) != nil { state.texts[entry.number] = text }
                }
            }
            return ((now - entry.slot.began).seconds, text)
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

extension ExchangeWatch.State {
    /// The number of the request in a slot.
    fileprivate func number(at place: Int) -> UInt64 { UInt64(slots[place].uses) << 32 | UInt64(place) }

    /// The slot of a request; nil if it is no longer in progress.
    fileprivate func place(of number: UInt64) -> Int? {
        let place = Int(number & UInt64(UInt32.max))
        guard place < slots.count, slots[place].uses == UInt32(number >> 32), slots[place].body != nil else {
            return nil
        }
        return place
    }

    /// Frees the slot of a request.
    fileprivate mutating func free(_ number: UInt64) {
        if let place = place(of: number) {
            slots[place].body = nil
            free.append(UInt32(place))
        }
        if !texts.isEmpty { texts[number] = nil }
    }

    fileprivate mutating func add(_ status: Int, _ latency: Interval) {
        count(status)
        let latency = max(0, latency.nanoseconds)
        recent.add(Int(latency / 1_000_000))
        nanoseconds = nanoseconds.addingSaturated(Int(latency))
        buckets[ExchangeWatch.nanosecondBounds.firstIndex { latency <= $0 } ?? ExchangeWatch.bounds.count] += 1
    }

    private mutating func count(_ status: Int) {
        guard ExchangeWatch.statuses.contains(status) else {
            otherCodes += 1
            return
        }
        let index = status - ExchangeWatch.statuses.lowerBound
        if codes[index] == 0 {
            guard codesSeen < ExchangeWatch.codesMax else {
                otherCodes += 1
                return
            }
            codesSeen += 1
        }
        codes[index] += 1
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
