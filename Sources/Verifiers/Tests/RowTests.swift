internal import Basics
internal import JSONText

/// The tests of a row, in one of the forms used by datasets.
enum RowTests: Hashable, Sendable {
    /// Python statements that fail when the program is wrong. `before` is inserted before the answer's code.
    case statements(before: String, tests: [String], name: String?)
    /// The program's input, and its expected output.
    case runs([Run])

    struct Run: Hashable, Sendable {
        var input: String
        var output: String
    }

    /// Maximum tests of one row.
    static let testsMax = 1000

    /// Throws `.badInput` when the row has none.
    init(row: [UInt8], with parser: JSONParser) throws(RetortError) {
        let root: JSONValue
        do throws(JSONError) { root = try parser.parse(row).root } catch {
            throw RetortError(.badInput, "the row is not JSON", cause: error.description)
        }
        for place in [root, root["metadata"]] {
            if let place, let tests = Self.humanEval(place) ?? Self.assertions(place) ?? Self.runs(place, with: parser)
            {
                self = tests
                return
            }
        }
        throw RetortError(
            .badInput, "the row has no tests",
            remedy: "Fields that are known: prompt, test and entry_point; test_list; public_tests and private_tests; "
                + "tests, a list of objects with input and output.")
    }

    private static func humanEval(_ row: JSONValue) -> RowTests? {
        guard let test = row["test"]?.string, let name = row["entry_point"]?.string, isName(name) else { return nil }
        let before = row["prompt"]?.string ?? ""
        return .statements(before: before, tests: ["\(test)\ncheck(\(name))"], name: name)
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 200 && text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
    }

    private static func assertions(_ row: JSONValue) -> RowTests? {
        guard let list = row["test_list"], list.kind == .array else { return nil }
        let tests = list.elements.prefix(testsMax).compactMap(\.string)
        guard !tests.isEmpty else { return nil }
        let imports = (row["test_imports"]?.elements ?? []).compactMap(\.string)
        let before = ([row["test_setup_code"]?.string ?? ""] + imports).filter { !$0.isEmpty }.joined(separator: "\n")
        return .statements(before: before.isEmpty ? "" : before + "\n", tests: tests, name: calledName(tests[0]))
    }

    /// The function that an assertion calls: the first name before a parenthesis that is not a Python builtin.
    private static func calledName(_ test: String) -> String? {
        let others: Set<String> = [
            "assert", "set", "sorted", "list", "tuple", "len", "abs", "round", "str", "int", "math", "isclose",
        ]
        var name = ""
        for sign in test {
            if sign.isLetter || sign.isNumber || sign == "_" {
                name.append(sign)
                continue
            }
            if sign == "(", !name.isEmpty, !others.contains(name) { return name }
            name = ""
        }
        return nil
    }

    private static func runs(_ row: JSONValue, with parser: JSONParser) -> RowTests? {
        var runs: [Run] = []
        if let tests = parsed(row["tests"], with: parser) { runs += list(tests) ?? columns(tests) ?? [] }
        for name in ["public_tests", "private_tests", "input_output"] {
            guard let tests = parsed(row.member(Array(name.utf8)), with: parser) else { continue }
            runs += list(tests) ?? columns(tests) ?? []
        }
        return runs.isEmpty ? nil : .runs(Array(runs.prefix(testsMax)))
    }

    /// Some datasets store lists as JSON texts.
    private static func parsed(_ value: JSONValue?, with parser: JSONParser) -> JSONValue? {
        guard let value, value.kind == .string else { return value }
        return value.stringBytes.flatMap { try? parser.parse($0).root }
    }

    /// `[{"input":...,"output":...},...]`
    private static func list(_ value: JSONValue) -> [Run]? {
        guard value.kind == .array else { return nil }
        let runs = value.elements.compactMap { test -> Run? in
            guard let output = (test["output"] ?? test["expected_output"] ?? test["expected"]).flatMap(text) else {
                return nil
            }
            return Run(input: test["input"].flatMap(text) ?? "", output: output)
        }
        return runs.isEmpty ? nil : runs
    }

    /// `{"input":[...],"output":[...]}`
    private static func columns(_ value: JSONValue) -> [Run]? {
        let inputs = (value["input"] ?? value["inputs"])?.elements ?? []
        let outputs = (value["output"] ?? value["outputs"])?.elements ?? []
        guard !inputs.isEmpty, inputs.count == outputs.count else { return nil }
        let runs = zip(inputs, outputs).compactMap { pair -> Run? in
            guard let input = text(pair.0), let output = text(pair.1) else { return nil }
            return Run(input: input, output: output)
        }
        return runs.count == inputs.count ? runs : nil
    }

    /// A text; the lines of a list, joined; or a number as written.
    private static func text(_ value: JSONValue) -> String? {
        switch value.kind {
        case .string: value.string
        case .number: String(decoding: value.raw, as: UTF8.self)
        case .array: value.elements.compactMap(text).joined(separator: "\n")
        default: nil
        }
    }
}
