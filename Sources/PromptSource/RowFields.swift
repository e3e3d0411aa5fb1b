internal import JSONText

/// The members of a row that its shape and its id are read from.
enum RowField: Int, CaseIterable {
    case messages, prompt, prefix, suffix, body, url, method, customID, id, uid

    /// The field that a key names.
    init?(_ key: JSONValue) {
        guard let content = key.rawStringContent else { return nil }
        let name = key.isEscaped ? JSONString.unescape(content)[...] : content
        func pick(_ field: RowField, _ text: StaticString) -> RowField? {
            text.withUTF8Buffer { name.elementsEqual($0) } ? field : nil
        }
        let field: RowField? =
            switch name.count {
            case 2: pick(.id, "id")
            case 3: pick(.uid, "uid") ?? pick(.url, "url")
            case 4: pick(.body, "body")
            case 6:
                pick(.prompt, "prompt") ?? pick(.prefix, "prefix") ?? pick(.suffix, "suffix") ?? pick(.method, "method")
            case 8: pick(.messages, "messages")
            case 9: pick(.customID, "custom_id")
            default: nil
            }
        guard let field else { return nil }
        self = field
    }
}

/// The members of one row, looked through once. Of members with one name the last counts, as for most readers.
struct RowFields {
    let members: [(key: JSONValue, value: JSONValue)]
    private var fields: [RowField?]
    private var positions = [Int](repeating: -1, count: RowField.allCases.count)

    init(_ root: JSONValue) {
        members = root.members
        fields = members.map { RowField($0.key) }
        for (index, field) in fields.enumerated() {
            if let field { positions[field.rawValue] = index }
        }
    }

    /// The field's value; nil when the row has none, or null.
    subscript(field: RowField) -> JSONValue? {
        let position = positions[field.rawValue]
        guard position >= 0 else { return nil }
        let value = members[position].value
        return value.kind == .null ? nil : value
    }

    /// The members but those named, as a JSON object in their order.
    func object(without used: [RowField]) -> [UInt8] {
        var object: [UInt8] = [UInt8(ascii: "{")]
        for (member, field) in zip(members, fields) {
            if let field, used.contains(field) { continue }
            if object.count > 1 { object.append(UInt8(ascii: ",")) }
            object += member.key.raw
            object.append(UInt8(ascii: ":"))
            object += member.value.raw
        }
        object.append(UInt8(ascii: "}"))
        return object
    }

    /// The names of the members, for a message.
    var names: String {
        let shown = members.prefix(RowFields.namesShownMax).map { $0.key.string ?? "" }
        return shown.joined(separator: ", ") + (members.count > shown.count ? ", ..." : "")
    }

    private static let namesShownMax = 20
}
