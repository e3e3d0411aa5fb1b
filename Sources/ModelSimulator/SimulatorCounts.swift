/// What the simulator has done since its start or its last reset. All except `connections` and `connectionsOpen` count
/// only requests for completions.
public struct SimulatorCounts: Sendable, Hashable {
    /// Requests received to their last byte.
    public var requests = 0
    /// Answers handed to the network that a client may keep: 200, valid, no fault except `length`, `slow` or `huge`.
    public var given = 0
    /// Of `given`, the answers whose last byte the kernel accepted. A client that was killed may have missed them.
    public var answered = 0
    /// Responses by HTTP status, with or without a fault. Requests without a response are not counted.
    public var statuses: [Int: Int] = [:]
    /// Faults by kind.
    public var faults: [Fault: Int] = [:]
    /// Requests rejected by a limit of requests or tokens per minute.
    public var rateLimited = 0
    /// The maximum requests that arrived in any second and in any minute, wherever it begins; 0 when not counted.
    public var mostInSecond = 0
    public var mostInMinute = 0
    /// Requests in progress now, and their maximum so far.
    public var inFlight = 0
    public var inFlightPeak = 0
    /// Connections accepted, and open now.
    public var connections = 0
    public var connectionsOpen = 0
    /// Distinct items that were requested, answered, and answered more than once.
    public var items = 0
    public var itemsAnswered = 0
    public var itemsAnsweredAgain = 0
    /// Tokens of the answers handed over.
    public var promptTokens = 0
    public var completionTokens = 0
    /// Answers that a provider would bill, and their tokens: all generated answers, including those that break off or
    /// are filtered.
    public var billed = 0
    public var billedPromptTokens = 0
    public var billedCompletionTokens = 0
    /// Of `billed`, the answers in the flex tier.
    public var flex = 0
    public var flexPromptTokens = 0
    public var flexCompletionTokens = 0

    /// Batches created, and the requests in them.
    public var batches = 0
    public var batchRequests = 0

    public init() {}
}

extension SimulatorCounts {
    /// A JSON object, as `GET /simulator/counts` returns it.
    public var json: [UInt8] {
        let numbers: [(String, Int)] = [
            ("requests", requests), ("given", given), ("answered", answered), ("rate_limited", rateLimited),
            ("in_flight", inFlight), ("in_flight_peak", inFlightPeak), ("connections", connections),
            ("connections_open", connectionsOpen), ("items", items), ("items_answered", itemsAnswered),
            ("items_answered_again", itemsAnsweredAgain), ("prompt_tokens", promptTokens),
            ("completion_tokens", completionTokens), ("billed", billed),
            ("billed_prompt_tokens", billedPromptTokens), ("billed_completion_tokens", billedCompletionTokens),
            ("flex", flex), ("flex_prompt_tokens", flexPromptTokens), ("flex_completion_tokens", flexCompletionTokens),
            ("batches", batches),
            ("batch_requests", batchRequests), ("most_in_second", mostInSecond), ("most_in_minute", mostInMinute),
        ]
        let tables: [(String, [(String, Int)])] = [
            ("statuses", statuses.sorted { $0.key < $1.key }.map { (String($0.key), $0.value) }),
            ("faults", faults.map { ($0.key.rawValue, $0.value) }.sorted { $0.0 < $1.0 }),
        ]
        var output: [UInt8] = [UInt8(ascii: "{")]
        Self.append(numbers, to: &output)
        for (name, table) in tables {
            output.append(contentsOf: ",\"\(name)\":{".utf8)
            Self.append(table, to: &output)
            output.append(UInt8(ascii: "}"))
        }
        output.append(text: "}\n")
        return output
    }

    private static func append(_ members: [(String, Int)], to output: inout [UInt8]) {
        for (index, (name, value)) in members.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            output.append(contentsOf: "\"\(name)\":\(value)".utf8)
        }
    }
}
