package import Dataset
package import JSONText

/// An exporter's view of a success: JSON tokens of the record as written, strings with their quotes.
package struct ExportedRecord {
    package let view: RecordView

    package init(_ root: JSONValue) { view = RecordView(root) }

    /// The JSON text `""`.
    package static let emptyString = AskedTurns.emptyText

    package var id: ArraySlice<UInt8> { view.token(.id) }
    package var sample: Int { view.integer(.sample) }
    package var response: ArraySlice<UInt8> { view.token(.response) }
    package var reasoning: ArraySlice<UInt8> { view.token(.reasoning) }
    package var finishReason: String { view.text(.finishReason) }
    package var model: ArraySlice<UInt8> { view.token(.model) }
    /// The JSON array of tool calls, empty if the model called none.
    package var toolCalls: [UInt8] { view.json(.toolCalls) }
    /// The JSON array of the offered tools, empty if there were none.
    package var tools: [UInt8] { view.json(.tools) }
    package var isAnswered: Bool { view.isAnswered }

    /// Length of the response in Unicode scalars, as Python counts it.
    package var responseCharacters: Int {
        (view.member(.response)?.stringBytes ?? []).reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
    }

    /// Whether the request was to fill in between a prefix and a suffix.
    package var isInfill: Bool { view.token(.suffix).count > 2 }

    /// Whether an unpaired surrogate was replaced in a text when the record was written.
    package var hasReplacedText: Bool {
        let marker = Array("_as_received".utf8)
        return view.json(.other).firstRange(of: marker) != nil
            || JSONString.hasLoneSurrogate(view.json(.messagesJSON)[...])
    }

    /// The turns of the prompt. A plain prompt counts as one user turn.
    package func turns(with parser: JSONParser) throws(LeftOut) -> [ExportedTurn] {
        if let json = view.turns {
            guard var messages = try? parser.parse(json).root.elements else { throw .notText }
            if let chat = try ExportedItems.chat(messages) { messages = (try? parser.parse(chat).root.elements) ?? [] }
            var turns: [ExportedTurn] = []
            for message in messages { turns.append(try ExportedTurn(message: message)) }
            return turns
        }
        if isInfill { throw .infill }
        guard let prompt = view.member(.prompt), prompt.kind == .string else { throw .notText }
        return [ExportedTurn(role: "user", text: prompt.raw)]
    }
}
