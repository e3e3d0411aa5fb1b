internal import JSONText

extension Template {
    /// Renders one row. Values are spliced in their escaped form, so nothing is decoded on the way.
    func render(_ fields: RowFields) throws(RowFault) -> PromptRow.Shape {
        var output: [UInt8] = []
        if let only = turns.first, only.role == nil {
            try render(only, fields, into: &output)
            return .prompt(output[...])
        }
        for turn in turns {
            output += (output.isEmpty ? #"[{"role":""# : #",{"role":""#).utf8
            output += (turn.role ?? "user").utf8
            output += #"","content":"#.utf8
            try render(turn, fields, into: &output)
            output.append(UInt8(ascii: "}"))
        }
        output.append(UInt8(ascii: "]"))
        return .chat(messages: output[...])
    }

    /// Appends the turn's text as a JSON string.
    private func render(
        _ turn: Turn, _ fields: RowFields, into output: inout [UInt8]
    ) throws(RowFault) {
        output.append(UInt8(ascii: "\""))
        for piece in turn.pieces {
            switch piece {
            case .literal(let text): output += text
            case .field(let name, let path):
                let value = try find(name, path, in: fields)
                if let content = value.rawStringContent {
                    output += content
                } else {
                    JSONString.appendContent(value.raw, to: &output)
                }
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// A member of an object, or of the object that a text holds: records keep their metadata so.
    private static func member(_ name: [UInt8], of value: JSONValue) -> JSONValue? {
        guard let text = value.rawStringContent, text.first == UInt8(ascii: "{"), let bytes = value.stringBytes else {
            return value.member(name)
        }
        return (try? JSONParser().parse(bytes))?.root.member(name)
    }

    /// The fields it names that a row does not have.
    func missing(in fields: RowFields) -> [String] {
        var names: [String] = []
        for turn in turns {
            for case .field(let name, let path) in turn.pieces where value(name, path, in: fields) == nil {
                let text = String(decoding: name, as: UTF8.self)
                if !names.contains(text) { names.append(text) }
            }
        }
        return names
    }

    private func value(_ name: [UInt8], _ path: [[UInt8]], in fields: RowFields) -> JSONValue? {
        var value = fields.value(named: name)
        if value == nil, path.count > 1 {
            value = fields.value(named: path[0])
            for part in path.dropFirst() { value = value.flatMap { Self.member(part, of: $0) } }
        }
        return value
    }

    private func find(
        _ name: [UInt8], _ path: [[UInt8]], in fields: RowFields
    ) throws(RowFault) -> JSONValue {
        let value = value(name, path, in: fields)
        let field = String(decoding: name, as: UTF8.self)
        guard let value else {
            throw RowFault(
                "the template's field '\(field)' is not in the row",
                cause: fields.inventory,
                remedy: "Add the field to the row, or correct the placeholder {{\(field)}}.")
        }
        if value.kind == .null {
            throw RowFault(
                "the template's field '\(field)' is null", at: value,
                remedy: "Give it a value; an empty string leaves its place empty.")
        }
        return value
    }
}
