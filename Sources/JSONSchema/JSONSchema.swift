public import Basics
internal import JSONText

/// A JSON Schema (draft 2020-12 or 7), compiled. Immutable: any number of `SchemaValidator`s may share it.
public final class JSONSchema: Sendable {
    let nodes: [SchemaNode]
    let root: NodeID
    /// The anchors of each resource that `$dynamicRef` may lead to.
    let dynamicAnchors: [[String: NodeID]]
    /// Whether any `$dynamicRef` depends on the way to it.
    let isDynamic: Bool
    /// Whether any schema asks what others have left unevaluated.
    let tracksEvaluated: Bool
    public let draft: SchemaDraft
    /// Pointers to keywords that the draft does not know: likely misspelt, and without effect.
    public let unknownKeywords: [String]

    /// Compiles a schema.
    ///
    /// - Parameters:
    ///   - text: the schema, JSON.
    ///   - name: where it is from, for messages: a file's name.
    ///   - beside: documents that `$ref` may name, by their addresses. Nothing is fetched from anywhere.
    ///   - assertsFormat: whether `format` is checked; by default it is a note, as the drafts say.
    ///
    /// Throws `.badInput` with the place in the schema when it is no schema, when its draft is not known, or when a
    /// reference leads nowhere.
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
