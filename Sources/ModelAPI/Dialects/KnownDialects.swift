public import JSONText

extension RequestBuilder.Endpoint {
    private static let chatDialect: any Dialect = OpenAIChat()
    private static let completionsDialect: any Dialect = OpenAICompletions()
    private static let infillDialect: any Dialect = LlamaInfill()
    private static let responsesDialect: any Dialect = OpenAIResponses()
    private static let messagesDialect: any Dialect = AnthropicMessages()

    /// The only place that lists all dialects.
    public var dialect: any Dialect {
        switch self {
        case .chat: Self.chatDialect
        case .completions: Self.completionsDialect
        case .infill: Self.infillDialect
        case .responses: Self.responsesDialect
        case .messages: Self.messagesDialect
        }
    }

    private static let all = allCases.map { (endpoint: $0, dialect: $0.dialect) }

    /// The dialect of a path; an unknown path is treated as OpenAI's chat, the most widely copied API.
    static func owner(ofPath path: String) -> (endpoint: RequestBuilder.Endpoint, dialect: any Dialect) {
        let bare = path.prefix { $0 != "?" }
        return all.first { bare.hasSuffix($0.dialect.pathEnd) } ?? all[0]
    }
}

extension ModelRequest {
    /// Maximum tokens of an answer according to the body: of several limits the largest, since a server may use any of
    /// them. Nil if there is no limit, or one that a server may ignore.
    public func completionTokensMax(in body: JSONValue?) -> Int? {
        guard let body else { return nil }
        var most: Int?
        for name in RequestBuilder.Endpoint.owner(ofPath: path).dialect.tokenLimits {
            guard let value = body.member(name.utf8), value.kind != .null else { continue }
            guard let limit = LaxNumber.count(value) else { return nil }
            most = max(most ?? 0, limit)
        }
        return most
    }
}

extension Dialect {
    /// The last part of its path, by which a path is recognised.
    fileprivate var pathEnd: String { path.hasPrefix("/v1/") ? String(path.dropFirst(3)) : path }
}
