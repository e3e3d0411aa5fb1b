public import Basics
internal import JSONText

/// A compiled JSON Schema (draft 2020-12 or 7). Immutable: any number of `SchemaValidator`s may share it.
public final class JSONSchema: Sendable {
    let nodes: [SchemaNode]
    let root: NodeID
    /// For each resource the anchors that `$dynamicRef` may refer to.
    let dynamicAnchors: [[String: NodeID]]
    /// Whether any `$dynamicRef` depends on the schemas through which it is reached.
    let isDynamic: Bool
    /// Whether any schema uses `unevaluatedProperties` or `unevaluatedItems`.
    let tracksEvaluated: Bool
    public let draft: SchemaDraft
    /// Pointers to keywords that the draft does not define. They have no effect and are probably misspelt.
    public let unknownKeywords: [String]

    /// Compiles a schema.
    ///
    /// - Parameters:
    ///   - text: the schema, JSON.
    ///   - name: the source, for messages: a file's name.
    ///   - beside: documents that `$ref` may refer to, by URI. Nothing is fetched.
    ///   - assertsFormat: whether `format` is checked; by default it is an annotation, as in the drafts.
    ///
    /// Throws `.badInput` with the location in the schema when the schema is invalid, its draft is not supported, or a
    /// reference cannot be resolved.
    public convenience init(
        _ text: [UInt8], name: String = "the schema", beside: [String: [UInt8]] = [:],
        defaultDraft: SchemaDraft = .draft2020, assertsFormat: Bool = false
    ) throws(RetortError) {
        let root = try Self.parse(text, name)
        var documents: [String: JSONValue] = [:]
        for (uri, text) in beside { documents[uri] = try Self.parse(text, uri) }
        let dialect = SchemaDialect(draft: defaultDraft, assertsFormat: assertsFormat)
        var compiler = SchemaCompiler(
            name: name, resources: SchemaResources(beside: documents, dialect: dialect))
        try compiler.compile(root)
        self.init(compiler)
    }

    private static func parse(_ text: [UInt8], _ name: String) throws(RetortError) -> JSONValue {
        do {
            return try JSONParser().parse(text).root
        } catch {
            throw RetortError(.badInput, "the schema is not JSON", at: name, cause: "\(error)")
        }
    }

    private init(_ compiled: SchemaCompiler) {
        nodes = compiled.nodes
        root = compiled.root
        dynamicAnchors = compiled.dynamicAnchors
        isDynamic = compiled.isDynamic
        tracksEvaluated = compiled.tracksEvaluated
        draft = compiled.draft
        unknownKeywords = compiled.unknownKeywords
    }
}
