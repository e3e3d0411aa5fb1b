public import Basics
internal import JSONText

extension Template {
    /// Whether the template has `{{#items}}`, which repeats for the rows of one request.
    public var loopsOverItems: Bool { Self.hasItems(nodes) }

    private static func hasItems(_ nodes: [Node]) -> Bool {
        nodes.contains { node in
            switch node {
            case .literal, .field, .turn, .attachment: false
            case .choice(_, let nodes, let otherwise): hasItems(nodes) || hasItems(otherwise)
            case .loop(let field, let nodes, let otherwise):
                field.text == ItemsText.items || hasItems(nodes) || hasItems(otherwise)
            }
        }
    }
}

/// Builds the object for a template with `{{#items}}` from rows that share one prompt: `items` is the list of the rows,
/// `count` their number. Any other field is included only if all rows have it with the same value, so that no row gets
/// another row's data.
enum ItemsText {
    static let items = "items"
    static let count = "count"

    /// Throws for a row that has a field with one of the reserved names.
    /// - Parameter rows: JSON objects, minimum one.
    static func object(of rows: [[UInt8]], count: Int, listed: Bool = true, with parser: JSONParser) throws(RowFault)
        -> [UInt8]
    {
        var common: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
        for (number, row) in rows.enumerated() {
            let root: JSONValue
            do { root = try parser.parse(row).root } catch { throw RowFault(error, in: row) }
            for name in [items, Self.count] {
                guard let value = root.member(Array(name.utf8)) else { continue }
                throw RowFault(
                    "the row has a field '\(name)', which is the template's own for --items-per-request", at: value,
                    remedy: "Rename the field.")
            }
            let members = root.members
            if number == 0 {
                common = members.map { ($0.key.raw, $0.value.raw) }
            } else {
                common.removeAll { one in
                    !members.contains { $0.key.raw.elementsEqual(one.key) && $0.value.raw.elementsEqual(one.value) }
                }
            }
        }
        var output = Array(#"{"\#(items)":["#.utf8)
        if listed { output += rows.joined(separator: [UInt8(ascii: ",")]) }
        output += #"],"\#(Self.count)":\#(count)"#.utf8
        for member in common { output += [UInt8(ascii: ",")] + member.key + [UInt8(ascii: ":")] + member.value }
        return output + [UInt8(ascii: "}")]
    }
}

extension PromptParser {
    /// The prompt that a template with `{{#items}}` makes of several rows. Throws `.badInput` when the rows cannot
    /// share a prompt.
    /// - Parameter rows: texts as in `PromptRow.text`.
    public func shape(ofItems rows: [[UInt8]]) throws(RetortError) -> PromptRow.Shape {
        do throws(RowFault) {
            return try rendered(try ItemsText.object(of: rows, count: rows.count, with: json))
        } catch {
            throw RetortError(.badInput, error.message, cause: error.cause, remedy: error.remedy)
        }
    }

    /// What a template with `{{#items}}` renders around its `count` items. Rows with equal surroundings can share a
    /// request. Empty when the template has nothing around its items.
    public func surroundings(ofItem row: [UInt8], count: Int) -> [UInt8] {
        guard let object = try? ItemsText.object(of: [row], count: count, listed: false, with: json),
            let shape = try? rendered(object)
        else { return [] }
        switch shape {
        case .prompt(let text), .chat(let text): return Array(text)
        case .fill, .batch: return []
        }
    }

    /// Renders one row on its own with a template that has `{{#items}}`.
    func rendered(_ object: [UInt8]) throws(RowFault) -> PromptRow.Shape {
        guard let template else { throw RowFault("there is no template") }
        let root: JSONValue
        do { root = try json.parse(object).root } catch { throw RowFault(error, in: object) }
        return try template.render(RowFields(root, in: object))
    }
}
