internal import Basics
internal import JSONText

/// Compiles schema documents into nodes. Each location is compiled once, when it is first referred to.
struct SchemaCompiler {
    let name: String
    var resources: SchemaResources
    private(set) var nodes: [SchemaNode] = []
    private(set) var root: NodeID = 0
    private(set) var dynamicAnchors: [[String: NodeID]] = []
    private(set) var isDynamic = false
    private(set) var tracksEvaluated = false
    private(set) var draft = SchemaDraft.draft2020
    private(set) var unknownKeywords: [String] = []
    /// The nodes that exist already, by document and position.
    private var known: [Key: NodeID] = [:]
    /// Nodes whose keywords have not been read yet. A list replaces recursion, so depth is not limited by the stack.
    private var pending: [(node: NodeID, place: SchemaPlace)] = []

    private struct Key: Hashable {
        var document: Int
        var start: Int
    }

    /// Maximum subschemas of one schema, including those it refers to.
    static let nodesMax = 100_000

    init(name: String, resources: SchemaResources) {
        self.name = name
        self.resources = resources
    }

    mutating func compile(_ schema: JSONValue) throws(RetortError) {
        let resource = try inSchema { (compiler) throws(RetortError) in
            try compiler.resources.add(schema, at: URIReference("retort:schema"))
        }
        draft = resources.all[resource].dialect.draft
        root = try node(resources.all[resource].root)
        try compilePending()
        if isDynamic { try compileDynamicAnchors() }
    }

    private mutating func compilePending() throws(RetortError) {
        while let (node, place) = pending.popLast() {
            try KeywordReader.read(place, into: nodes[node], with: &self)
        }
    }

    private mutating func compileDynamicAnchors() throws(RetortError) {
        // Compiling an anchor may add resources.
        while dynamicAnchors.count < resources.all.count {
            var anchors: [String: NodeID] = [:]
            for (name, place) in resources.all[dynamicAnchors.count].dynamicAnchors { anchors[name] = try node(place) }
            dynamicAnchors.append(anchors)
            try compilePending()
        }
    }

    /// The node of a location; its keywords are read later.
    mutating func node(_ place: SchemaPlace) throws(RetortError) -> NodeID {
        let key = Key(document: place.document, start: place.value.range.lowerBound)
        if let node = known[key] { return node }
        guard place.value.kind == .object || place.value.kind == .boolean else {
            throw error("expected a schema, found \(place.value.summary)", at: place.pointer)
        }
        guard nodes.count < Self.nodesMax else {
            throw error("the schema has more than \(Self.nodesMax) subschemas", at: place.pointer)
        }
        let number = nodes.count
        let node = SchemaNode(pointer: place.pointer, resource: place.resource)
        nodes.append(node)
        known[key] = number
        if place.value.kind == .boolean { node.fixedResult = place.value.bool } else { pending.append((number, place)) }
        return number
    }

    /// The node that a `$ref` refers to.
    mutating func target(of reference: String, from place: SchemaPlace, at pointer: String) throws(RetortError)
        -> SchemaPlace
    {
        let uri = resources.all[place.resource].uri.resolving(URIReference(reference))
        let found = try inSchema { (compiler) throws(RetortError) in try compiler.resources.resource(at: uri) }
        guard let resource = found else {
            throw RetortError(
                .badInput, "a reference leads outside the schema: \(reference)", at: name + pointer,
                remedy: "Nothing is fetched: give the document it names as a file, or put it into $defs.")
        }
        let fragment = URIReference.decoded(uri.fragment ?? "")
        if fragment.isEmpty { return resources.all[resource].root }
        let target =
            fragment.hasPrefix("/")
            ? resources.place(fragment, in: resource) : resources.all[resource].anchors[fragment]
        guard let target else { throw error("nothing is at \(reference)", at: pointer) }
        return target
    }

    mutating func dynamicReference(
        _ reference: String, from place: SchemaPlace, at pointer: String
    ) throws(RetortError) -> DynamicReference {
        let target = try target(of: reference, from: place, at: pointer)
        let fragment = URIReference.decoded(URIReference(reference).fragment ?? "")
        let isAnchor = target.value["$dynamicAnchor"]?.string == fragment && !fragment.isEmpty
        if isAnchor { isDynamic = true }
        return DynamicReference(anchor: isAnchor ? fragment : nil, initial: try node(target))
    }

    mutating func noteUnevaluated() { tracksEvaluated = true }

    mutating func noteUnknown(_ pointer: String) { unknownKeywords.append(pointer) }

    func dialect(of place: SchemaPlace) -> SchemaDialect { resources.all[place.resource].dialect }

    func error(_ message: String, at pointer: String, cause: String? = nil) -> RetortError {
        RetortError(.badInput, message, at: name + pointer, cause: cause)
    }

    /// Adds the schema's name to errors.
    private mutating func inSchema<Result>(
        _ work: (inout SchemaCompiler) throws(RetortError) -> Result
    ) throws(RetortError) -> Result {
        do throws(RetortError) {
            return try work(&self)
        } catch {
            var error = error
            if error.place == nil { error.place = name }
            throw error
        }
    }
}
