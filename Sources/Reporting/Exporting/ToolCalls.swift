import Dataset
package import JSONText

/// Function calls, in the forms of APIs and trainers.
package struct ToolCalls {
    private struct Call {
        /// JSON string tokens.
        var id: ArraySlice<UInt8>
        var name: ArraySlice<UInt8>
        /// The arguments as text, and as the JSON that the text represents.
        var arguments: ArraySlice<UInt8>
    }

    private let calls: [Call]

    /// From OpenAI's array, items of its Responses API, or Anthropic's `tool_use` blocks. Throws if one of them is
    /// another kind of call.
    package init(_ array: JSONValue) throws(LeftOut) {
        var calls: [Call] = []
        for call in array.elements {
            let function = call["function"] ?? call
            guard let name = function["name"], name.kind == .string, call["type"]?.string != "custom_tool_call" else {
                throw .otherCalls
            }
            // The id of an item is not the id that a result refers to.
            let id =
                (call["call_id"] ?? call["id"]).flatMap { $0.kind == .string ? $0.raw : nil } ?? AskedTurns.emptyText
            let given = function["arguments"] ?? function["input"]
            calls.append(Call(id: id, name: name.raw, arguments: Self.text(given)))
        }
        self.calls = calls
    }

    private static func text(_ arguments: JSONValue?) -> ArraySlice<UInt8> {
        guard let arguments, arguments.kind != .null else { return Array(#""{}""#.utf8)[...] }
        if arguments.kind == .string { return arguments.raw }
        return JSONLine.token(arguments.raw)[...]
    }

    /// OpenAI's form: `[{"id","type":"function","function":{"name","arguments"}}]`, with the arguments as text.
    package var openAI: [UInt8] {
        var list = JSONList()
        for call in calls {
            var function = JSONLine()
            function.member("name", call.name)
            function.member("arguments", call.arguments)
            var line = JSONLine()
            line.member("id", call.id)
            line.member("type", #""function""#)
            line.member("function", function.finished)
            list.append(line.finished[...])
        }
        return list.finished
    }

    /// The value of a `function_call` turn: JSON text of one call, or of a list of several, with the arguments as a
    /// value.
    package func shareGPT(with parser: JSONParser) -> [UInt8] {
        var list = JSONList()
        for call in calls {
            let text = JSONString.unescape(call.arguments.dropFirst().dropLast())
            var line = JSONLine()
            line.member("name", call.name)
            line.member("arguments", (try? parser.parse(text)) == nil ? call.arguments : text[...])
            list.append(line.finished[...])
        }
        let json = calls.count == 1 ? Array(list.finished.dropFirst().dropLast()) : list.finished
        return JSONLine.token(json)
    }
}
