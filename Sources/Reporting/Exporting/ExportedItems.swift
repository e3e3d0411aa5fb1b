import Dataset
package import JSONText

/// Converts items of OpenAI's Responses API to turns and tools of a chat, for batch rows in that form.
package struct ExportedItems {
    private var turns = JSONList()
    /// The assistant's turn to which calls may be added.
    private var open: Turn?

    private struct Turn {
        var content = JSONLine.null[...]
        var reasoning: ArraySlice<UInt8> = []
        var calls: [[UInt8]] = []
    }

    /// The turns of a chat, a JSON array; nil if these are turns already. Throws for items that are neither messages
    /// nor function calls.
    package static func chat(_ items: [JSONValue]) throws(LeftOut) -> [UInt8]? {
        guard items.contains(where: isItem) else { return nil }
        var chat = ExportedItems()
        for item in items { try chat.append(item) }
        chat.close()
        return chat.turns.finished
    }

    private static func isItem(_ turn: JSONValue) -> Bool {
        if turn["role"] == nil { return turn["type"]?.kind == .string }
        guard let content = turn["content"], content.kind == .array else { return false }
        return content.elements.contains {
            ["input_text", "input_image", "output_text"].contains($0["type"]?.string ?? "")
        }
    }

    private mutating func append(_ item: JSONValue) throws(LeftOut) {
        if item["role"]?.kind == .string { return try append(message: item) }
        switch item["type"]?.string ?? "" {
        case "function_call":
            var turn = open ?? Turn()
            turn.calls.append(try Self.call(item))
            open = turn
        case "function_call_output":
            close()
            var line = JSONLine()
            line.member("role", #""tool""#)
            line.member("tool_call_id", item["call_id"]?.raw ?? AskedTurns.emptyText)
            line.member("content", try Self.content(item["output"]))
            turns.append(line.finished[...])
        case "reasoning":
            close()
            let text = AskedTurns.text(item["summary"])
            if text.count > 2 { open = Turn(reasoning: text) }
        default: throw .otherCalls
        }
    }

    private mutating func append(message: JSONValue) throws(LeftOut) {
        let content = try Self.content(message["content"])
        guard message["role"]?.string == "assistant" else {
            close()
            var line = JSONLine()
            line.member("role", message["role"]?.raw ?? AskedTurns.emptyText)
            line.member("content", content)
            return turns.append(line.finished[...])
        }
        let isOnlyThought = open.map { $0.calls.isEmpty && $0.content.elementsEqual(JSONLine.null) } ?? false
        if !isOnlyThought { close() }
        open = Turn(content: content, reasoning: open?.reasoning ?? [])
    }

    private mutating func close() {
        guard let turn = open else { return }
        open = nil
        var line = JSONLine()
        line.member("role", #""assistant""#)
        line.member("content", turn.content)
        if !turn.reasoning.isEmpty { line.member("reasoning_content", turn.reasoning) }
        if !turn.calls.isEmpty { line.member("tool_calls", Self.list(turn.calls)) }
        turns.append(line.finished[...])
    }

    private static func list(_ values: [[UInt8]]) -> [UInt8] {
        var list = JSONList()
        for value in values { list.append(value[...]) }
        return list.finished
    }

    private static func call(_ item: JSONValue) throws(LeftOut) -> [UInt8] {
        guard let name = item["name"], name.kind == .string else { throw .otherCalls }
        var function = JSONLine()
        function.member("name", name.raw)
        function.member("arguments", item["arguments"]?.raw ?? Array(#""{}""#.utf8)[...])
        var line = JSONLine()
        line.member("id", item["call_id"]?.raw ?? AskedTurns.emptyText)
        line.member("type", #""function""#)
        line.member("function", function.finished)
        return line.finished
    }

    private static func content(_ content: JSONValue?) throws(LeftOut) -> ArraySlice<UInt8> {
        guard let content, content.kind == .array else { return content?.raw ?? JSONLine.null[...] }
        var parts = JSONList()
        for part in content.elements {
            var line = JSONLine()
            switch part["type"]?.string ?? "" {
            case "input_text", "output_text", "text":
                line.member("type", #""text""#)
                line.member("text", part["text"]?.raw ?? AskedTurns.emptyText)
            case "input_image":
                guard let url = part["image_url"], url.kind == .string else { throw .otherParts }
                var image = JSONLine()
                image.member("url", url.raw)
                if let detail = part["detail"], detail.kind == .string { image.member("detail", detail.raw) }
                line.member("type", #""image_url""#)
                line.member("image_url", image.finished)
            default: throw .otherParts
            }
            parts.append(line.finished[...])
        }
        return parts.finished[...]
    }

    /// Tools in the form of the chat API: the members of a flat function move into `function`.
    package static func chatTools(_ tools: ArraySlice<UInt8>, with parser: JSONParser) -> ArraySlice<UInt8> {
        guard let root = try? parser.parse(tools).root, root.elements.contains(where: isFlat) else { return tools }
        var list = JSONList()
        for tool in root.elements {
            guard isFlat(tool) else {
                list.append(tool.raw)
                continue
            }
            var function = JSONLine()
            for (key, value) in tool.members where key.string != "type" { function.member(key.string ?? "", value.raw) }
            var line = JSONLine()
            line.member("type", #""function""#)
            line.member("function", function.finished)
            list.append(line.finished[...])
        }
        return list.finished[...]
    }

    private static func isFlat(_ tool: JSONValue) -> Bool {
        tool["type"]?.string == "function" && tool["function"] == nil && tool["name"]?.kind == .string
    }
}
