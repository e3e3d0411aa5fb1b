public import Basics
internal import Glibc
public import JSONText

/// A row's prompt in its original JSON. Slices are whole tokens: strings with their quotes, arrays with their brackets.
/// They must be valid JSON; nothing is checked or decoded here.
public enum RequestInput: Sendable {
    /// A chat's turns: the JSON array of messages.
    case messages(ArraySlice<UInt8>)
    /// A single prompt: a JSON string.
    case prompt(ArraySlice<UInt8>)
    /// The texts before and after the gap: two JSON strings.
    case infill(prefix: ArraySlice<UInt8>, suffix: ArraySlice<UInt8>)
    /// A row of OpenAI's Batch format, sent unchanged: its `url` and the JSON object of its `body`.
    case batchRow(url: String, body: ArraySlice<UInt8>)
}

/// Builds request bodies by inserting raw JSON between a head and a tail that are rendered once. Their form depends on
/// the dialect.
public struct RequestBuilder: Sendable {
    /// The APIs, by their names on the command line. `dialect` describes each.
    public enum Endpoint: String, Sendable, CaseIterable {
        /// OpenAI's `/chat/completions`.
        case chat
        /// OpenAI's `/completions`, with `suffix` for filling in.
        case completions
        /// llama.cpp's `/infill`.
        case infill
        /// OpenAI's `/responses`.
        case responses
        /// Anthropic's `/v1/messages`.
        case messages
    }

    public let endpoint: Endpoint
    public let dialect: any Dialect
    private let head: BodyHead
    private let headHashes: [JSONMemberHash]
    /// The hashes of members that are not compared, of every head.
    private let ignoredHashes: Set<JSONMemberHash>
    private let path: String

    /// - Parameter compared: the parameters that distinguish requests; nil: all.
    ///
    /// Throws `.configuration` if the endpoint has no form for one of the parameters.
    public init(
        endpoint: Endpoint, parameters: RequestParameters, compared: RequestParameters? = nil
    ) throws(RetortError) {
        self.endpoint = endpoint
        dialect = endpoint.dialect
        path = dialect.path
        head = BodyHead(try dialect.members(of: parameters, defaults: true))
        headHashes = (try? JSONParser().memberHashes(head.object)) ?? []
        let known = BodyHead(try dialect.members(of: compared ?? parameters, defaults: true))
        ignoredHashes = Set(headHashes).subtracting((try? JSONParser().memberHashes(known.object)) ?? [])
    }

    /// The request for one row. `members` are the row's own parameters, under the names of OpenAI's chat: they override
    /// the run's.
    ///
    /// Some dialects parse the messages: passing `parser` avoids creating one per row. Throws `.configuration` if the
    /// endpoint has no form for such a row: a chat cannot become a plain completion.
    public func request(
        _ input: RequestInput, members: [BodyMember] = [], with parser: JSONParser? = nil
    ) throws(RetortError) -> ModelRequest {
        if case .batchRow(let url, let body) = input {
            return ModelRequest(path: Self.path(ofBatchURL: url), body: Array(body))
        }
        let parser = parser ?? JSONParser()
        let head = members.isEmpty ? head : try self.head(with: members, parser)
        return ModelRequest(path: path, body: try dialect.body(input, head, with: parser))
    }

    /// The parameters that the row does not override, then its own members.
    private func head(with members: [BodyMember], _ parser: JSONParser) throws(RetortError) -> BodyHead {
        var own = try dialect.members(ofRow: members, with: parser)
        for index in own.indices where dialect.mergedMembers.contains(own[index].name) {
            guard let under = head.members.first(where: { $0.name == own[index].name }) else { continue }
            own[index].value = JSONMerge.objects(under.value, own[index].value, with: parser)
        }
        var replaced = Set(own.map(\.name))
        // One limit may have several names.
        if !replaced.isDisjoint(with: dialect.tokenLimits) { replaced.formUnion(dialect.tokenLimits) }
        return BodyHead(head.members.filter { !replaced.contains($0.name) } + own)
    }

    /// Distinguishes a changed request from an unchanged one.
    ///
    /// Computed from values: escapes, white space, the order of members and the spelling of numbers make no difference,
    /// nor do members that are not compared.
    public func fingerprint(_ request: ModelRequest, with parser: JSONParser) -> UInt64 {
        fingerprint(request, without: ignoredHashes, with: parser)
    }

    /// Whether `short` is the fingerprint that an earlier version gave the request: over all members, including those
    /// that are not compared.
    public func isEarlierFingerprint(
        _ short: UInt32, of request: ModelRequest, with parser: JSONParser
    ) -> Bool {
        guard !ignoredHashes.isEmpty else { return false }
        return UInt32(truncatingIfNeeded: fingerprint(request, without: [], with: parser)) == short
    }

    /// A request that has this builder's own head is read from there on: a head with a schema is the longer part.
    private func fingerprint(
        _ request: ModelRequest, without ignored: Set<JSONMemberHash>, with parser: JSONParser
    ) -> UInt64 {
        let body = request.body
        let hash =
            hasOwnHead(request)
            ? try? parser.valueHash(
                ofMembers: body, from: head.bytes.count, isClosed: true, besides: headHashes, without: ignored)
            : try? parser.valueHash(body, without: ignored)
        return hash ?? Self.fingerprintOfBytes(request)
    }

    private func hasOwnHead(_ request: ModelRequest) -> Bool {
        request.body.count > head.bytes.count
            && request.body.withUnsafeBufferPointer { body in
                head.bytes.withUnsafeBufferPointer { memcmp(body.baseAddress!, $0.baseAddress!, $0.count) == 0 }
            }
    }

    /// The fingerprint of the body's bytes (XXH3-64), for stores whose manifest does not name another scheme.
    public static func fingerprintOfBytes(_ request: ModelRequest) -> UInt64 {
        request.body.withUnsafeBytes { ContentHash.hash64($0) }
    }

    /// Throws `.configuration` for a batch row of another provider's API.
    public func checkBatch(_ url: String) throws(RetortError) {
        let owner = Endpoint.owner(ofPath: url)
        guard owner.dialect.provider != dialect.provider else { return }
        throw RetortError(
            .configuration,
            "a row for \(url), which is \(owner.dialect.provider.rawValue)'s API, cannot be sent to "
                + "\(dialect.provider.rawValue)'s API",
            remedy: "Give --endpoint \(owner.endpoint.rawValue), or rows for \(dialect.batchURL).")
    }

    /// A batch row names the path after the host (`/v1/chat/completions`). A base URL that ends in `/v1` already
    /// contains its beginning.
    private static func path(ofBatchURL url: String) -> String {
        let isBelowVersion = !Endpoint.owner(ofPath: url).dialect.path.hasPrefix("/v1/")
        return isBelowVersion && url.hasPrefix("/v1/") ? String(url.dropFirst(3)) : url
    }
}
