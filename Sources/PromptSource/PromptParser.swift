public import Basics
internal import JSONText

/// Parses rows: checks each row and finds its prompt. Its buffers are reused from row to row. Not thread-safe: use one
/// parser per thread.
public final class PromptParser {
    private let input: InputSet
    let template: Template?
    /// Fields that are never sent.
    let metadataOnly: RowFieldSet
    /// Whether a row's own members are sent. Earlier versions kept them only as metadata.
    let sendsMembers: Bool
    /// The fields with the text before and after a gap; nil: `prefix` and `suffix`, if the row has both.
    private let fillKeys: FillKeys?
    let json = JSONParser()
    /// Whether rows may share requests. A template with `{{#items}}` is then rendered once per request, from all its
    /// rows.
    private let sharesRequests: Bool
    /// Whether a template's turns follow the conversation of a record, its answer included.
    let continues: Bool
    /// The id that the reader assigned to the current row, if it is a record of a store.
    var givenID: [UInt8]?
    /// Whether the current row comes from a table or a text file, so that all its values are texts.
    var isOfTexts = false

    /// The fields that hold the text around a gap to fill.
    public struct FillKeys: Sendable, Hashable {
        public var prefix: String
        /// If the field is missing, null or empty, the model continues the prefix.
        public var suffix: String

        public init(prefix: String, suffix: String) { (self.prefix, self.suffix) = (prefix, suffix) }
    }

    /// If `template` is set, it renders every row, whatever fields the row has; else the row's fields are the prompt.
    /// With `continues`, the template's turns follow the conversation of each row, which must be a record with an
    /// answer. `metadataOnly` lists members of `PromptRow.memberNames` that are kept as labels and not sent.
    public init(
        _ input: InputSet, template: Template? = nil, metadataOnly: [String] = [], sendsMembers: Bool = true,
        continues: Bool = false, fillKeys: FillKeys? = nil, sharesRequests: Bool = false
    ) {
        self.sharesRequests = sharesRequests
        self.continues = continues
        self.input = input
        self.template = template
        self.fillKeys = fillKeys
        self.metadataOnly = RowFieldSet(RowField.allCases.filter { metadataOnly.contains($0.name) })
        self.sendsMembers = sendsMembers
    }

    /// Parses one row. Throws `.badInput` when the row could not be read, is not a JSON object, or has no valid prompt.
    /// The error's place is `file:line`, or `file:line:column` (in bytes, 1-based) if a single byte is wrong. The next
    /// row is not affected.
    public func parse(_ row: Row) throws(RetortError) -> PromptRow {
        switch row.content {
        case .bad(let bad): throw RetortError(.badInput, bad.reason, at: input.place(of: row, column: bad.column))
        case .json(let text):
            let format = input.files[row.file].format
            isOfTexts = format != .jsonLines
            givenID = row.id
            do {
                return try prompt(row.column == 0 ? text : ArrayText.onOneLine(text))
            } catch {
                // A row from CSV or text has no columns that correspond to the file's.
                throw RetortError(
                    .badInput, error.message, at: input.place(of: row, offset: isOfTexts ? nil : error.offset),
                    cause: error.cause, remedy: error.remedy)
            }
        }
    }

    /// The template's fields that a row lacks, and those that it has. Nil without a template, and for a row that is not
    /// a JSON object.
    public func missingFields(of row: Row) -> (missing: [String], present: String)? {
        guard let template, let fields = fields(of: row) else { return nil }
        return (template.missing(in: fields).filter { !isOfItems($0) }, fields.names)
    }

    /// All fields that the template names: those that a row lacks, and those that it has. Nil without a template, and
    /// for a row that is not JSON.
    public func templateFields(of row: Row) -> (absent: [String], present: [String])? {
        guard let template, let fields = fields(of: row) else { return nil }
        return (template.absent(in: fields).filter { !isOfItems($0) }, fields.keys)
    }

    /// Whether a field is generated from the rows that share a request instead of read from one row.
    private func isOfItems(_ field: String) -> Bool {
        sharesRequests && template?.loopsOverItems == true && (field == ItemsText.items || field == ItemsText.count)
    }

    private func fields(of row: Row) -> RowFields? {
        guard case .json(let text) = row.content else { return nil }
        var parsed = text
        if let finite = FiniteText(text) { parsed = finite.text }
        guard let root = try? json.parse(parsed).root, root.kind == .object else { return nil }
        givenID = row.id
        return fields(root, in: parsed)
    }

    private func prompt(_ text: [UInt8]) throws(RowFault) -> PromptRow {
        let root: JSONValue
        do {
            root = try json.parse(text).root
        } catch {
            if let finite = FiniteText(text) { return try prompt(finite) }
            throw RowFault(error, in: text)
        }
        return try understood(try object(root), in: text, nonFinite: [])
    }

    /// Parses a row that contains NaN or Infinity, which JSON does not allow: null in the metadata, a fault elsewhere.
    private func prompt(_ finite: FiniteText) throws(RowFault) -> PromptRow {
        do throws(RowFault) {
            let root: JSONValue
            do throws(JSONError) {
                root = try json.parse(finite.text).root
            } catch {
                throw RowFault(error, in: finite.text)
            }
            return try understood(try object(root), in: finite.text, nonFinite: finite.places)
        } catch {
            var error = error
            error.offset = error.offset.map(finite.original)
            throw error
        }
    }

    private func object(_ root: JSONValue) throws(RowFault) -> JSONValue {
        guard root.kind == .object else {
            throw RowFault(
                "the row is \(root.kindName), not a JSON object", at: root,
                remedy: root.kind == .string
                    ? "Write {\"prompt\": \"...\"}, or a file in .txt with one prompt a line."
                    : "Write each row as an object: {\"prompt\": \"...\"}.")
        }
        return root
    }

    private func understood(
        _ root: JSONValue, in text: [UInt8], nonFinite: [Int]
    ) throws(RowFault) -> PromptRow {
        let fields = fields(root, in: text)
        var reading = RowReading(isRecord: fields.isRecord)
        if let template {
            let rendered =
                sharesRequests && template.loopsOverItems
                ? try self.rendered(ItemsText.object(of: [text], count: 1, with: json)) : try template.render(fields)
            reading.shape = continues ? try continued(rendered, fields, reading) : rendered
            if givenID != nil { reading.remarks.remove(.isRecord) }
        } else if let fillKeys {
            try readGap(fields, fillKeys, &reading)
        } else {
            try readShape(fields, &reading)
        }
        if sendsMembers {
            try readMembers(fields, &reading)
        } else if !reading.isBatch, !reading.isRecord,
            !fields.present.intersection(.wishes).subtracting(metadataOnly).isEmpty
        {
            reading.remarks.insert(.membersLeftOut)
        }
        for place in nonFinite { try checkNonFinite(at: place, fields, reading) }
        guard let shape = reading.shape else { throw RowFault("no prompt", cause: fields.inventory) }
        let (id, idField) = try explicitID(fields, reading)
        let metadata = reading.isRecord ? recordMetadata(fields) : fields.object(without: reading.used.union(idField))
        var row = PromptRow(
            explicitID: id, shape: shape, metadata: metadata, members: reading.members, model: reading.model,
            completionTokensMax: reading.completionTokensMax, remarks: reading.remarks)
        if sharesRequests { row.text = text }
        return row
    }

    private func checkNonFinite(at place: Int, _ fields: RowFields, _ reading: RowReading) throws(RowFault) {
        guard let member = fields.member(at: place) else { return }
        let wishes = sendsMembers && !reading.isRecord ? RowFieldSet.wishes.subtracting(metadataOnly) : []
        let used = reading.used.union(reading.sent).union(reading.isBatch ? [] : wishes)
        let isUsed = member.field.map { used.contains($0) } ?? false
        guard isUsed || template?.names(member.name) == true else { return }
        throw RowFault(
            "\(member.name) holds NaN or Infinity, which JSON does not have", at: place,
            remedy: "Leave it out, or write a number.")
    }

    /// The row's prompt and the fields that hold it. The first of these that is present is used: body, messages,
    /// conversations, prompt, prefix.
    private func readShape(_ fields: RowFields, _ reading: inout RowReading) throws(RowFault) {
        if fields[.customID] != nil, let body = fields[.body] {
            reading.shape = try batch(fields, body, &reading)
            reading.used = .batch
        } else if fields[.customID] != nil, let params = fields[.params], params.kind == .object {
            reading.shape = .batch(url: "/v1/messages", body: params.raw)
            reading.model = params["model"]?.string
            reading.completionTokensMax = params["max_tokens"]?.int
            (reading.used, reading.isBatch) = (.anthropicBatch, true)
        } else if let messages = try messages(fields, reading) {
            reading.shape = .chat(messages: messages)
            reading.used = .messages
        } else if let conversations = fields[.conversations] {
            reading.shape = .chat(messages: try turns(of: conversations, &reading))
        } else if let prompt = fields[.prompt] {
            try readPrompt(prompt, fields, &reading)
        } else if let prefix = fields[.prefix], let suffix = fields[.suffix] {
            reading.shape = .fill(
                prefix: try string(prefix, "prefix").raw, suffix: try string(suffix, "suffix").raw)
            reading.used = .fill
        } else {
            throw RowFault("no prompt", cause: fields.inventory, remedy: fields.adviceOnPrompt)
        }
    }

    /// The text around a gap. Its fields also stay in the metadata unless they have the standard names.
    private func readGap(_ fields: RowFields, _ keys: FillKeys, _ reading: inout RowReading) throws(RowFault) {
        guard let prefix = fields.value(named: Array(keys.prefix.utf8)), prefix.kind != .null else {
            throw RowFault(
                "the row has no \(keys.prefix)", cause: fields.inventory,
                remedy: "Name the field before the gap with --prefix-key.")
        }
        if keys.prefix == "prefix" { reading.used.insert(RowFieldSet(.prefix)) }
        if keys.suffix == "suffix" { reading.used.insert(RowFieldSet(.suffix)) }
        let before = try string(prefix, keys.prefix).raw
        guard let suffix = fields.value(named: Array(keys.suffix.utf8)), suffix.kind != .null,
            try string(suffix, keys.suffix).rawStringContent?.isEmpty == false
        else {
            reading.shape = .prompt(before)
            return
        }
        reading.shape = .fill(prefix: before, suffix: suffix.raw)
    }

    private func readPrompt(
        _ prompt: JSONValue, _ fields: RowFields, _ reading: inout RowReading
    ) throws(RowFault) {
        reading.used = .prompt
        if fields[.completion] != nil { reading.remarks.insert(.completionLeftOut) }
        if prompt.kind == .array {
            try checkMessages(prompt, "prompt")
            reading.shape = .chat(messages: prompt.raw)
            return
        }
        let prompt = try string(prompt, "prompt").raw
        guard sendsMembers, !metadataOnly.contains(.suffix), let suffix = fields[.suffix],
            try string(suffix, "suffix").rawStringContent?.isEmpty == false
        else {
            reading.shape = .prompt(prompt)
            return
        }
        reading.shape = .fill(prefix: prompt, suffix: suffix.raw)
        reading.used.insert(RowFieldSet(.suffix))
    }

    /// The row's members; for a record also those of its original row.
    private func fields(_ root: JSONValue, in text: [UInt8]) -> RowFields {
        let fields = RowFields(root, in: text)
        guard givenID != nil || isRecord(fields) else { return fields }
        fields.isRecord = true
        if template != nil { fields.original = try? json.parse(recordMetadata(fields)).root }
        return fields
    }

    /// The first id of the row, decoded, and its field.
    private func explicitID(
        _ fields: RowFields, _ reading: RowReading
    ) throws(RowFault) -> (id: [UInt8]?, field: RowFieldSet) {
        if let givenID { return (givenID, RowFieldSet(.id)) }
        let candidates: InlineArray<3, RowField> =
            reading.isBatch ? [.customID, .id, .uid] : [.id, .customID, .uid]
        for index in candidates.indices {
            let field = candidates[index]
            guard let value = fields[field] else { continue }
            var id: [UInt8]
            switch value.kind {
            case .string: id = ReadableID.bytes(of: value.stringBytes ?? [])
            case .number: id = Array(value.raw)
            default: throw RowFault("the row's id is \(value.kindName); expected a string or a number", at: value)
            }
            if id.isEmpty { continue }
            if reading.isRecord, let sample = fields[.sample]?.int, sample > 0 { id += "#\(sample)".utf8 }
            guard id.count <= PromptRow.idBytesMax else {
                throw RowFault("the row's id is longer than \(PromptRow.idBytesMax) bytes", at: value)
            }
            return (id, RowFieldSet(field))
        }
        return (nil, [])
    }
}

/// What has been parsed of a row so far.
struct RowReading {
    var isRecord = false
    var isBatch = false
    var shape: PromptRow.Shape?
    /// Fields used by the prompt; the others become metadata.
    var used: RowFieldSet = []
    /// Fields that are sent beside the prompt and also kept as metadata.
    var sent: RowFieldSet = []
    var members: [PromptRow.Member] = []
    var model: String?
    var completionTokensMax: Int?
    var remarks: PromptRow.Remarks = []

    init(isRecord: Bool) {
        self.isRecord = isRecord
        if isRecord { remarks = .isRecord }
    }
}
