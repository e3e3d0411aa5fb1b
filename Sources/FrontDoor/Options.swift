public import Basics

extension Retort {
    /// How requests are sent. Every option has a default.
    public struct Options: Sendable {
        /// Nil: read from the environment, under the name that the API's own clients use (`OPENAI_API_KEY`).
        public var apiKey: String?
        public var temperature: Double?
        public var topP: Double?
        public var maxTokens: Int?
        public var stop: [String] = []
        public var seed: Int?
        /// The system message, sent before each prompt.
        public var system: String?
        /// Other members of the request body: a name and a JSON value each.
        public var parameters: [(name: String, json: String)] = []
        /// Headers in addition to the API key.
        public var headers: [(name: String, value: String)] = []
        /// Maximum requests in flight, from 1 to 100,000.
        public var concurrency = 64
        /// Maximum requests per prompt.
        public var attempts = 5
        public var requestsPerMinute: Double?
        public var tokensPerMinute: Double?
        /// The timeout of one request.
        public var timeout = Interval.seconds(900)

        public init() {}
    }
}
