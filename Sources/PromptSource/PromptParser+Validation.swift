internal import JSONText

extension PromptParser {
    /// A row of OpenAI's Batch format (https://platform.openai.com/docs/api-reference/batch).
    func batch(
        _ fields: RowFields, _ body: JSONValue, _ reading: inout RowReading
    ) throws(RowFault) -> PromptRow.Shape {
        guard body.kind == .object else { throw RowFault("body is \(body.kindName); expected an object", at: body) }
        if let method = fields[.method], method.string != "POST" {
            let found = method.string.map { "'\($0)'" } ?? method.kindName
            throw RowFault("method is \(found); only 'POST' can be sent", at: method)
        }
        var url: String?
        if let value = fields[.url] {
            url = try string(value, "url").string
            guard url?.hasPrefix("/") == true else {
                throw RowFault("url does not start with '/'; expected a path such as /v1/chat/completions", at: value)
            }
            guard url?.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) == true else {
                throw RowFault("url holds a space or a control character; expected a path such as /v1/x", at: value)
            }
        }
        try checkAnswersText(url, fields)
        if let count = body["n"] { try checkCount(count) }
        if let model = body["model"], model.kind != .null {
            guard model.kind == .string, model.rawStringContent?.isEmpty == false else {
                throw RowFault("body.model is \(model.kindName); expected a name", at: model)
            }
            reading.model = model.string
        }
        reading.completionTokensMax =
            (body["max_completion_tokens"] ?? body["max_tokens"] ?? body["max_output_tokens"])?.int
        reading.isBatch = true
        return .batch(url: url, body: body.raw)
    }

    /// Path endings of endpoints that do not return text.
    private static let otherAPIs = ["/embeddings", "/moderations", "/images/generations", "/audio/speech"]

    private func checkAnswersText(_ url: String?, _ fields: RowFields) throws(RowFault) {
        guard let url, let value = fields[.url], Self.otherAPIs.contains(where: { url.hasSuffix($0) }) else { return }
        throw RowFault(
            "a row for \(url) does not return text", at: value,
            remedy: "Rows can be sent to /v1/chat/completions, /v1/completions, /v1/responses and /v1/messages.")
    }

    /// Several answers to one request are not supported; each sample is a request of its own.
    func checkCount(_ count: JSONValue) throws(RowFault) {
        if count.kind == .null || count.integer == 1 { return }
        guard let number = count.integer, number > 1 else {
            throw RowFault("n is \(count.kind == .number ? "not a count" : count.kindName); expected 1", at: count)
        }
        throw RowFault(
            "the row requests \(number) answers at once (n)", at: count,
            remedy: "Leave n out and give --samples \(min(number, 10_000)): each sample is a request of its own.")
    }

    /// Checks for a non-empty array of objects, each with a role and, if present, valid content.
    func checkMessages(_ messages: JSONValue, _ name: String = "messages") throws(RowFault) {
        guard messages.kind == .array else {
            throw RowFault("\(name) is \(messages.kindName); expected an array", at: messages)
        }
        let elements = messages.elements
        if elements.isEmpty { throw RowFault("\(name) is empty; expected at least one message", at: messages) }
        for (index, message) in elements.enumerated() {
            guard message.kind == .object else {
                throw RowFault("\(name)[\(index)] is \(message.kindName); expected an object", at: message)
            }
            guard let role = message["role"] else { throw RowFault("\(name)[\(index)] has no role", at: message) }
            guard role.kind == .string, role.rawStringContent?.isEmpty == false else {
                throw RowFault(
                    "the role of \(name)[\(index)] is not a name; expected system, user, assistant or the like",
                    at: role)
            }
            // Content may be absent or null: an assistant's turn may hold only tool calls.
            guard let content = message["content"] else { continue }
            guard [.string, .array, .null].contains(content.kind) else {
                throw RowFault(
                    "the content of \(name)[\(index)] is \(content.kindName); expected a string, an array or null",
                    at: content)
            }
        }
    }

    func string(_ value: JSONValue, _ name: String) throws(RowFault) -> JSONValue {
        guard value.kind == .string else {
            throw RowFault("\(name) is \(value.kindName); expected a string", at: value)
        }
        return value
    }
}
