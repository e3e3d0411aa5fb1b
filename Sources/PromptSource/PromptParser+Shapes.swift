internal import JSONText

extension PromptParser {
    /// The messages of a row: an array, or a text that holds one, as in a column of a table. Nil if the row has none.
    func messages(_ fields: RowFields, _ reading: RowReading) throws(RowFault) -> ArraySlice<UInt8>? {
        // A record always has every member; the one that is not null is the prompt.
        if reading.isRecord {
            if let exact = fields[.messagesJSON], exact.rawStringContent?.isEmpty == false {
                return try array(of: exact, "messages_json")
            }
            if fields[.prompt]?.rawStringContent?.isEmpty == false { return nil }
        }
        guard let messages = fields[.messages] else { return nil }
        guard messages.kind == .string else {
            try checkMessages(messages)
            return messages.raw
        }
        if isOfTexts, messages.rawStringContent?.isEmpty == true { return nil }
        return try array(of: messages, "messages")
    }

    /// Parses messages from a text.
    private func array(of text: JSONValue, _ name: String) throws(RowFault) -> ArraySlice<UInt8> {
        guard let bytes = text.stringBytes, let root = try? json.parse(bytes).root, root.kind == .array else {
            throw RowFault(
                "\(name) is a text that is not a JSON array of messages", at: text,
                remedy: "Write it as JSON (json.dumps in Python): [{\"role\": \"user\", \"content\": \"...\"}].")
        }
        do {
            try checkMessages(root, name)
        } catch {
            // Offsets within the text are not offsets in the row.
            throw RowFault(error.message, at: text, remedy: error.remedy)
        }
        return ArrayText.onOneLine(Array(root.raw))[...]
    }

    // MARK: ShareGPT

    private static let roles: [String: String] = [
        "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant",
        "chatgpt": "assistant", "bot": "assistant", "system": "system",
    ]

    /// The turns of a ShareGPT conversation (`from` and `value`) up to the user's last turn. The turns after it are the
    /// answer to generate.
    func turns(of value: JSONValue, _ reading: inout RowReading) throws(RowFault) -> ArraySlice<UInt8> {
        var conversation = value
        if value.kind == .string, let bytes = value.stringBytes, let root = try? json.parse(bytes).root {
            conversation = root
        }
        guard conversation.kind == .array, !conversation.elements.isEmpty else {
            throw RowFault("conversations is \(conversation.kindName); expected an array of turns", at: value)
        }
        var output = Array("[".utf8)
        // Where the last turn of the user ends.
        var end = 0
        var count = 0
        for (index, turn) in conversation.elements.enumerated() {
            let place = value.kind == .string ? value : turn
            guard let from = turn["from"] ?? turn["role"], let name = from.string else {
                throw RowFault("conversations[\(index)] does not say from whom it is", at: place)
            }
            guard let role = Self.roles[name.lowercased()] else {
                throw RowFault(
                    "conversations[\(index)] is from '\(name)'; expected human, gpt or system", at: place,
                    remedy: "Write turns of tools as messages with tool_calls and tool_call_id.")
            }
            guard let text = turn["value"] ?? turn["content"], text.kind == .string else {
                throw RowFault("conversations[\(index)] has no text", at: place)
            }
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            output += #"{"role":"\#(role)","content":"#.utf8
            output += text.raw
            output.append(UInt8(ascii: "}"))
            count += 1
            if role == "user" { (end, count) = (output.count, 0) }
        }
        guard end > 0 else { throw RowFault("conversations holds no turn of the user", at: value) }
        // If turns are dropped, the metadata keeps the whole conversation.
        if count > 0 { reading.remarks.insert(.answerLeftOut) } else { reading.used = RowFieldSet(.conversations) }
        reading.sent.insert(RowFieldSet(.conversations))
        return (output[..<end] + [UInt8(ascii: "]")])[...]
    }

    // MARK: Records of a store

    /// A record's conversation with its answer, followed by the template's turns.
    func continued(
        _ rendered: PromptRow.Shape, _ fields: RowFields, _ reading: RowReading
    ) throws(RowFault) -> PromptRow.Shape {
        guard fields.isRecord else {
            throw RowFault(
                "the row is not a record of a store, so there is no answer to continue",
                remedy: "Name a store as the input, or leave --continue out.")
        }
        guard let response = fields.value(named: Array("response".utf8)), response.kind == .string else {
            throw RowFault("the item has failed, so there is no answer to continue")
        }
        if fields.value(named: Array("tool_calls".utf8))?.rawStringContent?.isEmpty == false {
            throw RowFault("the answer calls tools: the conversation can only continue with their results")
        }
        var output: [UInt8]
        if let messages = try messages(fields, reading) {
            output = Array(messages.dropLast())
        } else {
            output = Array(#"[{"role":"user","content":"#.utf8) + (fields[.prompt]?.raw ?? [0x22, 0x22])
            output.append(UInt8(ascii: "}"))
        }
        output += #",{"role":"assistant","content":"#.utf8
        output += response.raw
        switch rendered {
        case .chat(let turns):
            output += "},".utf8
            output += turns.dropFirst()
        case .prompt(let text):
            output += #"},{"role":"user","content":"#.utf8
            output += text
            output += "}]".utf8
        case .fill, .batch: return rendered
        }
        return .chat(messages: output[...])
    }

    /// Whether the row is a record that a run wrote.
    func isRecord(_ fields: RowFields) -> Bool {
        guard fields.present.isSuperset(of: .record) else { return false }
        return fields[.fingerprint]?.rawStringContent?.count == 16 && fields[.sample]?.int != nil
            && fields[.attempts]?.int != nil && fields[.row]?.int != nil && fields[.status]?.kind == .string
    }

    /// A record's own metadata: an object, or a text that holds one.
    func recordMetadata(_ fields: RowFields) -> [UInt8] {
        guard let metadata = fields[.metadata] else { return Array("{}".utf8) }
        if metadata.kind == .object { return Array(metadata.raw) }
        guard let bytes = metadata.stringBytes, let root = try? json.parse(bytes).root, root.kind == .object else {
            return Array("{}".utf8)
        }
        return ArrayText.onOneLine(Array(root.raw))
    }
}
