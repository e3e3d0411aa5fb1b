import Basics
import CommandLine
import JSONText
import ModelAPI
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// `--schema-by`, `--schema-prompt`, `--strict-schema` from the command line to the requests.
@Suite struct SchemaTellingTests {
    private let folder: Folder
    private static let strict = #"{"type":"object","properties":{},"additionalProperties":false}"#
    private static let loose = #"{"type":"object","properties":{"a b":{"type":"string"},"c":{"oneOf":[{}]}}}"#

    init() throws { folder = try Folder() }

    private func settings(_ flags: String...) throws -> RunSettings {
        try Plant(flags: flags, in: folder).settings
    }

    private func schema(_ text: String) throws -> String { try folder.write("schema.json", text) }

    private func items(_ row: String, _ flags: String...) throws -> [(body: JSONValue, fingerprint: UInt64)] {
        let plant = try Plant(flags: flags, in: folder)
        defer { try? plant.store.close() }
        return try plant.plan(row + "\n").items.map {
            (try JSONParser().parse($0.request.body).root, $0.context.fingerprint)
        }
    }

    @Test func instructionsGoIntoTheRequestButNotIntoItsIdentity() throws {
        let schema = try schema(Self.strict)
        let row = #"{"id":"q","prompt":"ask"}"#
        let told = try items(row, "--schema", schema, "--schema-by", "prompt", "--out", folder.path + "/a")
        let text = try #require(told.first?.body["messages"]?.firstElement?["content"]?.string)
        #expect(text.hasPrefix("ask\n\nAnswer with one JSON value") && text.hasSuffix(Self.strict))
        for (index, means) in ["none", "tool", "response-format", "structured-outputs", "guided-json"].enumerated() {
            let other = try items(row, "--schema", schema, "--schema-by", means, "--out", folder.path + "/b\(index)")
            #expect(other.first?.fingerprint == told.first?.fingerprint, "\(means)")
        }
    }

    @Test func theUsersOwnWordsHoldTheSchema() throws {
        let schema = try schema(Self.strict)
        let words = try folder.write("words.txt", "As {{schema}}, {{x}} please.\n")
        let told = try items(
            #"{"id":"q","prompt":"ask"}"#, "--schema", schema, "--schema-by", "prompt", "--schema-prompt", words)
        #expect(
            told.first?.body["messages"]?.firstElement?["content"]?.string
                == "ask\n\nAs \(Self.strict), {{x}} please.")
        let none = try folder.write("none.txt", "JSON please")
        #expect(throws: RetortError.self) {
            try settings("--schema", schema, "--schema-by", "prompt", "--schema-prompt", none)
        }
    }

    @Test(arguments: [
        ["--schema-by", "tool"], ["--schema-prompt", "x"], ["--strict-schema"], ["--json", "--schema-by", "auto"],
        ["--json", "--strict-schema"], ["--fields", "a:string", "--strict-schema", "--schema-by", "prompt"],
        ["--fields", "a:string", "--strict-schema", "--endpoint", "messages", "--max-tokens", "9"],
        ["--fields", "a:string", "--schema-prompt", "x"],
        ["--fields", "a:string", "--schema-by", "tool", "--endpoint", "completions"],
    ])
    func whatDoesNotGoTogetherIsRefused(flags: [String]) {
        #expect(throws: RetortError.self) { try Plant(flags: flags, in: folder) }
    }

    @Test func aToolsArgumentsAreAnObject() throws {
        let list = try schema(#"{"type":"array"}"#)
        #expect(throws: RetortError.self) { try settings("--schema", list, "--schema-by", "tool") }
    }

    @Test func strictnessIsToldOrWanted() throws {
        let loose = try schema(Self.loose)
        let settings = try settings("--schema", loose)
        let remark = try #require(settings.telling.remark(settings.check, settings.endpoint))
        #expect(remark.contains("strict: false") && remark.contains("#: a b must be in required"))
        #expect(remark.contains("#/properties/c/oneOf: oneOf is not supported: write anyOf in its place"))
        do {
            _ = try Plant(flags: ["--schema", loose, "--strict-schema"], in: folder)
            Issue.record("not refused")
        } catch let error as RetortError {
            #expect(error.code == .configuration && error.place == loose)
            #expect(error.cause?.contains("a b must be in required") == true)
        }
        for flags in [["--schema-by", "prompt"], ["--endpoint", "messages", "--max-tokens", "9"]] {
            let other = try Plant(flags: ["--schema", loose] + flags, in: folder).settings
            #expect(other.telling.remark(other.check, other.endpoint) == nil)
        }
        let strict = try Plant(flags: ["--schema", try schema(Self.strict), "--strict-schema"], in: folder).settings
        #expect(strict.telling.remark(strict.check, strict.endpoint) == nil)
    }

    // MARK: Retries

    /// A retry's requests announce the current schema of the store, whatever they announced before.
    @Test(arguments: SchemaMeans.allCases, RequestBuilder.Endpoint.allCases)
    func aRetryTellsOfTheSchemaThatTheStoreHas(means: SchemaMeans, endpoint: RequestBuilder.Endpoint) throws {
        guard means != .none, endpoint.dialect.schemaMeans.contains(means) else { return }
        let row = #"{"id":"q","prompt":"ask"}"# + "\n"
        func body(_ fields: String, _ name: String) throws -> [UInt8] {
            let flags = [
                "--endpoint", endpoint.rawValue, "--schema-by", means.rawValue, "--max-tokens", "9", "--fields", fields,
                "--out", folder.path + "/\(means.rawValue)-\(endpoint.rawValue)-\(name)",
            ]
            let plant = try Plant(flags: flags, in: folder)
            defer { try? plant.store.close() }
            return try #require(try plant.plan(row).items.first).request.body
        }
        let (old, new) = (try body("a:string", "a"), try body("b:integer", "b"))
        var settings = try settings("--endpoint", endpoint.rawValue, "--max-tokens", "9", "--fields", "b:integer")
        settings.check = try AnswerCheck(schema: settings.check?.schema, name: "s")
        let instructions = ToldInstructions(
            template: nil, texts: [String(decoding: SchemaInstructions().text(Self.fieldsA), as: UTF8.self)])
        let told = try #require(try ToldSchema(settings, stored: [:], instructions: instructions))
        #expect(told.applied(to: old, with: JSONParser()) == new)
        #expect(told.applied(to: new, with: JSONParser()) == nil)
    }

    private static let fieldsA = Array(
        (#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"#
            + #""additionalProperties":false}"#).utf8)
}
