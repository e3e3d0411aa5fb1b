public import Basics
internal import Glibc
public import JSONText

/// What one row asks, in the JSON it was written in. Slices are whole tokens: strings with their quotes, arrays with
/// their brackets. They must be legal JSON; nothing is checked or decoded here.
public enum RequestInput: Sendable {
    /// A chat's turns: the JSON array of messages.
    case messages(ArraySlice<UInt8>)
    /// A single prompt: a JSON string.
    case prompt(ArraySlice<UInt8>)
    /// What stands before and after the text to fill in: two JSON strings.
    case infill(prefix: ArraySlice<UInt8>, suffix: ArraySlice<UInt8>)
    /// A row of OpenAI's Batch format, sent as it is: its `url` and the JSON object of its `body`.
    case batchRow(url: String, body: ArraySlice<UInt8>)
}

/// Builds request bodies by splicing raw JSON between a head and a tail that are rendered once.
///
/// Formats: https://platform.openai.com/docs/api-reference (chat, completions, batch),
/// https://docs.anthropic.com/en/api/messages.
public struct RequestBuilder: Sendable {
    public enum Endpoint: String, Sendable, CaseIterable {
        /// OpenAI's `/chat/completions`.
        case chat
        /// OpenAI's `/completions`, with `suffix` for filling in.
        case completions
        /// Anthropic's `/v1/messages`.
        case messages

        /// Below the base URL, which ends in `/v1` for OpenAI's endpoints by custom.
        public var path: String {
            switch self {
            case .chat: "/chat/completions"
            case .completions: "/completions"
            case .messages: "/v1/messages"
            }
        }
    }

    public let endpoint: Endpoint
    /// `{"model":...,` and the other parameters, up to where the input begins.
    private let head: [UInt8]
    /// The same members, and their hashes.
    private let headMembers: [BodyMember]
    private let headHashes: [JSONMemberHash]
    private let path: String

    /// Throws `.configuration` when the endpoint has no form for one of the parameters.
    public init(endpoint: Endpoint, parameters: RequestParameters) throws(RetortError) {
        self.endpoint = endpoint
        self.path = endpoint.path
        let own = endpoint == .messages ? try Self.anthropicParameters(parameters) : parameters
        headMembers = own.members()
        head = Self.head(headMembers)
        let object = headMembers.isEmpty ? Array("{}".utf8) : head.dropLast() + [UInt8(ascii: "}")]
        headHashes = (try? JSONParser().memberHashes(Array(object))) ?? []
    }

    private static func head(_ members: [BodyMember]) -> [UInt8] {
        var head = [UInt8(ascii: "{")]
        for member in members {
            JSONString.append(member.name, to: &head)
            head.append(UInt8(ascii: ":"))
            head.append(contentsOf: member.value)
            head.append(UInt8(ascii: ","))
        }
        return head
    }

    /// Anthropic demands `max_tokens`; this is sent when the job names none.
    public static let anthropicTokensMaxDefault = 4096

    /// The request for one row. `members` are the row's own wishes, in OpenAI's names: they win over the parameters.
    ///
    /// Anthropic's form needs a look into the messages: `parser` spares the making of one for each row.
    /// Throws `.configuration` when the endpoint has no form for such a row: a chat cannot become a plain completion.
    public func request(
        _ input: RequestInput, members: [BodyMember] = [], with parser: JSONParser? = nil
    ) throws(RetortError) -> ModelRequest {
        if case .batchRow(let url, let body) = input {
            return ModelRequest(path: Self.path(ofBatchURL: url), body: Array(body))
        }
        let head = members.isEmpty ? head : try self.head(with: members, parser ?? JSONParser())
        if endpoint == .messages, case .messages(let messages) = input {
            return ModelRequest(path: path, body: try anthropicBody(messages, head, parser ?? JSONParser()))
        }
        switch endpoint {
        case .chat, .messages: return ModelRequest(path: path, body: chatBody(input, head))
        case .completions: return ModelRequest(path: path, body: try completionsBody(input, head))
        }
    }

    /// The parameters that the row leaves, then its own members.
    private func head(with members: [BodyMember], _ parser: JSONParser) throws(RetortError) -> [UInt8] {
        let own: [BodyMember]
        switch endpoint {
        case .chat: own = members
        case .completions: own = try Self.completionsMembers(members)
        case .messages: own = try Self.anthropicMembers(members, parser)
        }
        var replaced = Set(own.map(\.name))
        // Two names of one limit.
        let limits: Set = ["max_tokens", "max_completion_tokens"]
        if !replaced.isDisjoint(with: limits) { replaced.formUnion(limits) }
        return Self.head(headMembers.filter { !replaced.contains($0.name) } + own)
    }

    /// Tells a changed request from an unchanged one.
    ///
    /// Of its values: escapes, white space, the order of members and the spelling of numbers make no difference.
    public func fingerprint(_ request: ModelRequest, with parser: JSONParser) -> UInt64 {
        let body = request.body
        let isOwnHead =
            body.count > head.count
            && body.withUnsafeBufferPointer { body in
                head.withUnsafeBufferPointer { memcmp(body.baseAddress!, $0.baseAddress!, $0.count) == 0 }
            }
        let hash: UInt64?
        if isOwnHead {
            hash = try? parser.valueHash(ofMembers: body, from: head.count, isClosed: true, besides: headHashes)
        } else {
            hash = try? parser.valueHash(body)
        }
        return hash ?? Self.fingerprintOfBytes(request)
    }

    /// The same by the bytes of the body (XXH3-64), as stores had it whose manifest does not say otherwise.
    public static func fingerprintOfBytes(_ request: ModelRequest) -> UInt64 {
        request.body.withUnsafeBytes { ContentHash.hash64($0) }
    }

    /// Throws `.configuration` for a batch row of another API than the one that is asked.
    public func checkBatch(_ url: String) throws(RetortError) {
        let isAnthropic = url.prefix { $0 != "?" }.hasSuffix("/messages")
        guard isAnthropic != (endpoint == .messages) else { return }
        throw RetortError(
            .configuration,
            isAnthropic
                ? "a row for Anthropic's API cannot be sent to an OpenAI endpoint"
                : "a row for \(url) cannot be sent to Anthropic's API",
            remedy: isAnthropic
                ? "Give --endpoint messages." : "Give --endpoint chat, or rows with custom_id and params.")
    }

    /// A batch row names the path below the host (`/v1/chat/completions`); the base URL already ends in `/v1`.
    private static func path(ofBatchURL url: String) -> String {
        url.hasPrefix("/v1/") && url != Endpoint.messages.path ? String(url.dropFirst(3)) : url
    }

    private func chatBody(_ input: RequestInput, _ head: [UInt8]) -> [UInt8] {
        switch input {
        case .messages(let messages): return Self.splice(head, Words.messages, messages, Words.end)
        case .prompt(let prompt): return Self.splice(head, Words.userTurn, prompt, Words.userTurnEnd)
        case .infill(let prefix, let suffix):
            let content =
                Words.infillAsk + prefix.dropFirst().dropLast() + Words.infillGap + suffix.dropFirst().dropLast()
                + Words.infillEnd
            return Self.splice(head, Words.userTurn, content[...], Words.userTurnEnd)
        case .batchRow(_, let body): return Array(body)
        }
    }

    private func completionsBody(_ input: RequestInput, _ head: [UInt8]) throws(RetortError) -> [UInt8] {
        switch input {
        case .prompt(let prompt): return Self.splice(head, Words.prompt, prompt, Words.end)
        case .infill(let prefix, let suffix):
            return Self.splice(head, Words.prompt, prefix, Words.suffix + suffix + Words.end)
        case .batchRow(_, let body): return Array(body)
        case .messages:
            throw RetortError(
                .configuration, "a row with messages or a system text cannot be sent to the completions endpoint",
                remedy: "Give --endpoint chat, or rows with a prompt alone.")
        }
    }

    static func splice(
        _ head: [UInt8], _ before: [UInt8], _ input: ArraySlice<UInt8>, _ after: [UInt8]
    ) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(head.count + before.count + input.count + after.count)
        body.append(contentsOf: head)
        body.append(contentsOf: before)
        body.append(contentsOf: input)
        body.append(contentsOf: after)
        return body
    }

    private enum Words {
        static let messages = Array(#""messages":"#.utf8)
        static let prompt = Array(#""prompt":"#.utf8)
        static let suffix = Array(#","suffix":"#.utf8)
        static let end = Array("}".utf8)
        static let userTurn = Array(#""messages":[{"role":"user","content":"#.utf8)
        static let userTurnEnd = Array("}]}".utf8)
        static let infillAsk = Array(
            (#""Write the text that belongs between PREFIX and SUFFIX. Answer with that text alone, without quotes or "#
                + #"fences, so that prefix, answer and suffix read as one.\n\n<PREFIX>"#).utf8)
        static let infillGap = Array(#"</PREFIX>\n<SUFFIX>"#.utf8)
        static let infillEnd = Array(#"</SUFFIX>""#.utf8)
    }
}
