extension Retort {
    /// The outcome of one request.
    public struct Answer: Sendable, Hashable {
        /// The model's text; empty if the request failed.
        public var text: String
        /// The model's reasoning, if the server returns it separately.
        public var reasoning: String
        /// The finish reason: `stop`, `length`, `tool_calls`, ...; empty if the server does not give one.
        public var finishReason: String
        /// Tokens as counted by the server.
        public var promptTokens: Int
        public var completionTokens: Int
        /// Requests that were sent for it.
        public var attempts: Int
        /// Seconds from sending to the last byte, for the last request.
        public var seconds: Double
        /// Why there is no answer; nil if there is one.
        public var failure: ItemFailure?

        public var isAnswer: Bool { failure == nil }
    }

    /// Why one prompt has no answer.
    public struct ItemFailure: Error, Sendable, Hashable, CustomStringConvertible {
        /// `rate_limited`, `server`, `timeout`, `content_filter`, `length`, ...: the classes of failure records.
        public var name: String
        public var message: String
        /// The HTTP status of the last request; 0 if there was no reply.
        public var status: Int

        public var description: String { "\(name): \(message)" }
    }

    /// An answer, and which prompt it belongs to.
    public struct Arrival: Sendable, Hashable {
        /// The index of its prompt in the list.
        public var index: Int
        /// Counts from 0 if there are several answers per prompt.
        public var sample: Int
        public var answer: Answer
    }

    /// One turn of a conversation.
    public struct Message: Sendable, Hashable {
        /// `system`, `user` or `assistant`.
        public var role: String
        public var content: String

        public init(_ role: String, _ content: String) {
            self.role = role
            self.content = content
        }

        /// A JSON array of turns.
        static func json(_ turns: [Message]) -> ArraySlice<UInt8> {
            var text = Array("[".utf8)
            for (index, turn) in turns.enumerated() {
                text += Array((index > 0 ? ",{\"role\":" : "{\"role\":").utf8)
                text += JSONToken.string(turn.role)
                text += Array(",\"content\":".utf8)
                text += JSONToken.string(turn.content)
                text.append(UInt8(ascii: "}"))
            }
            text.append(UInt8(ascii: "]"))
            return text[...]
        }
    }
}
