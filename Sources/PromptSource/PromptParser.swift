public import Basics
internal import JSONText

/// Understands rows: checks them and finds what to ask. Its buffers are reused from row to row. Not thread-safe: one
/// parser a thread.
public final class PromptParser {
    private let input: InputSet
    private let template: Template?
    private let json = JSONParser()

    /// With a template every row is rendered by it, whatever fields it has; without, the row's fields decide.
    public init(_ input: InputSet, template: Template? = nil) {
        self.input = input
        self.template = template
    }

    /// Understands one row. Throws `.badInput` whose place is `file:line` or, where one byte is to blame,
    /// `file:line:column` (in bytes, 1-based) when the row could not be read, is not a JSON object, or has no legal
    /// prompt; the next row is not affected.
    public func parse(_ row: Row) throws(RetortError) -> PromptRow {
        switch row.content {
        case .bad(let bad): throw RetortError(.badInput, bad.reason, at: input.place(of: row, column: bad.column))
        case .json(let text):
            do {
                return try prompt(text)
            } catch {
                // The columns of a row that was made from CSV or text are not the file's.
                let isVerbatim = input.files[row.file].format == .jsonLines
                let column = isVerbatim ? error.offset.map { $0 + 1 } : nil
                throw RetortError(
                    .badInput, error.message, at: input.place(of: row, column: column), cause: error.cause,
                    remedy: error.remedy)
            }
        }
    }

    private func prompt(_ text: [UInt8]) throws(RowFault) -> PromptRow {
        let root: JSONValue
        do {
            root = try json.parse(text).root
        } catch {
            throw RowFault(error, in: text)
        }
        guard root.kind == .object else {
            throw RowFault(
                "the row is \(root.kindName), not a JSON object", at: root,
                remedy: root.kind == .array ? "If the file is one JSON array, make lines of it with jq -c '.[]'." : nil)
        }
        let fields = RowFields(root, in: text)
        let shape: PromptRow.Shape
        var used: RowFieldSet = []
        if let template {
            shape = try template.render(fields)
        } else {
            (shape, used) = try self.shape(fields)
        }
        let (id, idField) = try explicitID(fields, isBatch: used == .batch)
        return PromptRow(explicitID: id, shape: shape, metadata: fields.object(without: used.union(idField)))
    }

    /// What the row asks, and the fields that say so. The first that is there wins: body, messages, prompt, prefix.
    private func shape(_ fields: RowFields) throws(RowFault) -> (PromptRow.Shape, RowFieldSet) {
        if let body = fields[.body], fields[.customID] != nil {
            return (try batch(fields, body), .batch)
        }
        if let messages = fields[.messages] {
            try checkMessages(messages)
            return (.chat(messages: messages.raw), .messages)
        }
        if let prompt = fields[.prompt] {
            return (.prompt(try string(prompt, "prompt").raw), .prompt)
        }
        if let prefix = fields[.prefix], let suffix = fields[.suffix] {
            let fill = PromptRow.Shape.fill(
                prefix: try string(prefix, "prefix").raw, suffix: try string(suffix, "suffix").raw)
            return (fill, .fill)
        }
        throw RowFault(
            "no prompt", cause: fields.inventory,
            remedy: "Expected messages, prompt, prefix and suffix, or a custom_id with body; or use --template.")
    }

    /// An id as files can hold it that others read: half of a surrogate pair becomes U+FFFD and its number, so that two
    /// ids stay two.
    public static func readable(_ id: [UInt8]) -> [UInt8] {
        guard id.contains(0xED) else { return id }
        var readable: [UInt8] = []
        var at = 0
        while at < id.count {
            guard id[at] == 0xED, at + 2 < id.count, id[at + 1] >= 0xA0 else {
                readable.append(id[at])
                at += 1
                continue
            }
            let unit = 0xD000 | UInt16(id[at + 1] & 0x3F) << 6 | UInt16(id[at + 2] & 0x3F)
            readable += Array("\u{FFFD}\(String(unit, radix: 16))".utf8)
            at += 3
        }
        return readable
    }

    /// The first id that the row holds, decoded, and the field it stands in.
    private func explicitID(
        _ fields: RowFields, isBatch: Bool
    ) throws(RowFault) -> (id: [UInt8]?, field: RowFieldSet) {
        let candidates: InlineArray<3, RowField> = isBatch ? [.customID, .id, .uid] : [.id, .customID, .uid]
        for index in candidates.indices {
            let field = candidates[index]
            guard let value = fields[field] else { continue }
            let id: [UInt8]
            switch value.kind {
            case .string: id = Self.readable(value.stringBytes ?? [])
            case .number: id = Array(value.raw)
            default: throw RowFault("the row's id is \(value.kindName); expected a string or a number", at: value)
            }
            if id.isEmpty { continue }
            guard id.count <= PromptRow.idBytesMax else {
                throw RowFault("the row's id is longer than \(PromptRow.idBytesMax) bytes", at: value)
            }
            return (id, RowFieldSet(field))
        }
        return (nil, [])
    }
}
