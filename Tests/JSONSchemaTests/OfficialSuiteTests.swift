import Basics
import Foundation
import JSONText
import Testing

@testable import JSONSchema

/// The official test suite (https://github.com/json-schema-org/JSON-Schema-Test-Suite), if RETORT_SCHEMA_SUITE names a
/// copy of it.
struct OfficialSuiteTests {
    static let folder = ProcessInfo.processInfo.environment["RETORT_SCHEMA_SUITE"]

    /// What the suite serves at localhost:1234, by address.
    static let remotes: [String: [UInt8]] = {
        guard let folder else { return [:] }
        let root = URL(fileURLWithPath: folder + "/remotes")
        var found: [String: [UInt8]] = [:]
        for case let file as URL in FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)! {
            guard file.pathExtension == "json", let data = try? Data(contentsOf: file) else { continue }
            let name = file.path.dropFirst(root.path.count)
            found["http://localhost:1234" + name] = Array(data)
        }
        return found
    }()

    struct Outcome {
        var tests = 0
        var wrong: [String] = []
    }

    static func run(_ folderName: String, draft: SchemaDraft, assertsFormat: Bool = false) throws -> Outcome {
        var outcome = Outcome()
        let files = try FileManager.default.contentsOfDirectory(atPath: folderName).filter { $0.hasSuffix(".json") }
        for file in files.sorted() {
            let text = Array(try Data(contentsOf: URL(fileURLWithPath: folderName + "/" + file)))
            for group in try JSONParser().parse(text).root.elements {
                let name = "\(file): \(group["description"]?.string ?? "")"
                let validator: SchemaValidator?
                var reason = ""
                do {
                    validator = SchemaValidator(
                        try JSONSchema(
                            Array(group["schema"]!.raw), beside: remotes, defaultDraft: draft,
                            assertsFormat: assertsFormat))
                } catch {
                    validator = nil
                    reason = "\(error)"
                }
                for test in group["tests"]!.elements {
                    outcome.tests += 1
                    // Parsed as a document of its own, like an answer.
                    let data = try JSONParser().parse(test["data"]!.raw).root
                    let isValid = try? validator?.failures(of: data).isEmpty
                    if isValid != test["valid"]?.bool {
                        outcome.wrong.append(
                            "\(name) / \(test["description"]?.string ?? ""): \(String(describing: isValid)) \(reason)")
                    }
                }
            }
        }
        return outcome
    }

    @Test(.enabled(if: folder != nil), arguments: [("draft7", SchemaDraft.draft7), ("draft2020-12", .draft2020)])
    func requiredTests(_ name: String, _ draft: SchemaDraft) throws {
        let outcome = try Self.run("\(Self.folder!)/tests/\(name)", draft: draft)
        #expect(outcome.tests > 800)
        #expect(outcome.wrong.isEmpty, "\(outcome.wrong.joined(separator: "\n"))")
    }

    /// Optional tests that are skipped, with the reason.
    private static let leftOut = [
        "idn-hostname.json": "names beyond ASCII are not decoded",
        "hostname.json: validation of A-label": "names that encode others are not decoded",
        "content.json": "contentEncoding and contentMediaType are notes",
        "cross-draft.json": "draft 2019-09 is not known",
        "ecmascript-regex.json: ECMA 262 lookbehind": "PCRE2 10.42 has no lookbehind of variable width",
    ]

    @Test(.enabled(if: folder != nil), arguments: [("draft7", SchemaDraft.draft7), ("draft2020-12", .draft2020)])
    func optionalTests(_ name: String, _ draft: SchemaDraft) throws {
        let formats = try Self.run("\(Self.folder!)/tests/\(name)/optional/format", draft: draft, assertsFormat: true)
        let others = try Self.run("\(Self.folder!)/tests/\(name)/optional", draft: draft)
        #expect(formats.tests > 300 && others.tests > 80)
        let wrong = (formats.wrong + others.wrong).filter { test in
            !Self.leftOut.keys.contains { test.hasPrefix($0) }
        }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }
}
