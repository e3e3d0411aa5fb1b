public import Basics
public import ModelAPI

/// A scripted model server: a closure decides each reply and how long it takes in virtual time.
public final class ScriptedTransport: ModelTransport {
    public struct Call: Sendable {
        /// The request's body as text.
        public var body: String
        /// How often this body has been sent, from 1.
        public var attempt: Int
        /// How many requests have been sent in total, from 1.
        public var number: Int
        public var time: Instant
    }

    public struct Reply: Sendable {
        public var result: Result<ModelReply, TransportFailure>
        public var latency: Interval

        public init(_ result: Result<ModelReply, TransportFailure>, latency: Interval = .milliseconds(50)) {
            self.result = result
            self.latency = latency
        }

        /// A chat completion with that content.
        public static func answer(_ content: String = "ok", latency: Interval = .milliseconds(50)) -> Reply {
            let body =
                #"{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"\#(content)"},"#
                + #""finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#
            return Reply(.success(ModelReply(status: 200, body: Array(body.utf8), latency: latency)), latency: latency)
        }

        /// An error in OpenAI's form.
        public static func error(
            _ status: Int, code: String = "", headers: [(name: String, value: String)] = [],
            latency: Interval = .milliseconds(10)
        ) -> Reply {
            let body = #"{"error":{"message":"scripted \#(status)","type":"","code":"\#(code)"}}"#
            return Reply(
                .success(ModelReply(status: status, body: Array(body.utf8), headers: headers, latency: latency)),
                latency: latency)
        }

        /// An exchange that breaks off.
        public static func broken(_ kind: TransportFailure.Kind, latency: Interval = .milliseconds(1)) -> Reply {
            Reply(.failure(TransportFailure(kind, "scripted \(kind)", latency: latency)), latency: latency)
        }
    }

    public struct Counts: Sendable {
        public var calls = 0
        public var inFlight = 0
        public var inFlightMax = 0
        /// How often each body was sent.
        public var perBody: [String: Int] = [:]
        /// When each request was sent.
        public var times: [Instant] = []
    }

    private let clock: ManualClock
    private let script: @Sendable (Call) -> Reply
    private let state = Locked(Counts())

    public init(_ clock: ManualClock, script: @escaping @Sendable (Call) -> Reply = { _ in .answer() }) {
        self.clock = clock
        self.script = script
    }

    public var counts: Counts { state.withLock { $0 } }

    public func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        let body = String(decoding: request.body, as: UTF8.self)
        let time = clock.now
        let call = state.withLock { counts in
            counts.calls += 1
            counts.inFlight += 1
            counts.inFlightMax = max(counts.inFlightMax, counts.inFlight)
            counts.perBody[body, default: 0] += 1
            counts.times.append(time)
            return Call(body: body, attempt: counts.perBody[body]!, number: counts.calls, time: time)
        }
        defer { state.withLock { $0.inFlight -= 1 } }
        let reply = script(call)
        await clock.sleep(reply.latency)
        if Task.isCancelled { return .failure(TransportFailure(.cancelled, "cancelled")) }
        return reply.result
    }
}
