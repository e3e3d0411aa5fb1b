internal import JSONText

/// Joins the chunks of OpenAI's streams, chat and completions, for any number of choices.
struct ChunkAssembly {
    private var choices: [Choice] = []
    /// The position of each choice index in `choices`.
    private var places: [Int: Int] = [:]
    private var members = LastMembers()
    private(set) var isComplete = false

    mutating func add(_ root: JSONValue) {
        members.add(root, except: ["choices", "id", "object", "created"])
        root["choices"]?.forEachElement { choice in
            if choice.kind == .object { add(choice: choice) }
            return true
        }
    }

    private mutating func add(choice: JSONValue) {
        let index = choice["index"]?.int ?? 0
        let place = places[index] ?? choices.count
        if place == choices.count {
            places[index] = place
            choices.append(Choice(index: index))
        }
        choices[place].add(choice)
        if choice["finish_reason"]?.string(prefixBytesMax: 1)?.isEmpty == false { isComplete = true }
    }

    /// The whole answer; nil if there were no choices.
    var rendered: [UInt8]? {
        if choices.isEmpty { return nil }
        var composer = JSONComposer()
        composer.add("choices", list: choices.map(\.rendered))
        members.write(to: &composer)
        return composer.closed
    }

    private struct Choice {
        let index: Int
        private var text: [UInt8]?
        private var reasoning: [UInt8] = []
        private var refusal: [UInt8] = []
        private var parts: [ArraySlice<UInt8>] = []
        private var calls = CallAssembly()
        private var functionName: ArraySlice<UInt8> = []
        private var functionArguments: [UInt8]?
        private var pieces = PieceLists()
        private var members = LastMembers()
        private var logprobs: [PieceLists] = []

        init(index: Int) { self.index = index }

        mutating func add(_ choice: JSONValue) {
            members.add(choice, except: ["index", "delta", "message", "text", "logprobs"])
            Self.append(choice["text"]?.rawStringContent, to: &text)
            if let value = choice["logprobs"] { add(logprobs: value) }
            var hasReasoning = false
            (choice["delta"] ?? choice["message"])?.forEachMember { key, value in
                if value.kind == .null { return true }
                if ChatReader.reasoningPlaces.contains(key) {
                    // Servers with several names repeat the same text under each.
                    if !hasReasoning, !value.isBlank {
                        add(reasoning: value)
                        hasReasoning = true
                    }
                } else {
                    add(key, value)
                }
                return true
            }
        }

        private mutating func add(_ key: JSONValue, _ value: JSONValue) {
            if key.isText("content") {
                add(content: value)
            } else if key.isText("tool_calls") {
                calls.add(value)
            } else if key.isText("function_call"), value.kind == .object {
                if let name = value["name"]?.rawStringContent, !name.isEmpty { functionName = name }
                Self.append(value["arguments"]?.rawStringContent, to: &functionArguments)
            } else if key.isText("refusal") {
                refusal += value.rawStringContent ?? []
            } else if !key.isText("role") {
                pieces.add(key, value)
            }
        }

        private static func append(_ content: ArraySlice<UInt8>?, to text: inout [UInt8]?) {
            guard let content else { return }
            if text == nil { text = [] }
            text? += content
        }

        private mutating func add(content: JSONValue) {
            if content.kind == .string {
                Self.append(content.rawStringContent, to: &text)
                return
            }
            var found = ContentParts()
            found.read(content)
            if !found.text.isMissing { Self.append(found.text.raw.dropFirst().dropLast(), to: &text) }
            reasoning += found.reasoning.raw.dropFirst().dropLast()
            refusal += found.refusal.raw.dropFirst().dropLast()
            parts += found.others + found.calls
        }

        private mutating func add(reasoning value: JSONValue) {
            var found = JoinedText()
            if !ContentParts.addTexts(of: value, to: &found) { parts.append(value.raw) }
            reasoning += found.raw.dropFirst().dropLast()
        }

        private mutating func add(logprobs value: JSONValue) {
            if logprobs.isEmpty { logprobs.append(PieceLists()) }
            value.forEachMember { key, list in
                logprobs[0].add(key, list)
                return true
            }
        }

        var rendered: [UInt8] {
            var message = JSONComposer()
            let texts = text.map { [UInt8](#"{"type":"text","text":""#.utf8) + $0 + [UInt8](#""}"#.utf8) }
            if parts.isEmpty {
                if let text { message.add("content", content: text) }
            } else {
                message.add("content", list: (texts.map { [$0[...]] } ?? []) + parts)
            }
            if !reasoning.isEmpty { message.add("reasoning_content", content: reasoning) }
            if !refusal.isEmpty { message.add("refusal", content: refusal) }
            if let calls = calls.rendered { message.add("tool_calls", raw: calls) }
            if functionArguments != nil || !functionName.isEmpty {
                var call = JSONComposer()
                call.add("name", content: functionName)
                call.add("arguments", content: functionArguments ?? [])
                message.add("function_call", raw: call.closed)
            }
            pieces.write(to: &message)
            var choice = JSONComposer()
            choice.add("index", raw: String(index).utf8)
            choice.add("message", raw: message.closed)
            if let lists = logprobs.first {
                var object = JSONComposer()
                lists.write(to: &object)
                choice.add("logprobs", raw: object.closed)
            }
            members.write(to: &choice)
            return choice.closed
        }
    }
}

/// Joins the pieces of tool calls.
struct CallAssembly {
    private struct Call {
        var id: ArraySlice<UInt8> = []
        var name: ArraySlice<UInt8> = []
        var arguments: [UInt8] = []
        var members = LastMembers()
    }

    private var calls: [Call] = []
    /// The position of each call index in `calls`.
    private var places: [Int: Int] = [:]

    mutating func add(_ list: JSONValue) {
        list.forEachElement { piece in
            if piece.kind == .object { add(piece: piece) }
            return true
        }
    }

    private mutating func add(piece: JSONValue) {
        let id = piece["id"]?.rawStringContent ?? []
        let place = place(of: piece["index"]?.int, id)
        let function = piece["function"]
        if !id.isEmpty { calls[place].id = id }
        if let name = function?["name"]?.rawStringContent, !name.isEmpty { calls[place].name = name }
        if let arguments = function?["arguments"] {
            if let text = arguments.rawStringContent {
                calls[place].arguments += text
            } else if !arguments.isBlank {
                // Arguments that are an object become its text, as in OpenAI's form.
                JSONString.appendContent(arguments.raw, to: &calls[place].arguments)
            }
        }
        calls[place].members.add(piece, except: ["index", "id", "type", "function"])
    }

    /// If servers give no index, or the same one for every call, a new call is recognised by its id.
    private mutating func place(of index: Int?, _ id: ArraySlice<UInt8>) -> Int {
        let known = index.map { places[$0] } ?? (id.isEmpty && !calls.isEmpty ? calls.count - 1 : nil)
        if let known, id.isEmpty || calls[known].id.isEmpty || calls[known].id == id { return known }
        calls.append(Call())
        if let index { places[index] = calls.count - 1 }
        return calls.count - 1
    }

    var rendered: [UInt8]? {
        if calls.isEmpty { return nil }
        var output: [UInt8] = [UInt8(ascii: "[")]
        for (index, call) in calls.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            var function = JSONComposer()
            function.add("name", content: call.name)
            function.add("arguments", content: call.arguments)
            var composer = JSONComposer()
            composer.add("index", raw: String(index).utf8)
            composer.add("id", content: call.id)
            composer.add("type", content: "function".utf8)
            composer.add("function", raw: function.closed)
            call.members.write(to: &composer)
            output += composer.closed
        }
        return output + [UInt8(ascii: "]")]
    }
}
