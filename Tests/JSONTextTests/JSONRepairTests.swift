import TestSupport
import Testing

@testable import JSONText

struct JSONRepairTests {
    private func repaired(
        _ text: String, isComplete: Bool = true, accepts: (JSONValue) -> Bool = { _ in true }
    ) -> String? {
        let result = JSONSearch().find(in: Array(text.utf8), repairs: true, isComplete: isComplete, accepts: accepts)
        guard let result, result.accepted, result.found.layer == .repaired else { return nil }
        return String(decoding: result.found.value.raw, as: UTF8.self)
    }

    @Test(
        arguments: [
            // Commas.
            (#"{"a":1,}"#, #"{"a":1}"#), ("[1, 2 , \n]", "[1, 2  \n]"), ("{\"a\":1\n\"b\":2}", "{\"a\":1\n,\"b\":2}"),
            ("[{\"a\":1}\n{\"a\":2}]", "[{\"a\":1}\n,{\"a\":2}]"), ("{'a':[1]\nb:2}", "{\"a\":[1]\n,\"b\":2}"),
            // Quotes.
            ("{'a': 'it''s'}", nil), ("{'a': 'it's'}", #"{"a": "it's"}"#),
            (#"{'a': 'say "x"'}"#, #"{"a": "say \"x\""}"#),
            (#"{'a': 'it\'s'}"#, #"{"a": "it's"}"#), ("['the dogs' bone']", nil),
            ("['a', 'b' , 'c']", #"["a", "b" , "c"]"#),
            ("{a: 1, $b_2: 2, 3: 3}", #"{"a": 1, "$b_2": 2, "3": 3}"#), ("{'a':'x'}", #"{"a":"x"}"#),
            // Words.
            ("[True, False, None, true]", "[true, false, null, true]"), ("[Truely]", nil), ("{a: yes}", nil),
            ("[NaN]", nil), ("[1, undefined]", nil),
            // Comments and placeholders.
            ("{ // one\n\"a\": 1 /* two */ }", "{ \n\"a\": 1  }"), ("[1, # one\n2]", "[1, \n2]"), ("[1, ...]", nil),
            ("{\"a\": 1, ...}", nil), ("[1, // ... and so on\n]", nil), ("[1, …]", nil), ("[1 /* … */]", nil),
            ("[1 / 2]", nil), ("[1 /* open", nil),
            // Strings.
            ("{\"a\": \"x\ny\t\u{1}\"}", #"{"a": "x\ny\t\u0001"}"#), (#"["\alpha \d"]"#, #"["\\alpha \\d"]"#),
            (#"['\u00e9\n\\']"#, #"["\u00e9\n\\"]"#), (#"["\u00g1",]"#, nil), (#"["he said "x" to me"]"#, nil),
            ("[\"a\" \"b\"]", nil), ("[\"a\"\n\"b\"]", nil), ("{\"a\": \"x, \"b\": \"y\"}", nil),
            ("[`a`]", nil), (#"{"a": """x"""}"#, nil), (#"{"a": "x" "b": "y"}"#, nil),
            // Numbers are not invented.
            ("[01,]", nil), ("[1.,]", nil), ("[1e5,-2.5,]", "[1e5,-2.5]"), ("[+1]", nil), ("{\"a\": 1,000}", nil),
            ("[12px]", nil),
            // Brackets.
            ("{\"a\": [1, 2}", "{\"a\": [1, 2]}"), ("{\"a\": 1]", nil), ("[1}", nil),
            ("[{\"b\": [1}, {\"c\": 2}]", "[{\"b\": [1]}, {\"c\": 2}]"), ("{\"a\":1,}}", "{\"a\":1}"), ("{,}", nil),
            ("[,1]", nil), ("[1,,2]", nil), ("{\"a\":{\"b\":1,}, \"c\":2,}", "{\"a\":{\"b\":1}, \"c\":2}"),
        ] as [(String, String?)])
    func faults(_ text: String, _ expected: String?) { #expect(repaired(text) == expected) }

    @Test(
        arguments: [
            ("{\"a\": [1, 2", "{\"a\": [1, 2]}"), ("{\"a\": \"x", "{\"a\": \"x\"}"), ("[1,", "[1]"),
            ("{\"a\":1,", "{\"a\":1}"),
            ("['a', 'b", #"["a", "b"]"#), ("```json\n[1, 2\n```\nDone.", "[1, 2\n]"), ("{'a': 1", #"{"a": 1}"#),
            // The missing part would have to be invented, or the present one may belong to something else.
            ("{\"a\":", nil), ("{\"a", nil), ("{\"a\": tru", nil), ("[\"a\\", nil), ("[\"\\u00", nil),
            ("{\"a\": \"x}", nil),
            ("[\"a\nand more", nil), ("{", nil), ("so {", nil), ("[ // so", nil), ("[1, 2\n\nI hope that helps.", nil),
        ] as [(String, String?)])
    func endsThatAreMissing(_ text: String, _ expected: String?) {
        #expect(repaired(text) == expected)
        // The model had not ended: the text may continue.
        #expect(repaired(text, isComplete: false) == nil)
    }

    @Test(
        arguments: [
            ("Sure:\n```json\n{\"a\": 1,}\n```\nDone.", "{\"a\": 1}"), ("A set [x, y], then {a: 1}", "{\"a\": 1}"),
            ("See [1]: {'a': 2}", "{\"a\": 2}"), ("{\"a\": 1, ...} or {\"a\": 3,}", "{\"a\": 3}"),
            // A part is not an answer, nor is the first of several values.
            ("{\"b\": ..., \"c\": {\"a\": 1,}", nil), ("{\"b\": 1, ..., \"c\": {\"a\": 1,}}", nil),
            ("{\"a\": 1,}, {\"a\": 2,}", nil), ("{\"a\": 1,}: 2", nil),
        ] as [(String, String?)])
    func theValueIsFound(_ text: String, _ expected: String?) {
        #expect(repaired(text) { $0["a"] != nil } == expected)
    }

    @Test func valuesThatAreNotWantedAreLeft() {
        #expect(repaired("{a: 1} {b: 1}") { $0["b"] != nil } == "{\"b\": 1}")
        #expect(repaired("{\"a\": 1} [2]") == nil)
    }

    @Test(
        arguments: [
            // A part that is JSON is not an answer if the whole is nearly JSON.
            (#"{name: "x", tags: ["a"]}"#, #"{"name": "x", "tags": ["a"]}"#), ("[True, [1]]", "[true, [1]]"),
            ("{'\"': 1, 'b': {\"c\": 1}}", #"{"\"": 1, "b": {"c": 1}}"#), ("[1, {\"a\": 1}, ...]", nil),
            ("{'a': {\"b\": 1}, 'c': wrong}", nil), ("{a: [1], b: [2]", nil), ("{a: [1]}, b: 1", nil),
            // Text after a value is not part of it.
            (#"{a: 1} was wrong, so {"a": 2}"#, #"{"a": 2}"#), (#"{x, y} and {"a": 2}"#, #"{"a": 2}"#),
        ] as [(String, String?)])
    func aPartIsNoAnswer(_ text: String, _ expected: String?) {
        let result = JSONSearch().find(in: Array(text.utf8), repairs: true) { _ in true }
        #expect(result.map { String(decoding: $0.found.value.raw, as: UTF8.self) } == expected)
        let scalar = JSONSearch().find(in: Array(text.utf8), repairs: true) { $0.elements.count == 1 }
        #expect(scalar?.accepted != true)
    }

    // MARK: Fuzzed

    /// A value in JSON, and as a careless model writes it.
    private struct Pair {
        var json = ""
        var sloppy = ""
        var random: SeededGenerator

        private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }
        private mutating func add(_ text: String) {
            json += text
            sloppy += text
        }
        private mutating func space() {
            // Behind a single quote it may be text.
            guard sloppy.last != "'" else { return }
            sloppy += ["", " ", "\n", " // so\n", "/* a * / */", "# b\n"].randomElement(using: &random)!
        }

        mutating func value(_ depth: Int) {
            space()
            switch Int.random(in: 0..<(depth > 4 ? 4 : 6), using: &random) {
            case 0: add(String(Int.random(in: -999...999, using: &random)))
            case 1: word()
            case 2, 3: string(isKey: false)
            case 4: list("[", "]") { $0.value(depth + 1) }
            default:
                list("{", "}") {
                    $0.space()
                    $0.string(isKey: true)
                    $0.space()
                    $0.add(":")
                    $0.value(depth + 1)
                }
            }
            space()
        }

        private mutating func word() {
            let word = [("true", "True"), ("false", "False"), ("null", "None")].randomElement(using: &random)!
            json += word.0
            sloppy += chance(2) ? word.0 : word.1
        }

        private mutating func list(_ start: String, _ end: String, _ item: (inout Pair) -> Void) {
            add(start)
            let count = Int.random(in: 0...3, using: &random)
            for number in 0..<count {
                item(&self)
                if number + 1 < count { add(",") } else if chance(2) { sloppy += "," }
            }
            space()
            add(end)
        }

        private mutating func string(isKey: Bool) {
            let kind = Int.random(in: 0..<(isKey ? 3 : 2), using: &random)
            var parts: [(json: String, double: String, single: String)] = [
                ("a", "a", "a"), ("é", "é", "é"), (#"\u0041"#, #"\u0041"#, #"\u0041"#), ("it's", "it's", "it's"),
                (#"\""#, #"\""#, "\""), (#"\\q"#, #"\q"#, #"\q"#), (#"\n"#, "\n", "\n"), ("'", #"\'"#, #"\'"#),
                ("{[", "{[", "{["), (" // ", " // ", " // "), ("```", "```", "```"),
            ]
            if kind == 2 { parts = [("k", "k", "k"), ("_2", "_2", "_2")] }
            let chosen = (0..<Int.random(in: 1...4, using: &random)).map { _ in parts.randomElement(using: &random)! }
            json += "\"" + chosen.map(\.json).joined() + "\""
            switch kind {
            case 0: sloppy += "\"" + chosen.map(\.double).joined() + "\""
            case 1: sloppy += "'" + chosen.map(\.single).joined() + "'"
            default: sloppy += chosen.map(\.single).joined()
            }
        }
    }

    @Test(arguments: 0..<8) func sloppyTextsMeanWhatTheyMeant(seed: UInt64) throws {
        let parser = JSONParser()
        for number in 0..<1000 {
            var pair = Pair(random: SeededGenerator(seed: seed << 32 | UInt64(number)))
            pair.value(0)
            guard let start = pair.json.utf8.first, start == 0x5B || start == 0x7B else { continue }
            let json = Array(pair.json.utf8)
            let sloppy = Array(pair.sloppy.utf8)
            let wanted = try parser.valueHash(json)
            let found = try #require(
                JSONSearch().find(in: sloppy, repairs: true, isComplete: true) { _ in true }?.found.value,
                "\(pair.sloppy)")
            #expect(try parser.valueHash(Array(found.raw)) == wanted, "\(pair.sloppy)")
            // Valid JSON is never changed.
            let outcome = json.withUnsafeBufferPointer { JSONRepair.outcome(of: $0, from: 0) }
            guard case .repaired(let same) = outcome else {
                Issue.record("\(pair.json)")
                continue
            }
            #expect(same.text == json && !same.isChanged && !same.isClosedAtEnd && same.end == json.count)
        }
    }

    @Test(arguments: 0..<8) func whatComesOutIsJSON(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let marks = Array("{}[]\",':`.#/*\\\n 0aTtuée-".utf8)
        for _ in 0..<4000 {
            var text = Array("{\"a\": [1, 'x', True], b: {\"c\": \"d\"}}".utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0..<text.count, using: &random)
                if Bool.random(using: &random) {
                    text[at] = marks.randomElement(using: &random)!
                } else {
                    text.insert(marks.randomElement(using: &random)!, at: at)
                }
            }
            for start in text.indices where text[start] == 0x7B || text[start] == 0x5B {
                let outcome = text.withUnsafeBufferPointer { JSONRepair.outcome(of: $0, from: start) }
                guard case .repaired(let repaired) = outcome else { continue }
                // The parser checks numbers and UTF-8; nothing else may be wrong.
                do { _ = try JSONParser().parse(repaired.text) } catch {
                    let isKnown = error.reason.contains("number") || error.reason.contains("UTF-8")
                    #expect(isKnown, "\(error): \(String(decoding: text, as: UTF8.self))")
                }
                #expect(repaired.end <= text.count && repaired.text.count <= 6 * text.count + 2)
            }
        }
    }

    @Test(arguments: ["{", "[", "{\"a\":", "['", "'", "/*", "[1,", "{a:{", "[\n", "['a' ", "#", "\\"])
    func longTextsEnd(_ piece: String) {
        let text = String(repeating: piece, count: 500_000 / piece.utf8.count)
        #expect(repaired(text) == nil)
        #expect(repaired("[" + text) == nil)
    }
}
