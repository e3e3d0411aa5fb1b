public import Basics

extension Retort {
    /// How to ask. All of it has defaults.
    public struct Options: Sendable {
        /// Nil: the environment's, under the name that the API's own clients use (`OPENAI_API_KEY`).
        public var apiKey: String?
        public var temperature: Double?
        public var topP: Double?
        public var maxTokens: Int?
        public var stop: [String] = []
        public var seed: Int?
        /// Sent before each prompt.
        public var system: String?
        /// Other members of the request: a name and a JSON value each.
        public var parameters: [(name: String, json: String)] = []
        /// Headers beside the key's.
        public var headers: [(name: String, value: String)] = []
        /// Requests in flight at most, from 1 to 100,000.
        public var concurrency = 64
        /// Requests for one prompt at most.
        public var attempts = 5
        public var requestsPerMinute: Double?
        public var tokensPerMinute: Double?
        /// Of one request.
        public var timeout = Interval.seconds(900)

        public init() {}
    }
}
