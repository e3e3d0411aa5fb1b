package import Basics
package import JSONText

/// The columns of a table of values: those of the store's schema, with its types, then further members of the values. A
/// column whose values do not all have its type is text.
package struct ValueColumns: Hashable {
    /// The names as in the values.
    package private(set) var names: [[UInt8]] = []
    package private(set) var columns: [ValueColumn] = []
    private var places: [[UInt8]: Int] = [:]
    /// Whether some value is not an object: then all of them are in one column.
    private var hasOthers = false
    private var hasObjects = false
    /// The column of values that are not all objects.
    package private(set) var whole = ValueColumn()

    /// Maximum columns; no reader accepts a table with more.
    package static let columnsMax = 1000
    /// The name of the column of values that are not all objects.
    package static let wholeName = "value"
    /// Maximum references followed from one place of a schema.
    private static let referencesMax = 32

    /// Columns without a schema.
    package init() {}

    /// The columns of a schema; none if it does not say that values are objects.
    package init(schema text: [UInt8]) throws(RetortError) {
        guard let root = try? JSONParser().parse(text).root else { return }
        let object = Self.resolved(root, in: root)
        for (key, property) in object["properties"]?.members ?? [] {
            try column(key.stringBytes ?? [], ValueColumn(Self.kinds(of: property, in: root)))
        }
        if names.isEmpty { whole = ValueColumn(Self.kinds(of: root, in: root)) }
    }

    /// Whether each value is a row of several columns.
    package var areObjects: Bool { !hasOthers && (hasObjects || !names.isEmpty) }

    package var isEmpty: Bool { !areObjects && !hasOthers }

    /// Notes a value's members and types. Throws `.usage` if there are more than `columnsMax` members.
    package mutating func note(_ value: JSONValue) throws(RetortError) {
        if value.kind != .null { whole.note(value) }
        guard value.kind == .object else {
            hasOthers = true
            return
        }
        hasObjects = true
        for (key, member) in value.members {
            let name = key.stringBytes ?? []
            let place = try column(name, ValueColumn())
            if member.kind != .null { columns[place].note(member) }
        }
    }

    @discardableResult
    private mutating func column(_ name: [UInt8], _ column: ValueColumn) throws(RetortError) -> Int {
        if let place = places[name] { return place }
        guard names.count < Self.columnsMax else {
            throw RetortError(
                .usage, "the values have more than \(Self.columnsMax) different members, too many for a table",
                remedy: "Give --format json and a name in .jsonl: one value a line.")
        }
        places[name] = names.count
        names.append(name)
        columns.append(column)
        return names.count - 1
    }

    // MARK: What a schema says

    /// The schema that a reference means; the schema itself if it is not a reference or leads elsewhere.
    private static func resolved(_ schema: JSONValue, in root: JSONValue) -> JSONValue {
        var schema = schema
        for _ in 0..<referencesMax {
            if let only = schema["allOf"]?.elements, only.count == 1, schema["properties"] == nil {
                schema = only[0]
            } else if let target = schema["$ref"]?.string.flatMap({ target(of: $0, in: root) }) {
                schema = target
            } else {
                break
            }
        }
        return schema
    }

    private static func target(of reference: String, in root: JSONValue) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var value: JSONValue? = root
        for part in reference.dropFirst().split(separator: "/") {
            let name = part.replacing("~1", with: "/").replacing("~0", with: "~")
            value = value?.member(Array(name.utf8))
        }
        return value
    }

    /// The kinds of values that a schema permits, except null. All kinds if it does not say.
    private static func kinds(of schema: JSONValue, in root: JSONValue) -> Set<ValueColumn.Kind> {
        var steps = 0
        return kinds(of: schema, in: root, depth: 0, &steps)
    }

    /// Maximum schemas examined for one column: alternatives may refer to each other.
    private static let schemasMax = 1000

    private static func kinds(
        of schema: JSONValue, in root: JSONValue, depth: Int, _ steps: inout Int
    ) -> Set<ValueColumn.Kind> {
        steps += 1
        guard depth < referencesMax, steps <= schemasMax else { return [.other] }
        let schema = resolved(schema, in: root)
        if let constant = schema["const"] { return kinds(ofConstants: [constant]) }
        if let values = schema["enum"]?.elements { return kinds(ofConstants: values) }
        if let type = schema["type"] {
            let names = type.kind == .array ? type.elements : [type]
            return names.reduce(into: []) { $0.formUnion(kinds(named: $1.string ?? "")) }
        }
        if let alternatives = schema["anyOf"]?.elements ?? schema["oneOf"]?.elements {
            var all: Set<ValueColumn.Kind> = []
            for schema in alternatives { all.formUnion(kinds(of: schema, in: root, depth: depth + 1, &steps)) }
            return all
        }
        return []
    }

    private static func kinds(ofConstants values: [JSONValue]) -> Set<ValueColumn.Kind> {
        var column = ValueColumn()
        for value in values where value.kind != .null { column.note(value) }
        return column.kinds
    }

    private static func kinds(named type: String) -> Set<ValueColumn.Kind> {
        switch type {
        case "string": [.text]
        case "boolean": [.boolean]
        case "integer": [.integer]
        case "number": [.integer, .real]
        case "null": []
        default: [.other]
        }
    }
}
