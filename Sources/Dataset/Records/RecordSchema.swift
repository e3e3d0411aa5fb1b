import JSONText
package import SegmentStore

/// The type of a record's member. A member has one type in all records, and is in every record of its lane.
package enum MemberType: Sendable, Hashable {
    /// Any text; empty if there is none.
    case text
    /// The text of a JSON value, for values whose type varies between records: readers that give a column one type
    /// could not load them otherwise. Empty if there is none.
    case jsonText
    case integer
    /// Null if unknown.
    case dollars
    /// A list, never empty, of objects with `role` and `content`, both texts.
    case turns
    /// True or false.
    case boolean
    /// A number with or without a fraction.
    case number
    /// The object of `UsageMember`.
    case usage
    /// The object of `RequestMember`.
    case request
}

/// The members of a record, in order: the one list by which records are written and read.
package enum RecordMember: Int, CaseIterable, Sendable {
    // The head, which the store writes.
    case id, sample, status, failureClass, attempts, row, fingerprint
    // The prompt.
    case messages, messagesJSON, prompt, suffix, tools
    // The answer.
    case response, reasoning, value, valueFound, toolCalls, finishReason, model, usage, cost, prices
    // How the item reached its outcome.
    case rounds, roundsCost, verdict
    // Why there is no answer, or why it is not an outcome.
    case roundClass, error, corrections, rejections, httpStatus, body
    // The verdict of a verifier.
    case judgedRound, pass, score, feedback, details
    case latency, created
    case request, metadata, other, answerBody

    /// The member's name in JSON.
    package var name: StaticString {
        switch self {
        case .id: "id"
        case .sample: "sample"
        case .status: "status"
        case .failureClass, .roundClass: "class"
        case .attempts: "attempts"
        case .row: "row"
        case .fingerprint: "fingerprint"
        case .messages: "messages"
        case .messagesJSON: "messages_json"
        case .prompt: "prompt"
        case .suffix: "suffix"
        case .tools: "tools"
        case .response: "response"
        case .reasoning: "reasoning"
        case .value: "value"
        case .valueFound: "value_found"
        case .toolCalls: "tool_calls"
        case .finishReason: "finish_reason"
        case .model: "model"
        case .usage: "usage"
        case .cost: "cost_usd"
        case .prices: "prices"
        case .rounds: "rounds"
        case .roundsCost: "rounds_cost_usd"
        case .verdict: "verdict"
        case .judgedRound: "judged_round"
        case .pass: "pass"
        case .score: "score"
        case .feedback: "feedback"
        case .details: "details"
        case .corrections: "corrections"
        case .rejections: "rejections"
        case .error: "error"
        case .httpStatus: "http_status"
        case .body, .answerBody: "body"
        case .latency: "latency_ms"
        case .created: "created"
        case .request: "request"
        case .metadata: "metadata"
        case .other: "other"
        }
    }

    package var type: MemberType {
        switch self {
        case .id, .status, .failureClass, .fingerprint, .prompt, .suffix, .response, .reasoning, .valueFound,
            .finishReason, .model, .prices, .roundClass, .error, .body, .feedback, .answerBody:
            .text
        case .messagesJSON, .tools, .value, .toolCalls, .verdict, .details, .metadata, .other: .jsonText
        case .sample, .attempts, .row, .rounds, .corrections, .rejections, .httpStatus, .judgedRound, .latency,
            .created:
            .integer
        case .pass: .boolean
        case .score: .number
        case .cost, .roundsCost: .dollars
        case .messages: .turns
        case .usage: .usage
        case .request: .request
        }
    }

    /// Whether records of the lane have the member.
    package func isMember(of lane: Lane) -> Bool {
        switch self {
        case .failureClass: lane == .failures
        case .error, .httpStatus, .body, .request: lane == .failures || lane == .rounds
        case .response, .reasoning, .value, .valueFound, .toolCalls, .finishReason, .model, .other:
            lane == .responses || lane == .rounds
        case .answerBody: lane == .responses
        case .messages, .messagesJSON, .prompt, .suffix, .tools, .rounds, .roundsCost, .verdict:
            lane == .responses || lane == .failures
        case .roundClass, .corrections, .rejections: lane == .rounds
        case .judgedRound, .pass, .score, .feedback, .details: lane == .verdicts
        case .latency, .created: true
        default: lane != .verdicts
        }
    }

    /// Whether the store writes it, not `RecordWriter`.
    package var isOfHead: Bool { rawValue <= RecordMember.fingerprint.rawValue }

    /// The members after the head, in the order of writing.
    package static func members(of lane: Lane) -> [RecordMember] { byLane[lane] ?? [] }

    private static let byLane = Dictionary(
        uniqueKeysWithValues: Lane.allCases.map { lane in
            (lane, allCases.filter { !$0.isOfHead && $0.isMember(of: lane) })
        })

    /// How many there are after the head.
    package static func count(of lane: Lane) -> Int { counts[Int(lane.rawValue)] }

    private static let counts = Lane.allCases.map { members(of: $0).count }

    /// `"name":`, by raw value.
    package static let keys: [[UInt8]] = allCases.map { Array("\"\($0.name)\":".utf8) }

    /// Appends `"name":`.
    package func appendKey(to bytes: inout [UInt8]) {
        let (start, end) = (Self.keyTable.starts[rawValue], Self.keyTable.starts[rawValue + 1])
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: Self.keyTable.bytes[start..<end]))
    }

    private static let keyTable = KeyTable(keys)
}

/// Keys one after another in memory that is never freed: appending one touches no reference count.
private struct KeyTable: @unchecked Sendable {
    // Unchecked: nothing in it changes.
    let bytes: UnsafeBufferPointer<UInt8>
    /// Where each begins, and where the last one ends.
    let starts: UnsafeBufferPointer<Int>

    init(_ keys: [[UInt8]]) {
        func lasting<Element>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
            let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
            _ = memory.initialize(from: elements)
            return UnsafeBufferPointer(memory)
        }
        bytes = lasting(keys.flatMap { $0 })
        starts = lasting(keys.reduce(into: [0]) { $0.append($0.last! + $1.count) })
    }
}

/// The members of `usage`: token counts.
package enum UsageMember: CaseIterable {
    case prompt, completion, reasoning, cached

    package var name: StaticString {
        switch self {
        case .prompt: "prompt_tokens"
        case .completion: "completion_tokens"
        case .reasoning: "reasoning_tokens"
        case .cached: "cached_tokens"
        }
    }
}

/// The members of a failure's `request`, which a retry sends again. The body is the text of its JSON.
package enum RequestMember: CaseIterable {
    case path, body

    package var name: StaticString { self == .path ? "path" : "body" }
}
