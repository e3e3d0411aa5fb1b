package import Basics
import HTTPTransport
import JSONText
package import ModelAPI

/// Requests the flexible tier as long as there is time for it. The recorded request does not mention it: the same row
/// may be answered by either tier.
package struct FlexTransport: ModelTransport {
    package let base: any ModelTransport
    package let gate: Locked<FlexGate>
    package let clock: LoopClock

    package func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        guard let flexible = Self.flexible(request) else { return await base.send(request) }
        while true {
            let choice = gate.withLock { $0.choice(at: clock.now) }
            if case .wait(let until) = choice {
                await clock.sleep(until: until)
                if Task.isCancelled {
                    return .failure(TransportFailure(.cancelled, "stopped before it was sent", stage: .unconnected))
                }
                continue
            }
            guard choice == .flex else {
                let result = await base.send(request)
                if Self.isAnswered(result) { gate.withLock { $0.answered() } }
                return result
            }
            let result = await base.send(flexible)
            switch Self.refusal(result) {
            case .full: gate.withLock { $0.refused(at: clock.now) }
            case .unknown: gate.withLock { $0.refusedForGood() }
            case nil:
                gate.withLock { $0.returned(isAnswered: Self.isAnswered(result)) }
                return result
            }
        }
    }

    private static func isAnswered(_ result: Result<ModelReply, TransportFailure>) -> Bool {
        if case .success(let reply) = result { reply.status == 200 } else { false }
    }

    private enum Refusal { case full, unknown }

    /// Whether the tier is the reason that there is no answer: then nothing was billed.
    private static func refusal(_ result: Result<ModelReply, TransportFailure>) -> Refusal? {
        guard case .success(let reply) = result, reply.status == 429 || reply.status == 400,
            let root = try? JSONParser().parse(reply.body).root, let error = root["error"]
        else { return nil }
        let words = [error["code"]?.string, error["type"]?.string].compactMap(\.self)
        if reply.status == 429 {
            let isFull =
                words.contains("resource_unavailable")
                || error["message"]?.string?.lowercased().contains("resource unavailable") ?? false
            return isFull ? .full : nil
        }
        let isTier =
            error["param"]?.string == "service_tier" || error["message"]?.string?.contains("service_tier") ?? false
        return isTier ? .unknown : nil
    }

    /// The request with the tier added; nil if it names a tier itself.
    private static func flexible(_ request: ModelRequest) -> ModelRequest? {
        guard let root = try? JSONParser().parse(request.body).root, root.kind == .object,
            root["service_tier"] == nil, let start = request.body.firstIndex(of: UInt8(ascii: "{"))
        else { return nil }
        var flexible = request
        flexible.body.insert(contentsOf: Array(#""service_tier":"flex","#.utf8), at: start + 1)
        return flexible
    }
}
