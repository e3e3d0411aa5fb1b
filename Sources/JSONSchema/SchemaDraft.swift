/// The supported versions of JSON Schema.
public enum SchemaDraft: String, Sendable, Hashable, CaseIterable {
    case draft7 = "http://json-schema.org/draft-07/schema"
    case draft2020 = "https://json-schema.org/draft/2020-12/schema"

    /// The draft named by a `$schema`; nil for an unsupported one.
    init?(named uri: String) {
        var uri = uri[...]
        if uri.hasSuffix("#") { uri = uri.dropLast() }
        if uri == "https://json-schema.org/draft-07/schema" { uri = "http://json-schema.org/draft-07/schema" }
        self.init(rawValue: String(uri))
    }

    /// The name used in messages.
    public var name: String {
        switch self {
        case .draft7: "draft 7"
        case .draft2020: "draft 2020-12"
        }
    }
}

/// How keywords are interpreted in a schema: the draft, and which groups of keywords apply.
struct SchemaDialect: Hashable, Sendable {
    var draft: SchemaDraft
    /// Whether assertions such as `type` and `minimum` apply: a custom metaschema may omit them.
    var validates = true
    /// Whether `format` is checked.
    var assertsFormat = false
}
