internal import Glibc
internal import JSONText

/// The members of one row, scanned once. Of several members with one name the last is used, as in most JSON parsers. An
/// object: it is passed on many times per row.
final class RowFields {
    /// A member as byte ranges of the row: trivial to copy, unlike a `JSONValue`, which counts two references.
    private struct Member {
        /// Includes the quotes.
        var key: Range<Int>
        var isKeyEscaped: Bool
        var value: Range<Int>
        var field: RowField?
    }

    private static let namesShownMax = 20

    private let text: [UInt8]
    private let values: [(key: JSONValue, value: JSONValue)]
    private let members: [Member]
    private var positions = InlineArray<40, Int>(repeating: -1)
    /// The fields that are present, including null ones.
    private(set) var present: RowFieldSet = []

    /// Whether the row is a record of a store.
    var isRecord = false
    /// For a record, the fields of the row that it came from.
    var original: JSONValue?

    /// `root` is the object that is all of `text`.
    init(_ root: JSONValue, in text: [UInt8]) {
        self.text = text
        let values = root.members
        self.values = values
        members = text.withUnsafeBufferPointer { bytes in
            values.map { key, value in
                let (range, isEscaped) = (key.range, key.isEscaped)
                let field = RowFields.field(range, isEscaped, in: bytes)
                return Member(key: range, isKeyEscaped: isEscaped, value: value.range, field: field)
            }
        }
        for (index, member) in members.enumerated() {
            guard let field = member.field else { continue }
            positions[field.rawValue] = index
            present.insert(RowFieldSet(field))
        }
    }

    /// The field's value; nil when the row has none, or null.
    subscript(field: RowField) -> JSONValue? {
        let position = positions[field.rawValue]
        guard position >= 0 else { return nil }
        let value = values[position].value
        return value.kind == .null ? nil : value
    }

    /// The value of the last member with that name. For a record, the original row's members are included.
    func value(named name: [UInt8]) -> JSONValue? {
        let own = ownValue(named: name)
        guard isRecord else { return own }
        if name.elementsEqual("finish".utf8), own == nil { return ownValue(named: Array("finish_reason".utf8)) }
        if name.elementsEqual("prompt".utf8), own?.rawStringContent?.isEmpty ?? true { return lastUserText ?? own }
        return own ?? original?.member(name)
    }

    /// The user's last message in a record's conversation.
    private var lastUserText: JSONValue? {
        let turns = self[.messages]?.elements ?? []
        return turns.last { $0["role"]?.rawStringContent?.elementsEqual("user".utf8) ?? false }?["content"]
    }

    private func ownValue(named name: [UInt8]) -> JSONValue? {
        let position = text.withUnsafeBufferPointer { bytes in
            members.lastIndex { RowFields.content($0.key, $0.isKeyEscaped, in: bytes, equals: name) }
        }
        return position.map { values[$0].value }
    }

    /// The members except those in `used`, as a JSON object in their order.
    func object(without used: RowFieldSet) -> [UInt8] {
        var object: [UInt8] = []
        object.reserveCapacity(2 + members.reduce(0) { $0 + $1.key.count + $1.value.count + 2 })
        object.append(UInt8(ascii: "{"))
        text.withUnsafeBufferPointer { bytes in
            for member in members {
                if let field = member.field, used.contains(RowFieldSet(field)) { continue }
                if object.count > 1 { object.append(UInt8(ascii: ",")) }
                object.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[member.key]))
                object.append(UInt8(ascii: ":"))
                object.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[member.value]))
            }
        }
        object.append(UInt8(ascii: "}"))
        return object
    }

    /// The member that contains a byte of the row.
    func member(at offset: Int) -> (name: String, field: RowField?)? {
        guard let index = members.firstIndex(where: { $0.value.contains(offset) }) else { return nil }
        return (values[index].key.string ?? "", members[index].field)
    }

    /// The fields that are present, for a message.
    var inventory: String {
        values.isEmpty ? "the row has no fields" : "the row has the fields \(names)"
    }

    /// All their names.
    var keys: [String] { values.compactMap { $0.key.string } }

    /// Maximum members of an object that wraps the rows.
    private static let wrapperMembersMax = 8

    /// What to do when none of the fields is a prompt.
    var adviceOnPrompt: String {
        // A file that is one object which wraps the rows.
        let list = values.first { one in
            one.value.kind == .array && one.value.firstElement?.kind == .object && one.key.string?.isPlainName == true
                && !RowField.allCases.contains { $0.name == one.key.string }
        }
        if let name = list?.key.string, values.count <= Self.wrapperMembersMax {
            return
                "If the rows are in \(name), take them out: jq -c '.\(name)[]' FILE > rows.jsonl. Otherwise a row has "
                + "messages, prompt, prefix and suffix, or conversations; or use --template."
        }
        let texts = values.filter { $0.value.kind == .string && $0.key.string?.isPlainName == true }
        let name = texts.compactMap(\.key.string).first { !$0.lowercased().hasSuffix("id") }
        return
            "Expected messages, prompt, prefix and suffix, conversations, or a custom_id with body or params; or use "
            + "--template" + (name.map { ": a file with the prompt's text, in which {{\($0)}} is a field." } ?? ".")
    }

    /// The first of the names.
    var names: String {
        if isRecord { return namesForRecord }
        let shown = values.prefix(RowFields.namesShownMax).map { $0.key.string ?? "" }
        return shown.joined(separator: ", ") + (values.count > shown.count ? ", ..." : "")
    }

    /// Members of a record that a template may use.
    private static let recordNames: Set<String> = [
        "id", "sample", "class", "messages", "response", "reasoning", "value", "error", "model", "usage", "metadata",
    ]

    private var namesForRecord: String {
        let own = values.compactMap { $0.key.string }.filter { Self.recordNames.contains($0) }
        let before = (original?.members ?? []).prefix(RowFields.namesShownMax).compactMap { $0.key.string }
        return (own + ["prompt", "finish"] + before).joined(separator: ", ")
    }

    private static func field(_ key: Range<Int>, _ isEscaped: Bool, in text: UnsafeBufferPointer<UInt8>) -> RowField? {
        func pick(_ field: RowField, _ name: StaticString) -> RowField? {
            memcmp(text.baseAddress! + key.lowerBound + 1, name.utf8Start, name.utf8CodeUnitCount) == 0 ? field : nil
        }
        if isEscaped {
            return RowField.allCases.first { content(key, isEscaped, in: text, equals: Array($0.name.utf8)) }
        }
        switch key.count - 2 {
        case 1: return pick(.n, "n")
        case 2: return pick(.id, "id")
        case 3: return pick(.uid, "uid") ?? pick(.url, "url") ?? pick(.row, "row")
        case 4: return pick(.body, "body") ?? pick(.stop, "stop") ?? pick(.seed, "seed")
        case 5: return pick(.model, "model") ?? pick(.tools, "tools") ?? pick(.topP, "top_p")
        case 6:
            return pick(.prompt, "prompt") ?? pick(.prefix, "prefix") ?? pick(.suffix, "suffix")
                ?? pick(.method, "method") ?? pick(.system, "system") ?? pick(.params, "params")
                ?? pick(.sample, "sample") ?? pick(.status, "status")
        case 8: return pick(.messages, "messages") ?? pick(.metadata, "metadata") ?? pick(.attempts, "attempts")
        case 9: return pick(.customID, "custom_id")
        case 10: return pick(.completion, "completion") ?? pick(.maxTokens, "max_tokens")
        case 11:
            return pick(.temperature, "temperature") ?? pick(.toolChoice, "tool_choice")
                ?? pick(.fingerprint, "fingerprint")
        case 12: return pick(.conversations, "conversation")
        case 13: return pick(.conversations, "conversations") ?? pick(.messagesJSON, "messages_json")
        case 15: return pick(.responseFormat, "response_format")
        case 16: return pick(.reasoningEffort, "reasoning_effort")
        case 19: return pick(.parallelToolCalls, "parallel_tool_calls")
        case 21: return pick(.maxCompletionTokens, "max_completion_tokens")
        default: return nil
        }
    }

    /// Whether a key decodes to `name`.
    private static func content(
        _ key: Range<Int>, _ isEscaped: Bool, in text: UnsafeBufferPointer<UInt8>, equals name: [UInt8]
    ) -> Bool {
        let content = key.lowerBound + 1..<key.upperBound - 1
        if isEscaped { return JSONString.unescape(Array(text[content])[...]) == name }
        return content.count == name.count && memcmp(text.baseAddress! + content.lowerBound, name, name.count) == 0
    }
}

extension String {
    /// Whether the name can be written in a template and in a command without quoting.
    fileprivate var isPlainName: Bool {
        !isEmpty && utf8.allSatisfy { $0 == 0x5F || $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }
    }
}
