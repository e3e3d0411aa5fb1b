package import Basics
package import CommandLine
import JSONSchema
import JSONText
package import ModelAPI
package import SegmentStore

/// The check of a run's answers: each must be a JSON value, possibly of a schema.
package struct AnswerCheck: Sendable {
    /// A JSON Schema; nil: any value fits.
    package let schema: [UInt8]?
    /// The option that set it, for messages.
    package let option: String
    package let stage: ValueStage
    /// Maximum corrections requested for an answer that does not fit.
    package let corrections: Int
    /// Whether a value that is almost JSON is repaired.
    package let repairs: Bool
    /// The schema's name in messages: a file's name.
    package let name: String
    /// Places of keywords that the schema's draft does not know.
    private let unknownKeywords: [String]

    /// The name of the note that stores the schema, for retries.
    package static let note = "answer_schema"
    /// The job's member.
    package static let jobName = "answers"
    /// Its suffix if answers are repaired.
    package static let jobRepairs = ", repaired"
    /// The name of the note that stores the number of corrections, for retries.
    package static let correctionsNote = "corrections"
    /// Maximum number of corrections.
    package static let correctionsMax = 100
    /// Maximum bytes of a stored schema.
    package static let schemaBytesMax = 1 << 20

    /// `corrections` is how often a correction of an answer is requested, `repairs` whether an answer that is almost
    /// JSON is repaired. Throws `.badInput` if the text is not a schema.
    package init(
        schema: [UInt8]?, name: String, option: String = "--schema FILE", corrections: Int = 0, repairs: Bool = false
    ) throws(RetortError) {
        if let schema, schema.count > Self.schemaBytesMax {
            throw RetortError(.badInput, "the schema is larger than \(Self.schemaBytesMax >> 20) MiB", at: name)
        }
        self.schema = schema
        self.option = option
        self.corrections = corrections
        self.repairs = repairs
        self.name = name
        let compiled = try schema.map { text throws(RetortError) in try JSONSchema(text, name: name) }
        unknownKeywords = compiled?.unknownKeywords ?? []
        stage = ValueStage(compiled, correctionsMax: corrections, repairs: repairs)
    }

    /// Maximum places in a warning.
    private static let placesShownMax = 5

    /// A warning about a valid schema; nil if there is none.
    package var remark: String? {
        guard !unknownKeywords.isEmpty else { return nil }
        let rest = unknownKeywords.count - Self.placesShownMax
        return "\(name): keywords that JSON Schema does not know have no effect: "
            + unknownKeywords.prefix(Self.placesShownMax).joined(separator: ", ")
            + (rest > 0 ? " and \(rest) more" : "")
    }

    /// The check of a store's job; nil if its answers are not checked.
    package init?(of manifest: StoreManifest) throws(RetortError) {
        guard let text = manifest.notes?[Self.note] else { return nil }
        let corrections = manifest.notes?[Self.correctionsNote].flatMap { Int($0) } ?? 0
        try self.init(
            schema: text.isEmpty ? nil : Array(text.utf8), name: "the store's schema",
            corrections: min(max(0, corrections), Self.correctionsMax),
            repairs: manifest.job[Self.jobName]?.hasSuffix(Self.jobRepairs) ?? false)
    }

    /// The same check with another number of corrections; nil: unchanged.
    package func correcting(_ corrections: Int?) throws(RetortError) -> AnswerCheck {
        guard let corrections, corrections != self.corrections else { return self }
        return try AnswerCheck(
            schema: schema, name: "the store's schema", option: option, corrections: corrections, repairs: repairs)
    }

    /// The same check with repair.
    package func repairing() throws(RetortError) -> AnswerCheck {
        try AnswerCheck(
            schema: schema, name: name, option: option + Self.repairOption, corrections: corrections, repairs: true)
    }

    private static let repairOption = " --repair-json"

    /// Stores the check, for retries.
    package func note(in store: RecordStore) throws(RetortError) {
        try store.note(Self.note, noteText)
        if corrections > 0 || store.manifest.notes?[Self.correctionsNote] != nil {
            try store.note(Self.correctionsNote, String(corrections))
        }
    }

    /// The text of the schema's note.
    package var noteText: String { schema.map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// The check in the job: the schema by the hash of its text.
    package var jobText: String {
        let hash = schema.map { ", schema " + Hexadecimal.string($0.withUnsafeBytes { ContentHash.hash64($0) }) }
        return "JSON" + (hash ?? "") + (repairs ? Self.jobRepairs : "")
    }

    /// Another job's text of its check, with repair as in `text`.
    package static func jobText(_ other: String, repairingAs text: String?) -> String {
        let bare = other.hasSuffix(jobRepairs) ? String(other.dropLast(jobRepairs.count)) : other
        return bare + (text?.hasSuffix(jobRepairs) ?? false ? jobRepairs : "")
    }

    /// Adds the schema to the parameters in the endpoint's form, unless they already have one. Throws `.configuration`
    /// if the endpoint has no such means.
    package func tell(
        by means: SchemaMeans, in parameters: inout RequestParameters, endpoint: RequestBuilder.Endpoint
    ) throws(RetortError) {
        let text = schema.map { $0.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } }
        let isStrict = try text.map { text throws(RetortError) in try StrictSubset.problems(in: text).isEmpty }
        if means == .tool, let text, (try? JSONParser().parse(text).root).map(Self.saysObject) == false {
            throw RetortError(
                .configuration, "a tool's arguments are an object, and the schema's values are not", at: name,
                remedy: "Give a schema of type object, or another --schema-by.")
        }
        try endpoint.dialect.tell(schema: text, isStrict: isStrict ?? false, by: means, in: &parameters)
    }

    private static func saysObject(_ schema: JSONValue) -> Bool {
        guard let type = schema["type"] else { return schema.kind == .object }
        return type.string == "object"
    }
}

/// The options for checking answers and for announcing the schema to the server: `--json`, `--schema`, `--fields`,
/// `--schema-by`.
package enum CheckOptions {
    private static let group = "Checked answers"

    package static let options: [OptionSpec] = [
        OptionSpec("json", summary: "the answer must hold a JSON value", group: group),
        OptionSpec(
            "schema", kind: .path, valueName: "FILE",
            summary: "the answer must hold JSON that fits this JSON Schema (drafts 2020-12 and 7)",
            details: """
                The whole text is tried first, then the first object or array in it, then every other stretch between \
                brackets: code fences, prose and thoughts around the value are ignored. The record gets the value in \
                addition to the text. An answer that does not fit fails as invalid_output, with the place and what \
                was expected.
                """,
            group: group),
        OptionSpec(
            "fields", kind: .string, valueName: "LIST",
            summary: "a schema in short: 'title:string, year?:integer, tags:string[], level:easy|hard'", group: group),
        OptionSpec(
            "repair-json", summary: "repair answers that are nearly JSON",
            details: """
                Applies if no value fits as written. Repaired are comments, trailing commas, single quotes, keys \
                without quotes, True, False and None, line breaks in strings, and brackets that are missing. At the \
                end of an answer brackets and a quote are added only if the finish reason is stop: a truncated answer \
                does not pass as a whole one. What needs a guess, such as a placeholder (...), fails. The value is \
                the repaired one, the response stays as it was, and the values that were repaired are counted.
                """, group: group),
        OptionSpec(
            "schema-by", kind: .choice([SchemaTelling.auto] + SchemaMeans.allCases.map(\.rawValue)),
            summary: "how the schema is sent to the server",
            details: """
                response-format is OpenAI's response_format, or the API's equivalent. tool offers the one tool \
                \(AnswerTool.name), which the model must call: its arguments are the answer. structured-outputs is \
                vLLM's since 0.12, guided-json its older name, which newer ones ignore. prompt adds strict \
                instructions to the conversation; records keep the row's turns without them. none adds nothing. auto \
                probes the server with a schema whose only valid answer is unlikely, one request per method until one \
                works, else prompt; the store keeps the result, and the cost of the probes is counted. A retry uses \
                the method of the failed request.
                """,
            group: group, default: SchemaMeans.responseFormat.rawValue),
        OptionSpec(
            "schema-prompt", kind: .path, valueName: "FILE",
            summary: "the instructions of --schema-by prompt, with {{schema}} for the schema", group: group),
        OptionSpec(
            "strict-schema", summary: "stop before the first request if OpenAI's strict mode would refuse the schema",
            details: """
                A schema within the strict subset is sent with strict: true, others with strict: false and a warning \
                that names the places.
                """, group: group),
        OptionSpec(
            "corrections", kind: .integer(0...AnswerCheck.correctionsMax), valueName: "N",
            summary: "send an answer that does not fit back up to N times",
            details: """
                The answer and what is wrong with it become further turns of the same conversation. Every answer that was \
                sent back is kept in rounds/, with what it cost. After the last one the item fails as invalid_output.
                """,
            group: group, default: "0"),
    ]

    /// The check that the options describe; nil if answers are not checked.
    package static func check(_ command: ParsedCommand) throws(RetortError) -> AnswerCheck? {
        let check = try unrepairedCheck(command)
        guard command.flag("repair-json") else { return check }
        return try check?.repairing()
    }

    private static func unrepairedCheck(_ command: ParsedCommand) throws(RetortError) -> AnswerCheck? {
        let (file, fields) = (command.stringIfSet("schema"), command.stringIfSet("fields"))
        let corrections =
            command.spec.options.contains { $0.name == "corrections" } ? command.integer("corrections") : 0
        if file != nil, fields != nil {
            throw RetortError(.usage, "--schema and --fields are two schemas", remedy: "Give one of them.")
        }
        if let file {
            let option = "--schema \(ShellText.quoted(file))"
            return try AnswerCheck(
                schema: try SchemaFile.load(file), name: file, option: option, corrections: corrections)
        }
        if let fields {
            let option = "--fields \(ShellText.quoted(fields))"
            return try AnswerCheck(
                schema: try FieldList.schema(fields), name: "--fields", option: option, corrections: corrections)
        }
        // `plan` has a flag of the same name for its output.
        guard command.spec.name != "plan", command.flag("json") else {
            guard corrections == 0 else {
                throw RetortError(
                    .usage, "--corrections is for answers that do not fit, but no schema says what fits",
                    remedy: "Give --schema, --fields or --json as well.")
            }
            guard command.spec.name == "check" || !command.flag("repair-json") else {
                throw RetortError(
                    .usage, "--repair-json repairs answers that are to be JSON, but nothing says that they are",
                    remedy: "Give --schema, --fields or --json as well.")
            }
            return nil
        }
        return try AnswerCheck(schema: nil, name: "", option: "--json", corrections: corrections)
    }
}
