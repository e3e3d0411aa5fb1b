public import Basics

/// Observes a stream: when the first piece of its answer arrived, and what had arrived when it broke off. Any thread.
public final class StreamWatch: BodyTap {
    /// Maximum bytes of a broken stream that are kept.
    public static let bytesMax = 64 * 1024

    private struct State {
        var began = Instant.now
        var firstToken: Interval?
        var received: [UInt8] = []
    }

    private let state = Locked(State())

    public init() {}

    /// From the beginning of the exchange to the first piece of its answer; nil if none has arrived.
    public var firstToken: Interval? { state.withLock { $0.firstToken } }

    /// The bytes received, from the start.
    public var received: [UInt8] { state.withLock { $0.received } }

    public func began() { state.withLock { $0 = State() } }

    public func received(_ bytes: UnsafeRawBufferPointer, status: Int) {
        guard status == 200 else { return }
        state.withLock { state in
            if state.received.count < Self.bytesMax {
                state.received.append(contentsOf: bytes.prefix(Self.bytesMax - state.received.count))
            }
            if state.firstToken == nil, Self.hasToken(state.received) { state.firstToken = .now - state.began }
        }
    }

    /// The members whose texts are pieces of an answer, in all dialects.
    private static let members = [
        "content", "reasoning_content", "reasoning", "text", "thinking", "delta", "arguments", "partial_json",
    ].map { Array("\"\($0)\":".utf8) }

    /// Whether the events so far contain a piece of an answer: a member with that name and a non-empty text.
    static func hasToken(_ events: [UInt8]) -> Bool {
        events.withUnsafeBufferPointer { bytes in
            var place = 0
            while place < bytes.count {
                guard bytes[place] == UInt8(ascii: "\"") else {
                    place += 1
                    continue
                }
                for member in members where begins(member, bytes, at: place) {
                    var value = place + member.count
                    while value < bytes.count, bytes[value] == UInt8(ascii: " ") { value += 1 }
                    if value + 1 < bytes.count, bytes[value] == UInt8(ascii: "\""),
                        bytes[value + 1] != UInt8(ascii: "\"")
                    {
                        return true
                    }
                }
                place += 1
            }
            return false
        }
    }

    private static func begins(_ member: [UInt8], _ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Bool {
        guard place + member.count <= bytes.count else { return false }
        for (offset, byte) in member.enumerated() where bytes[place + offset] != byte { return false }
        return true
    }
}

/// Sends requests whose answers arrive as streams.
public struct StreamingTransport: ModelTransport {
    private let base: any ModelTransport

    public init(base: any ModelTransport) { self.base = base }

    public func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        guard request.tap == nil else { return await base.send(request) }
        let watch = StreamWatch()
        var watched = request
        watched.tap = watch
        switch await base.send(watched) {
        case .success(var reply):
            if reply.status == 200 { reply.firstToken = watch.firstToken }
            return .success(reply)
        case .failure(var failure):
            failure.received = watch.received
            return .failure(failure)
        }
    }
}
