import Basics
import CommandLine
import JSONSchema
import ModelAPI
import SegmentStore

/// What an answer must be: a JSON value, and which.
struct AnswerCheck: Sendable {
    /// A JSON Schema; nil where any value will do.
    let schema: [UInt8]?
    /// The option that says so, for messages.
    let option: String
    let stage: ValueStage
    /// How often an answer that does not fit is sent back.
    let corrections: Int

    /// The name of the note in which a store keeps the schema, for retries.
    static let note = "answer_schema"
    /// The job's member.
    static let jobName = "answers"
    /// The name of the note in which a store keeps how often answers are sent back, for retries.
    static let correctionsNote = "corrections"
    /// The most that can be asked for.
    static let correctionsMax = 100
    /// Bytes of a schema that a store keeps.
    static let schemaBytesMax = 1 << 20

    /// `corrections` is how often an answer that does not fit is sent back to be corrected. Throws `.badInput` when the
    /// text is no schema.
    init(
        schema: [UInt8]?, name: String, option: String = "--schema FILE", corrections: Int = 0
    ) throws(RetortError) {
        if let schema, schema.count > Self.schemaBytesMax {
            throw RetortError(.badInput, "the schema is larger than \(Self.schemaBytesMax >> 20) MiB", at: name)
        }
        self.schema = schema
        self.option = option
        self.corrections = corrections
        stage = ValueStage(
            try schema.map { text throws(RetortError) in try JSONSchema(text, name: name) }, correctionsMax: corrections
        )
    }

    /// The check that a store's job has; nil where its answers are not checked.
    init?(of manifest: StoreManifest) throws(RetortError) {
        guard let text = manifest.notes?[Self.note] else { return nil }
        let corrections = manifest.notes?[Self.correctionsNote].flatMap { Int($0) } ?? 0
        try self.init(
            schema: text.isEmpty ? nil : Array(text.utf8), name: "the store's schema",
            corrections: min(max(0, corrections), Self.correctionsMax))
    }

    /// The same check, which sends answers back so often; nil: as often as before.
    func correcting(_ corrections: Int?) throws(RetortError) -> AnswerCheck {
        guard let corrections, corrections != self.corrections else { return self }
        return try AnswerCheck(
            schema: schema, name: "the store's schema", option: option, corrections: corrections)
    }

    /// Keeps it with the store, for retries.
    func note(in store: RecordStore) throws(RetortError) {
        try store.note(Self.note, noteText)
        if corrections > 0 || store.manifest.notes?[Self.correctionsNote] != nil {
            try store.note(Self.correctionsNote, String(corrections))
        }
    }

    /// What the store keeps of the schema.
    var noteText: String { schema.map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// What the job says of it: the schema by the hash of its text.
    var jobText: String {
        guard let schema else { return "JSON" }
        return "JSON, schema " + Hexadecimal.string(schema.withUnsafeBytes { ContentHash.hash64($0) })
    }

    /// Lets the server know, in the form of the endpoint, unless the parameters say something of their own.
    func ask(in parameters: inout RequestParameters, endpoint: RequestBuilder.Endpoint) throws(RetortError) {
        let text = schema.map { $0.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } }
        let isStrict = try text.map { text throws(RetortError) in try StrictSubset.problems(in: text).isEmpty }
        endpoint.dialect.tell(schema: text, isStrict: isStrict ?? false, in: &parameters)
    }
}

/// The options that say what an answer must be: `--json`, `--schema`, `--fields`, `--schema-by`.
enum CheckOptions {
    /// How the server is told of the schema.
    enum Means: String, CaseIterable, Sendable {
        /// By `response_format`, or what the endpoint has in its place.
        case responseFormat = "response-format"
        /// Not at all: the prompt says it, or the model does it anyway.
        case none
    }

    private static let group = "Checked answers"

    static let options: [OptionSpec] = [
        OptionSpec("json", summary: "the answer must hold a JSON value", group: group),
        OptionSpec(
            "schema", kind: .path, valueName: "FILE",
            summary: "the answer must hold JSON that fits this JSON Schema (drafts 2020-12 and 7)",
            details: """
                The whole text is tried first, then the first object or array in it, then every other stretch between \
                brackets: code fences, prose and thoughts around the value do no harm. The record gets the value beside \
                the text. An answer that does not fit fails as invalid_output, with the place and what was expected.
                """,
            group: group),
        OptionSpec(
            "fields", kind: .string, valueName: "LIST",
            summary: "a schema in short: 'title:string, year?:integer, tags:string[], level:easy|hard'", group: group),
        OptionSpec(
            "schema-by", kind: .choice(Means.allCases.map(\.rawValue)),
            summary: "how the server is told of the schema", group: group, default: Means.responseFormat.rawValue),
        OptionSpec(
            "corrections", kind: .integer(0...AnswerCheck.correctionsMax), valueName: "N",
            summary: "send an answer that does not fit back up to N times",
            details: """
                The answer and what is wrong with it become further turns of the same conversation. Every answer that was \
                sent back is kept in rounds/, with what it cost. After the last one the item fails as invalid_output.
                """,
            group: group, default: "0"),
    ]

    /// What the options say; nil where answers are not checked.
    static func check(_ command: ParsedCommand) throws(RetortError) -> AnswerCheck? {
        let (file, fields) = (command.stringIfSet("schema"), command.stringIfSet("fields"))
        let corrections =
            command.spec.options.contains { $0.name == "corrections" } ? command.integer("corrections") : 0
        if file != nil, fields != nil {
            throw RetortError(.usage, "--schema and --fields are two schemas", remedy: "Give one of them.")
        }
        if let file {
            let option = "--schema \(ShellText.quoted(file))"
            return try AnswerCheck(schema: try load(file), name: file, option: option, corrections: corrections)
        }
        if let fields {
            let option = "--fields \(ShellText.quoted(fields))"
            return try AnswerCheck(
                schema: try FieldList.schema(fields), name: "--fields", option: option, corrections: corrections)
        }
        // `plan` has a flag of that name that says how it prints.
        guard command.spec.name != "plan", command.flag("json") else {
            guard corrections == 0 else {
                throw RetortError(
                    .usage, "--corrections says what becomes of answers that do not fit, but nothing says what fits",
                    remedy: "Give --schema, --fields or --json as well.")
            }
            return nil
        }
        return try AnswerCheck(schema: nil, name: "", option: "--json", corrections: corrections)
    }

    /// Whether the server is told of the schema.
    static func tellsServer(_ command: ParsedCommand) -> Bool {
        let means: Means = command.choice("schema-by")
        return means == .responseFormat
    }

    private static func load(_ path: String) throws(RetortError) -> [UInt8] {
        do throws(RetortError) {
            return Array(try TextFile.read(path).utf8)
        } catch {
            var error = error
            if error.code == .inputMissing { error.message = "no such schema file" }
            throw error
        }
    }
}
