/// What the simulator has done since its start or its last reset. All but `connections` and `connectionsOpen` count
/// requests for completions only.
public struct SimulatorCounts: Sendable, Hashable {
    /// Requests received to their last byte.
    public var requests = 0
    /// Answers a client may keep that were handed to the network: 200, sound, no fault but `length`, `slow` or `huge`.
    public var given = 0
    /// Of these, answers whose last byte the kernel took. A client that was killed may still have missed them.
    public var answered = 0
    /// Responses by HTTP status, of whatever quality. Requests that never got one are missing here.
    public var statuses: [Int: Int] = [:]
    /// Faults by kind.
    public var faults: [Fault: Int] = [:]
    /// Requests refused by a limit of requests or tokens a minute.
    public var rateLimited = 0
    /// The most requests that arrived in any second, and in any minute, wherever it begins; 0 where that is not counted.
    public var mostInSecond = 0
    public var mostInMinute = 0
    /// Requests being worked on now, and the most there have been at once.
    public var inFlight = 0
    public var inFlightPeak = 0
    /// Connections accepted, and open now.
    public var connections = 0
    public var connectionsOpen = 0
    /// Different items asked for, answered, and answered more than once.
    public var items = 0
    public var itemsAnswered = 0
    public var itemsAnsweredAgain = 0
    /// Tokens of the answers that were handed over.
    public var promptTokens = 0
    public var completionTokens = 0
    /// Answers that a provider would bill, and their tokens: all that were made, also those that break off or are filtered.
    public var billed = 0
    public var billedPromptTokens = 0
    public var billedCompletionTokens = 0
    /// Of these, those of the flexible tier.
    public var flex = 0
    public var flexPromptTokens = 0
    public var flexCompletionTokens = 0

    /// Batches that were created, and the requests that they hold.
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
