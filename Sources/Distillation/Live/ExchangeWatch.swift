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
    }

    /// A request under way, or a free place for one.
    fileprivate struct Slot {
        var began = Instant(nanoseconds: 0)
        /// Of the request only what is shown: a whole one costs five counts of references.
        var path = ""
        var body: [UInt8]?
        /// How many requests the slot has had: a number that was given out before is not that of the next one.
        var uses: UInt32 = 0
    }

    /// Kept so that one exchange costs a few comparisons and no hashing; `counts` puts it in order.
    fileprivate struct State {
        var codes = [Int](repeating: 0, count: ExchangeWatch.statuses.count)
        var codesSeen = 0
        var otherCodes = 0
        var broken: [TransportFailure.Kind: Int] = [:]
        /// Durations before the last look, and since.
        var durations = LogHistogram()
        var recent = LogHistogram()
        var buckets = [Int](repeating: 0, count: ExchangeWatch.bounds.count + 1)
        var nanoseconds = 0
        var slots: [Slot] = []
        var free: [UInt32] = []
        /// Texts of requests that were shown as slow, by their numbers, so that a body is read once.
        var texts: [UInt64: String] = [:]
    }

    fileprivate static let statuses = 100..<600

    /// Upper ends of the buckets of `retort_request_duration_seconds`.
    package static let bounds: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300, 900,
    ]
    fileprivate static let nanosecondBounds = bounds.map { Int64(($0 * 1e9).rounded()) }
    /// Codes that are counted one by one; a server that invents more counts as 0 with the rest.
    fileprivate static let codesMax = 64
    /// Of a longer body only its size is told.
    private static let bodyBytesMax = 64 * 1024

    private let state = Locked(State())

    /// A request goes out. Returns the number by which `ended` knows it.
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
        // Under the lock only numbers are needed: a whole reply costs several counts of references.
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

    /// A duration that was read elsewhere.
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

    /// The requests that have been under way for the longest.
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

    /// The last turn of what is asked, shortened.
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

    /// The slot of a request; nil if it is no longer under way.
    fileprivate func place(of number: UInt64) -> Int? {
        let place = Int(number & UInt64(UInt32.max))
        guard place < slots.count, slots[place].uses == UInt32(number >> 32), slots[place].body != nil else {
            return nil
        }
        return place
    }

    /// A request is no longer under way.
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
