/// The versions of JSON Schema that are understood.
public enum SchemaDraft: String, Sendable, Hashable, CaseIterable {
    case draft7 = "http://json-schema.org/draft-07/schema"
    case draft2020 = "https://json-schema.org/draft/2020-12/schema"

    /// The draft that a `$schema` names; nil for others.
    init?(named uri: String) {
        var uri = uri[...]
        if uri.hasSuffix("#") { uri = uri.dropLast() }
        if uri == "https://json-schema.org/draft-07/schema" { uri = "http://json-schema.org/draft-07/schema" }
        self.init(rawValue: String(uri))
    }

    /// What a message calls it.
    public var name: String {
        switch self {
        case .draft7: "draft 7"
        case .draft2020: "draft 2020-12"
        }
    }
}

/// What a schema's keywords mean where it stands: the draft, and which groups of keywords are in force.
struct SchemaDialect: Hashable, Sendable {
    var draft: SchemaDraft
    /// Whether assertions such as `type` and `minimum` count: a metaschema of one's own may leave them out.
    var validates = true
    /// Whether `format` is checked.
    var assertsFormat = false
}
