import Dataset
package import JSONText

/// Members that only some turns or lines have.
package enum ExportColumn: Int, CaseIterable {
    case name, toolCalls, toolCallID, weight
    /// A member of the line.
    case tools

    package var key: String {
        switch self {
        case .name: "name"
        case .toolCalls: "tool_calls"
        case .toolCallID: "tool_call_id"
        case .weight: "weight"
        case .tools: "tools"
        }
    }

    package static let ofTurns: [ExportColumn] = [.name, .toolCalls, .toolCallID, .weight]
}

/// One turn of a chat, in JSON tokens.
package struct ExportedTurn {
    package var role: String
    /// The content as one string; text parts are joined.
    package var text: ArraySlice<UInt8>
    /// The original content, if it contains more than `text`; otherwise empty.
    package var exact: ArraySlice<UInt8> = []
    package var calls: ToolCalls?
    /// The values of `ExportColumn.ofTurns`, empty if there is none.
    package var members = [ArraySlice<UInt8>](repeating: [], count: ExportColumn.ofTurns.count)
    /// The reasoning in an assistant's turn.
    package var reasoning = AskedTurns.emptyText
    /// Names of members that no format supports and that are irrelevant for training.
    package var dropped: [String] = []

    package init(role: String, text: ArraySlice<UInt8>) {
        self.role = role
        self.text = text
    }

    package init(message: JSONValue) throws(LeftOut) {
        role = message["role"]?.string ?? ""
        text = AskedTurns.emptyText
        for (key, value) in message.members where !Self.isEmpty(value) {
            try take(key.string ?? "", value)
        }
    }

    private static func isEmpty(_ value: JSONValue) -> Bool {
        switch value.kind {
        case .null: true
        case .string, .array, .object: value.raw.count == 2
        default: false
        }
    }

    private mutating func take(_ name: String, _ value: JSONValue) throws(LeftOut) {
        switch name {
        case "role": break
        case "content":
            text = AskedTurns.text(value)
            if value.kind != .string, !Self.isTextOnly(value) { exact = value.raw }
        case "tool_calls":
            let calls = try ToolCalls(value)
            self.calls = calls
            members[ExportColumn.toolCalls.rawValue] = calls.openAI[...]
        case "name", "tool_call_id":
            guard value.kind == .string else { throw .otherParts }
            members[(name == "name" ? ExportColumn.name : .toolCallID).rawValue] = value.raw
        case "weight":
            guard let weight = value.int else { throw .otherParts }
            members[ExportColumn.weight.rawValue] = Array(String(weight).utf8)[...]
        case "reasoning_content", "reasoning", "thinking":
            if value.kind == .string { reasoning = value.raw } else { dropped.append(name) }
        case "function_call": throw .otherCalls
        case "refusal", "audio", "images": throw .otherParts
        default: dropped.append(name)
        }
    }

    private static func isTextOnly(_ content: JSONValue) -> Bool {
        content.kind == .array
            && content.elements.allSatisfy { part in
                part.kind == .string
                    || part["text"]?.kind == .string
                        && ["text", "input_text", "output_text"].contains(part["type"]?.string ?? "text")
            }
    }

    package func value(_ column: ExportColumn) -> ArraySlice<UInt8> { members[column.rawValue] }
}
