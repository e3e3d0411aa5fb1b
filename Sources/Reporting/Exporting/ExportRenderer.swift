import Dataset
package import JSONText

/// The members of an export's lines in addition to the common ones.
package struct ExportColumns: Hashable {
    package var members: Set<ExportColumn> = []
    /// In the order of `MetadataForm.fields`.
    package var metadata: [ValueColumn] = []
    /// For a table of values.
    package var values = ValueColumns()
}

/// Renders records as lines of one format. Every line of a file has the same members of the same types.
package struct ExportRenderer {
    package var format: ExportFormat
    package var reasoning: ReasoningForm
    /// Whether lines have the record's id and sample.
    package var withIDs: Bool
    /// Whether ids of a batch file contain the sample's number.
    package var hasSamples: Bool
    package var target = ExportTarget.trl
    package var metadata = MetadataForm.none
    package var container = ExportContainer.lines
    /// The columns of the store's schema, for tables of values.
    package var declared = ValueColumns()
    package let parser = JSONParser()

    package init(
        format: ExportFormat, reasoning: ReasoningForm, withIDs: Bool, hasSamples: Bool,
        target: ExportTarget = ExportTarget.trl, metadata: MetadataForm = MetadataForm.none,
        container: ExportContainer = ExportContainer.lines, declared: ValueColumns = ValueColumns()
    ) {
        self.format = format
        self.reasoning = reasoning
        self.withIDs = withIDs
        self.hasSamples = hasSamples
        self.target = target
        self.metadata = metadata
        self.container = container
        self.declared = declared
    }

    /// A record that will be exported, with its prepared parts.
    package struct Prepared {
        package let record: ExportedRecord
        /// The turns of a chat; empty if the format needs none.
        package var turns: [ExportedTurn] = []
        package var calls: ToolCalls?
        package var tools: ArraySlice<UInt8> = []
        /// The value found in the answer, if values are exported.
        package var value: JSONValue?
        /// In the order of `MetadataForm.fields`.
        package var fields: [JSONValue?] = []

        /// The columns in which it has a value.
        package var columns: Set<ExportColumn> {
            var columns = Set(ExportColumn.ofTurns.filter { column in turns.contains { !$0.value(column).isEmpty } })
            if calls != nil { columns.insert(.toolCalls) }
            if !tools.isEmpty { columns.insert(.tools) }
            return columns
        }

        package var dropped: Set<String> { Set(turns.flatMap(\.dropped)) }
    }

    /// Prepares a record. Throws the reason why it is not exported.
    package func prepare(_ record: ExportedRecord) throws(LeftOut) -> Prepared {
        var prepared = Prepared(record: record)
        if format == .json {
            guard let value = try? parser.parse(record.view.json(.value)).root else { throw .noValue }
            prepared.value = value
            findFields(&prepared)
            return prepared
        }
        guard record.isAnswered else { throw .unanswered }
        let calls = record.toolCalls
        if !calls.isEmpty, let array = try? parser.parse(calls).root, !array.elements.isEmpty {
            prepared.calls = try ToolCalls(array)
        }
        if prepared.calls == nil, record.response.count == 2 { throw .unanswered }
        switch format {
        case .messages, .sharegpt:
            prepared.turns = try record.turns(with: parser)
            prepared.tools = ExportedItems.chatTools(record.tools[...], with: parser)
            let keepsParts = format == .messages && target == .openai
            if !keepsParts, prepared.turns.contains(where: { !$0.exact.isEmpty }) { throw .notText }
        case .alpaca:
            if !record.isInfill { prepared.turns = try record.turns(with: parser) }
            if prepared.calls != nil || !record.tools.isEmpty || prepared.columns.contains(.toolCalls) {
                throw .toolCalls
            }
            if prepared.turns.contains(where: { !$0.exact.isEmpty }) { throw .notText }
        case .text:
            if prepared.calls != nil { throw .toolCalls }
            if record.view.isCompletion, record.view.member(.prompt)?.kind != .string { throw .notText }
        case .openaiBatch, .json: break
        }
        findFields(&prepared)
        return prepared
    }

    private func findFields(_ prepared: inout Prepared) {
        guard case .fields(let names) = metadata else { return }
        let root = try? parser.parse(prepared.record.view.metadata).root
        prepared.fields = names.map { root?.member($0.utf8) }
    }

    /// The line of a record, without its line feed.
    package func line(_ prepared: Prepared, _ columns: ExportColumns) throws(LeftOut) -> [UInt8] {
        guard prepared.columns.isSubset(of: columns.members) else { throw .late }
        let record = prepared.record
        if let value = prepared.value, isBareValue { return JSONLine.compact(value.raw) }
        var line = JSONLine()
        if withIDs, format != .openaiBatch {
            line.member("id", record.id)
            line.member("sample", String(record.sample))
        }
        switch format {
        case .messages: appendMessages(prepared, columns, to: &line)
        case .sharegpt: appendConversations(prepared, columns, to: &line)
        case .alpaca: try appendAlpaca(prepared, to: &line)
        case .text: appendText(record, to: &line)
        case .openaiBatch: appendBatch(prepared, columns, to: &line)
        case .json: appendValue(prepared, columns, to: &line)
        }
        if reasoning == .keep, format != .messages, format != .openaiBatch {
            line.member("reasoning", record.reasoning)
        }
        switch metadata {
        case .none: break
        case .all: line.json("metadata", record.view.metadata)
        case .fields(let names):
            for (index, name) in names.enumerated() {
                line.member(name, columns.metadata[index].token(prepared.fields[index]))
            }
        }
        return line.finished
    }

    /// The response as a JSON string token, preceded by the reasoning if requested.
    package func output(_ record: ExportedRecord) -> ArraySlice<UInt8> { thought(record.reasoning, record.response) }

    /// A text, preceded by the reasoning if requested.
    package func thought(_ thoughts: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard reasoning == .think, thoughts.count > 2 else { return text }
        var token = Array(#""<think>\n"#.utf8)
        token.append(contentsOf: thoughts.dropFirst().dropLast())
        token.append(contentsOf: #"\n</think>\n\n"#.utf8)
        token.append(contentsOf: text.dropFirst())
        return token[...]
    }

    private func appendAlpaca(_ prepared: Prepared, to line: inout JSONLine) throws(LeftOut) {
        let record = prepared.record
        var system = ExportedRecord.emptyString
        var instruction = record.view.token(.prompt)
        if !record.isInfill {
            var rest = prepared.turns[...]
            if let first = rest.first, Self.speaker(first.role) == "system" {
                system = first.text
                rest = rest.dropFirst()
            }
            guard rest.count == 1, let turn = rest.first, turn.role == "user" else { throw .severalTurns }
            instruction = turn.text
        }
        line.member("instruction", instruction)
        line.member("input", record.view.token(.suffix))
        line.member("output", output(record))
        line.member("system", system)
    }

    private func appendText(_ record: ExportedRecord, to line: inout JSONLine) {
        guard record.view.isCompletion else {
            line.member("text", output(record))
            return
        }
        var token: [UInt8] = [0x22]
        for part in [record.view.token(.prompt), output(record), record.view.token(.suffix)] {
            token.append(contentsOf: part.dropFirst().dropLast())
        }
        token.append(0x22)
        line.member("text", token[...])
    }

    /// ShareGPT's name for a role.
    package static func speaker(_ role: String) -> String {
        switch role {
        case "system", "developer": "system"
        case "user": "human"
        case "assistant": "gpt"
        case "tool": "observation"
        default: role
        }
    }
}
