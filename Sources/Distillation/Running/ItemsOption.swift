package import Basics
package import CommandLine
package import JSONText
package import ModelAPI
package import PromptSource

/// `--items-per-request`: several rows in one prompt, answered by a JSON array with one element per row.
package struct ItemsOption: Sendable {
    /// Maximum rows per request.
    package let count: Int
    /// The schema of each element, on one line; nil: the prompt mentions none.
    package let schema: [UInt8]?
    private let check: AnswerCheck?
    /// Whether an array that is almost JSON is repaired.
    package var repairs: Bool { check?.repairs ?? false }

    /// The job's member: answers are elements of arrays. The number of rows per request is not part of the job.
    package static let jobName = "items"
    package static let jobText = "elements of arrays"

    package static let option = OptionSpec(
        "items-per-request", kind: .integer(1...ArrayDivision.itemsMax), valueName: "N",
        summary: "put N rows into one prompt; the answer is a JSON array with one element per row",
        details: """
            A template repeats for the rows with {{#items}} ... {{/items}}, with {{@number}} and the fields of each; \
            {{count}} is their number. The text around the block must be equal for rows that share a request. Without \
            the block the rows' prompts are numbered. An instruction to answer with an array follows. Each row has a \
            record of its own, with its element as value (a text as response too) and its exact part of tokens and \
            cost. --schema and --json apply to one element, --max-tokens to one row. Rows whose element is missing, \
            repeated or rejected are sent again alone.
            """, group: "Input and output", default: "1")

    /// Nil for one row per request. Throws for options that do not work with several.
    package init?(_ command: ParsedCommand, _ endpoint: RequestBuilder.Endpoint, _ check: AnswerCheck?)
        throws(RetortError)
    {
        count = command.integer("items-per-request")
        guard count > 1 else { return nil }
        schema =
            command.string("schema-by") == SchemaMeans.none.rawValue
            ? nil : check?.schema.map { $0.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } }
        self.check = check
        let clashes = [
            "fim", "reuse", "reuse-from", "until-accepted", "continue", "tools", "response-format", "strict-schema",
            "schema-prompt", "where",
        ]
        if let other = clashes.first(where: { command.isGiven($0) }) {
            throw Self.clash("--\(other)", command)
        }
        if command.stringIfSet("via") == "batch" { throw Self.clash("--via batch", command) }
        if command.integer("n") > 1 { throw Self.clash("--n", command) }
        if command.isGiven("schema-by"),
            ![SchemaMeans.none, .prompt].map(\.rawValue).contains(command.string("schema-by"))
        {
            throw RetortError(
                .configuration,
                "--schema-by \(command.string("schema-by")) would send the schema of one element, but answers are arrays",
                at: command.origin(of: "schema-by"),
                remedy: "Leave it out: the prompt contains the schema; or give none.")
        }
        if endpoint.dialect.continuesPrompts {
            throw RetortError(
                .configuration, "\(endpoint.dialect.name) continue a text, but --items-per-request needs an array",
                at: command.origin(of: "items-per-request"), remedy: "Give --endpoint chat.")
        }
    }

    private static func clash(_ option: String, _ command: ParsedCommand) -> RetortError {
        RetortError(
            .configuration, "--items-per-request and \(option) do not go together",
            at: command.origin(of: "items-per-request"), remedy: "Leave one of the two out.")
    }

    // MARK: What is said

    /// The instructions after the rows.
    package func demand(_ count: Int) -> [UInt8] {
        var text =
            "Answer with one JSON array of exactly \(count) element\(count == 1 ? "" : "s"), and with nothing else."
        if count > 1 { text += " Element 1 is the answer to item 1, element 2 to item 2, and so on." }
        guard let schema else { return Array(text.utf8) }
        return Array((text + " Each element must fit this JSON Schema: ").utf8) + schema
    }

    /// The prompts of several rows in one numbered text: a JSON string token.
    package static func numbered(_ prompts: [ArraySlice<UInt8>]) -> [UInt8] {
        var text: [UInt8] = []
        for (index, prompt) in prompts.enumerated() {
            text += (index == 0 ? "" : #"\n\n"#).utf8
            text += "\(index + 1). ".utf8
            text += prompt.dropFirst().dropLast()
        }
        return [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")]
    }

    /// The run's own stages, surrounded by those for elements of arrays.
    package static func stages(_ check: AnswerCheck?, around stages: [any AnswerStage]) -> [any AnswerStage] {
        let element = ElementStage(correctionsMax: check?.corrections ?? 0, repairs: check?.repairs ?? false)
        return [element] + stages + [ElementTextStage()]
    }
}

/// A prompt that can be combined with others: system turns, and one text of the user.
package struct NumberedPrompt {
    /// The turns before the last one, as written.
    package let lead: [ArraySlice<UInt8>]
    /// A JSON string token.
    package let text: ArraySlice<UInt8>

    /// Nil for a conversation, an image, a gap or a batch row.
    package init?(_ shape: PromptRow.Shape, with parser: JSONParser) {
        switch shape {
        case .prompt(let prompt): (lead, text) = ([], prompt)
        case .fill, .batch: return nil
        case .chat(let messages):
            guard let turns = try? parser.parse(messages).root.elements, let last = turns.last,
                last["role"]?.string == "user", let said = last["content"], said.kind == .string
            else { return nil }
            let before = turns.dropLast()
            guard before.allSatisfy({ ["system", "developer"].contains($0["role"]?.string) }) else { return nil }
            (lead, text) = (before.map(\.raw), said.raw)
        }
    }

    /// The prompts as one conversation. They must have the same lead.
    package static func together(_ prompts: [NumberedPrompt]) -> PromptRow.Shape {
        let text = ItemsOption.numbered(prompts.map(\.text))
        guard let lead = prompts.first?.lead, !lead.isEmpty else { return .prompt(text[...]) }
        let turn = Array(#"{"role":"user","content":"#.utf8) + text + Array("}".utf8)
        let turns = (lead + [turn[...]]).joined(separator: [UInt8(ascii: ",")])
        return .chat(messages: ([UInt8(ascii: "[")] + turns + [UInt8(ascii: "]")])[...])
    }
}
