import Basics
import JSONText
import TestSupport
import Testing

@testable import Filtering

struct WhereClauseTests {
    private static let record = #"""
        {"pass":true,"score":0.75,"finish":"stop","class":null,
         "value":{"n":3,"list":[1,{"x":"y"}],"ok":false},"metadata":{"topic":"art","my field":"a\"b","when":"2024-05-01"}}
        """#

    private let fields = ["pass", "score", "finish", "class", "value", "metadata"]

    private func holds(_ text: String) throws -> Bool {
        let root = try JSONParser().parse(Self.record).root
        return try WhereClause(text, fields: fields).holds { WhereValue(root, at: $0) }
    }

    @Test(arguments: [
        "pass", "not not pass", "pass == true", "score >= 0.75", "score <= 0.75", "score > 0.7", "score < 1e0",
        "score != 1", "pass and score > 0.5", "finish == 'stop' or finish == \"length\"", "class == null",
        "not class", "metadata.missing == null", "metadata.missing.deeper != 1", "value.n == 3", "value.list.0 == 1",
        "value.list.1.x == 'y'", "not value.ok", "metadata.\"my field\" == 'a\"b'", #"metadata."my field" == "a\"b""#,
        "metadata.when >= '2024' and metadata.when < '2025'", "false or true and true", "(false or true) and pass",
        "not (pass and false)", "not false and true", "metadata.topic != 3", "value.n", "metadata.topic",
        "\n pass\tand\n(score>0.5)", "-1 < +2", "value.list", "pass==true and not(class)",
    ])
    func conditionsThatHold(_ text: String) throws { #expect(try holds(text)) }

    @Test(arguments: [
        "not pass", "score > 0.75", "score < 'a'", "score >= 'a'", "finish < 3", "metadata.missing", "class < 1",
        "class >= 1", "metadata.missing >= 0", "value.list.9 == 1", "value.ok", "true and false or false",
        "not true or false", "pass == 'true'", "value.n.x", "'' or 0 or null",
    ])
    func conditionsThatDoNot(_ text: String) throws { #expect(try !holds(text)) }

    @Test(arguments: [
        ("score >= ", "--where, column 10: a field or a value is missing"),
        ("", "--where, column 1: a field or a value is missing"),
        ("score = 1", "--where, column 7: a comparison is written =="),
        ("pass score", "--where, column 6: 'and', 'or' or a comparison was expected, not 'score'"),
        ("(pass", "--where, column 6: ) was expected, not the end"),
        ("finish == 'stop", "--where, column 11: a text is not closed"),
        ("1.2.3 < score", "--where, column 1: 1.2.3 is not a number"),
        ("value. == 1", "--where, column 7: a name was expected, not '=='"),
        ("& pass", "--where, column 1: a field or a value was expected, not '&'"),
        ("pass and or", "--where, column 10: a field or a value was expected, not or"),
        (
            "scor > 1",
            "--where, column 1: there is no field scor. The fields: pass, score, finish, class, value, metadata."
        ),
    ])
    func errorsSayWhere(_ text: String, _ message: String) throws {
        do throws(RetortError) {
            _ = try WhereClause(text, fields: fields)
            Issue.record("\(text) was accepted")
        } catch {
            #expect(error.description.hasPrefix(message), "\(error)")
        }
    }

    @Test func pathsAreListed() throws {
        let clause = try WhereClause("pass and not (value.n > 1 or 2 == metadata.'a b')", fields: fields)
        #expect(clause.paths == [["pass"], ["value", "n"], ["metadata", "a b"]])
    }

    @Test func deepAndLongConditionsAreRefused() {
        #expect(throws: RetortError.self) { try holds(String(repeating: "(", count: 30_000)) }
        #expect(throws: RetortError.self) { try holds(String(repeating: "not ", count: 15_000) + "pass") }
        #expect(throws: RetortError.self) { try holds(String(repeating: "1 or ", count: 6_000) + "pass") }
        #expect(throws: RetortError.self) { try holds(String(repeating: " ", count: 70_000)) }
    }

    @Test func rubbishNeitherTrapsNorHangs() {
        let seed = FuzzRun().seedGiven ?? .random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "pass", "score", "value.", ".", "(", ")", "and", "or", "not", "==", "<", ">=", "!", "'", "\"", "\\", "1",
            "-", "1e999",
            " ", "é", "metadata", "\u{0}", "null", "true", "_",
        ]
        for _ in 0..<4000 {
            let text = (0..<generator.below(24)).map { _ in generator.pick(pieces) }.joined()
            let clause = try? WhereClause(text, fields: fields)
            // What is read can be evaluated.
            _ = clause?.holds { _ in .text("x") }
        }
        print("conditions of rubbish: seed \(seed)")
    }
}
