import Basics
import CommandLine
import Glibc
import JSONSchema
import JSONText
import SegmentStore

/// The options that say what an answer must be: `--json`, `--schema`, `--fields`, `--schema-by`.
struct CheckOptions: Sendable {
    /// How the server is told of the schema.
    enum Means: String, CaseIterable, Sendable {
        /// By `response_format`.
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
    ]

    /// Nil where answers are not checked.
    let stage: ValueStage?
    /// The value of `response_format` that asks for what is checked; nil where it is not to be sent.
    let responseFormat: [UInt8]?
    /// What the store's job says of it; empty where answers are not checked.
    let texts: [String: String]

    init(_ command: ParsedCommand) throws(RetortError) {
        let file = command.stringIfSet("schema")
        let fields = command.stringIfSet("fields")
        if file != nil, fields != nil {
            throw RetortError(.usage, "--schema and --fields are two schemas", remedy: "Give one of them.")
        }
        guard file != nil || fields != nil || command.flag("json") else {
            (stage, responseFormat, texts) = (nil, nil, [:])
            return
        }
        var text: [UInt8]?
        if let file {
            text = try Self.load(file)
        } else if let fields {
            text = try FieldList.schema(fields)
        }
        let schema = try text.map { text throws(RetortError) in try JSONSchema(text, name: file ?? "--fields") }
        stage = ValueStage(schema)
        let means = Means(rawValue: command.choice("schema-by")) ?? .none
        responseFormat = means == .responseFormat ? try Self.responseFormat(text) : nil
        texts = ["answers": text.map { "JSON, schema \(Self.name(of: $0))" } ?? "JSON"]
    }

    private static func load(_ path: String) throws(RetortError) -> [UInt8] {
        do throws(RetortError) {
            return Array(try PosixFileSystem().text(of: path).utf8)
        } catch {
            var error = error
            if error.code == .inputMissing { error.message = "no such schema file" }
            throw error
        }
    }

    /// A schema's name in the job: a hash of its text without white space between tokens.
    private static func name(of schema: [UInt8]) -> String {
        Hexadecimal.string(schema.withUnsafeBytes { ContentHash.hash64($0) })
    }

    /// OpenAI's form. `strict` where the schema is of the part that the API takes strictly.
    private static func responseFormat(_ schema: [UInt8]?) throws(RetortError) -> [UInt8] {
        guard let schema else { return Array(#"{"type":"json_object"}"#.utf8) }
        let isStrict = try StrictSubset.problems(in: schema).isEmpty
        let head = #"{"type":"json_schema","json_schema":{"name":"answer","strict":\#(isStrict),"schema":"#
        return Array(head.utf8) + schema.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } + Array("}}".utf8)
    }
}
