internal import JSONText

extension Template {
    /// Renders one row. Values are spliced in their escaped form, so nothing is decoded on the way.
    func render(_ root: JSONValue, _ fields: RowFields) throws(RowFault) -> PromptRow.Shape {
        var output: [UInt8] = []
        if let only = turns.first, only.role == nil {
            try render(only, root, fields, into: &output)
            return .prompt(output[...])
        }
        for turn in turns {
            output += (output.isEmpty ? #"[{"role":""# : #",{"role":""#).utf8
            output += (turn.role ?? "user").utf8
            output += #"","content":"#.utf8
            try render(turn, root, fields, into: &output)
            output.append(UInt8(ascii: "}"))
        }
        output.append(UInt8(ascii: "]"))
        return .chat(messages: output[...])
    }

    /// Appends the turn's text as a JSON string.
    private func render(
        _ turn: Turn, _ root: JSONValue, _ fields: RowFields, into output: inout [UInt8]
    ) throws(RowFault) {
        output.append(UInt8(ascii: "\""))
        for piece in turn.pieces {
            switch piece {
            case .literal(let text): output += text
            case .field(let name, let path):
                let value = try find(name, path, root, fields)
                if let content = value.rawStringContent {
                    output += content
                } else {
                    JSONString.appendContent(value.raw, to: &output)
                }
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private func find(
        _ name: [UInt8], _ path: [[UInt8]], _ root: JSONValue, _ fields: RowFields
    ) throws(RowFault) -> JSONValue {
        var value = root.member(name)
        if value == nil, path.count > 1 {
            value = root
            for part in path { value = value?.member(part) }
        }
        let field = String(decoding: name, as: UTF8.self)
        guard let value else {
            throw RowFault(
                "the template's field '\(field)' is not in the row",
                cause: fields.members.isEmpty ? "the row has no fields" : "it has \(fields.names)",
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
