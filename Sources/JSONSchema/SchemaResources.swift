internal import Basics
internal import JSONText

/// A location in a schema document: a value, its resource, and its pointer.
struct SchemaPlace {
    var value: JSONValue
    var resource: Int
    var pointer: String
    /// The document's index.
    var document: Int
}

/// A schema with its own URI, and its anchors.
struct SchemaResource {
    var uri: URIReference
    var root: SchemaPlace
    var dialect: SchemaDialect
    var anchors: [String: SchemaPlace] = [:]
    var dynamicAnchors: [String: SchemaPlace] = [:]
}

/// All documents that references may refer to, indexed by URI.
struct SchemaResources {
    private(set) var all: [SchemaResource] = []
    private var byURI: [URIReference: Int] = [:]
    private var documents = 0
    /// Documents given with the schema and not scanned yet.
    private var unread: [URIReference: JSONValue] = [:]
    private let defaultDialect: SchemaDialect

    init(beside: [String: JSONValue], dialect: SchemaDialect) {
        defaultDialect = dialect
        for (uri, root) in beside { unread[URIReference(uri).withoutFragment] = root }
    }

    /// Scans a document. Returns the index of its outermost resource.
    mutating func add(_ root: JSONValue, at uri: URIReference) throws(RetortError) -> Int {
        let document = documents
        documents += 1
        let dialect = try self.dialect(of: root, inherited: defaultDialect)
        let number = all.count
        let place = SchemaPlace(value: root, resource: number, pointer: "#", document: document)
        var own = uri
        if let id = identifier(root, dialect) { own = uri.resolving(id).withoutFragment }
        all.append(SchemaResource(uri: own, root: place, dialect: dialect))
        byURI[own] = number
        if byURI[uri.withoutFragment] == nil { byURI[uri.withoutFragment] = number }
        try scan(place, isRoot: true)
        return number
    }

    /// The resource with a URI: a known one, a document given with the schema, or a metaschema.
    mutating func resource(at uri: URIReference) throws(RetortError) -> Int? {
        let address = uri.withoutFragment
        if let known = byURI[address] { return known }
        if let root = unread.removeValue(forKey: address) { return try add(root, at: address) }
        if let text = Metaschemas.text(of: address.text), let root = try? JSONParser().parse(text).root {
            return try add(root, at: address)
        }
        // Another document may contain the URI as an `$id`. Documents that cannot be parsed are skipped.
        for (name, root) in unread.sorted(by: { $0.key.text < $1.key.text }) {
            unread[name] = nil
            _ = try? add(root, at: name)
            if let known = byURI[address] { return known }
        }
        return nil
    }

    /// The dialect that `$schema` names, else the inherited one.
    private func dialect(of value: JSONValue, inherited: SchemaDialect) throws(RetortError) -> SchemaDialect {
        guard let name = value["$schema"]?.string else { return inherited }
        if let draft = SchemaDraft(named: name) {
            var dialect = SchemaDialect(draft: draft)
            dialect.assertsFormat = defaultDialect.assertsFormat
            return dialect
        }
        guard let custom = unread[URIReference(name).withoutFragment] else {
            throw RetortError(
                .badInput, "the schema's draft is unknown", cause: "$schema is \(name)",
                remedy: "Known are \(SchemaDraft.allCases.map(\.rawValue).joined(separator: " and ")).")
        }
        // A metaschema that names itself would cause infinite recursion.
        var dialect = custom["$schema"]?.string == name ? inherited : try self.dialect(of: custom, inherited: inherited)
        if let vocabulary = custom["$vocabulary"], vocabulary.kind == .object {
            let names = vocabulary.members.map { $0.key.string ?? "" }
            dialect.validates = names.contains { $0.hasSuffix("/vocab/validation") }
            if names.contains(where: { $0.hasSuffix("/vocab/format-assertion") }) { dialect.assertsFormat = true }
        }
        return dialect
    }

    private func identifier(_ value: JSONValue, _ dialect: SchemaDialect) -> URIReference? {
        guard value.kind == .object, let id = value["$id"]?.string else { return nil }
        if dialect.draft == .draft7, value["$ref"] != nil || id.hasPrefix("#") { return nil }
        return URIReference(id)
    }

    private mutating func scan(_ place: SchemaPlace, isRoot: Bool) throws(RetortError) {
        guard place.value.kind == .object else { return }
        var place = place
        let outer = all[place.resource]
        if !isRoot, let id = identifier(place.value, outer.dialect) {
            let dialect = try dialect(of: place.value, inherited: outer.dialect)
            let uri = outer.uri.resolving(id).withoutFragment
            place.resource = all.count
            place.pointer = "#"
            all.append(SchemaResource(uri: uri, root: place, dialect: dialect))
            byURI[uri] = place.resource
        }
        noteAnchors(place)
        for (pointer, value) in Subschemas.of(place.value) {
            var inner = place
            inner.value = value
            inner.pointer = place.pointer + pointer
            try scan(inner, isRoot: false)
        }
    }

    private mutating func noteAnchors(_ place: SchemaPlace) {
        if let name = place.value["$anchor"]?.string { all[place.resource].anchors[name] = place }
        if let name = place.value["$dynamicAnchor"]?.string {
            all[place.resource].anchors[name] = place
            all[place.resource].dynamicAnchors[name] = place
        }
        if all[place.resource].dialect.draft == .draft7, let id = place.value["$id"]?.string, id.hasPrefix("#") {
            all[place.resource].anchors[String(id.dropFirst())] = place
        }
    }

    /// The location of a pointer within a resource; nil if it does not exist.
    func place(_ pointer: String, in resource: Int) -> SchemaPlace? {
        var place = all[resource].root
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = part.replacing("~1", with: "/").replacing("~0", with: "~")
            let next: JSONValue?
            switch place.value.kind {
            case .object: next = place.value.member(name.utf8)
            case .array:
                let elements = place.value.elements
                next = Int(name).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            default: next = nil
            }
            guard let next else { return nil }
            place.value = next
            place.pointer += "/\(part)"
            if let inner = resourceRooted(at: next, document: place.document) { place = all[inner].root }
        }
        return place
    }

    /// If a resource begins at the location, the location within that resource.
    func rooted(_ place: SchemaPlace) -> SchemaPlace {
        resourceRooted(at: place.value, document: place.document).map { all[$0].root } ?? place
    }

    private func resourceRooted(at value: JSONValue, document: Int) -> Int? {
        guard value.kind == .object, value["$id"] != nil else { return nil }
        return all.firstIndex {
            $0.root.document == document && $0.root.value.range == value.range
        }
    }
}

/// The positions in a schema that hold subschemas.
enum Subschemas {
    private static let single: [StaticString] = [
        "items", "additionalItems", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else",
        "unevaluatedItems", "unevaluatedProperties", "contentSchema",
    ]
    private static let lists: [StaticString] = ["items", "prefixItems", "allOf", "anyOf", "oneOf"]
    private static let maps: [StaticString] = [
        "properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions",
    ]

    static func of(_ schema: JSONValue) -> [(pointer: String, value: JSONValue)] {
        var found: [(pointer: String, value: JSONValue)] = []
        for name in single {
            guard let value = schema[name], value.kind == .object else { continue }
            found.append(("/\(name)", value))
        }
        for name in lists {
            for (index, value) in (schema[name]?.elements ?? []).enumerated() where value.kind == .object {
                found.append(("/\(name)/\(index)", value))
            }
        }
        for name in maps {
            for (key, value) in schema[name]?.members ?? [] where value.kind == .object {
                let escaped = (key.string ?? "").replacing("~", with: "~0").replacing("/", with: "~1")
                found.append(("/\(name)/\(escaped)", value))
            }
        }
        return found
    }
}
