internal import JSONText

extension PromptParser {
    /// The messages of a row, as an array or as the text of one, which is how a column of a table holds them. Nil where
    /// the row has none.
    func messages(_ fields: RowFields, _ reading: RowReading) throws(RowFault) -> ArraySlice<UInt8>? {
        // Records have every member: which of them hold something tells what was asked.
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

    /// Messages that a text holds.
    private func array(of text: JSONValue, _ name: String) throws(RowFault) -> ArraySlice<UInt8> {
        guard let bytes = text.stringBytes, let root = try? json.parse(bytes).root, root.kind == .array else {
            throw RowFault(
                "\(name) is a text that is not a JSON array of messages", at: text,
                remedy: "Write it as JSON (json.dumps in Python): [{\"role\": \"user\", \"content\": \"...\"}].")
        }
        do {
            try checkMessages(root, name)
        } catch {
            // Offsets within the text are not the row's.
            throw RowFault(error.message, at: text, remedy: error.remedy)
        }
        return ArrayText.onOneLine(Array(root.raw))[...]
    }

    // MARK: ShareGPT

    private static let roles: [String: String] = [
        "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant",
        "chatgpt": "assistant", "bot": "assistant", "system": "system",
    ]

    /// The turns of a ShareGPT conversation (`from` and `value`) up to the last one of the user: what follows is the
    /// answer that is asked for.
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
        // The whole conversation stays in the metadata where a part of it is not sent.
        if count > 0 { reading.remarks.insert(.answerLeftOut) } else { reading.used = RowFieldSet(.conversations) }
        reading.sent.insert(RowFieldSet(.conversations))
        return (output[..<end] + [UInt8(ascii: "]")])[...]
    }

    // MARK: Records of a store

    /// The conversation of a record with its answer, and the turns that a template has made of it.
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
            throw RowFault("the answer calls tools: a conversation goes on from there with their results")
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

    /// Whether the row is a record that a run has written.
    func isRecord(_ fields: RowFields) -> Bool {
        guard fields.present.isSuperset(of: .record) else { return false }
        return fields[.fingerprint]?.rawStringContent?.count == 16 && fields[.sample]?.int != nil
            && fields[.attempts]?.int != nil && fields[.row]?.int != nil && fields[.status]?.kind == .string
    }

    /// A record's own metadata, an object or the text of one.
    func recordMetadata(_ fields: RowFields) -> [UInt8] {
        guard let metadata = fields[.metadata] else { return Array("{}".utf8) }
        if metadata.kind == .object { return Array(metadata.raw) }
        guard let bytes = metadata.stringBytes, let root = try? json.parse(bytes).root, root.kind == .object else {
            return Array("{}".utf8)
        }
        return ArrayText.onOneLine(Array(root.raw))
    }
}
