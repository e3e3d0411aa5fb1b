import JSONText

/// One success as an exporter sees it: JSON tokens of the record as they were written, strings with their quotes.
struct ExportedRecord {
    let root: JSONValue

    init(_ root: JSONValue) { self.root = root }

    var view: RecordView { RecordView(root) }

    /// The JSON text `""`.
    static let emptyString: ArraySlice<UInt8> = [0x22, 0x22]

    var id: ArraySlice<UInt8> { string("id") }
    var sample: Int { root["sample"]?.int ?? 0 }
    var response: ArraySlice<UInt8> { string("response") }
    var reasoning: ArraySlice<UInt8> { string("reasoning") }
    var hasReasoning: Bool { reasoning.count > 2 }
    var finishReason: String { root["finish_reason"]?.string ?? "" }
    var model: ArraySlice<UInt8> { string("model") }
    /// The JSON array of tool calls, empty when the model called none.
    var toolCalls: [UInt8] { root["tool_calls"]?.stringBytes ?? [] }
    var isAnswered: Bool { response.count > 2 }

    /// Length of the response in Unicode scalars, as Python counts it.
    var responseCharacters: Int {
        (root["response"]?.stringBytes ?? []).reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
    }

    /// A member that is a string, as written; `""` when it is missing or something else.
    func string(_ name: StaticString) -> ArraySlice<UInt8> {
        guard let value = root[name], value.kind == .string else { return Self.emptyString }
        return value.raw
    }

    /// The turns that were asked; nil when the record is not a chat. A plain prompt counts as one user turn.
    var turns: [ExportedTurn]? {
        if let turns = view.turns {
            return (try? JSONParser().parse(turns).root.elements)?.map { ExportedTurn(message: $0) }
        }
        guard isInfill == false, let prompt = root["prompt"], prompt.kind == .string else { return nil }
        return [ExportedTurn(role: "user", text: prompt.raw)]
    }

    /// Whether a text between a prefix and a suffix was asked for.
    var isInfill: Bool { string("suffix").count > 2 }
}

/// One turn of a chat.
struct ExportedTurn {
    var role: String
    /// The content as one JSON string token; nil when it holds more than text.
    var text: ArraySlice<UInt8>?
    /// Whether the turn may be copied as it was written.
    var isPlain = false
    var raw: ArraySlice<UInt8> = []

    init(role: String, text: ArraySlice<UInt8>) {
        self.role = role
        self.text = text
    }

    init(message: JSONValue) {
        role = message["role"]?.string ?? ""
        raw = message.raw
        let content = message["content"]
        switch content?.kind {
        case .string:
            text = content!.raw
            isPlain = true
        case .array: text = Self.joined(content!.elements)
        case nil, .null: text = ExportedRecord.emptyString
        default: text = nil
        }
    }

    /// The text parts of a content array as one token; nil when there are images or other parts among them.
    private static func joined(_ parts: [JSONValue]) -> ArraySlice<UInt8>? {
        var token: [UInt8] = [0x22]
        for part in parts {
            guard let text = part["text"]?.rawStringContent, part["type"]?.string ?? "text" == "text" else {
                return nil
            }
            token.append(contentsOf: text)
        }
        token.append(0x22)
        return token[...]
    }
}
