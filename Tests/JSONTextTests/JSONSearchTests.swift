import Testing

@testable import JSONText

struct JSONSearchTests {
    private func find(_ text: String, accepts: (JSONValue) -> Bool = { _ in true }) -> (String, String, Bool)? {
        JSONSearch().find(in: Array(text.utf8), accepts: accepts).map {
            ($0.found.layer.rawValue, String(decoding: $0.found.value.raw, as: UTF8.self), $0.accepted)
        }
    }

    @Test(arguments: [
        (" {\"a\":1}\n", "whole", "{\"a\":1}"),
        ("\"text\"", "whole", "\"text\""),
        ("Here it is:\n```json\n{\"a\":[1,2]}\n```\nDone.", "first", "{\"a\":[1,2]}"),
        ("{\"a\":\"}{\\\"\"} and more", "first", "{\"a\":\"}{\\\"\"}"),
        ("<think>{not json}</think>{\"a\":1}", "brackets", "{\"a\":1}"),
        ("a set {x, y} and [1, 2]", "brackets", "[1, 2]"),
        ("open { then {\"a\":1}", "brackets", "{\"a\":1}"),
    ])
    func aValueIsFoundInItsLayer(_ text: String, _ layer: String, _ value: String) throws {
        let found = try #require(find(text))
        #expect(found.0 == layer && found.1 == value && found.2)
    }

    @Test func theFirstThatIsWantedCounts() throws {
        let found = try #require(find("As [1] says: {\"a\":1}") { $0.kind == .object })
        #expect(found.0 == "brackets" && found.1 == "{\"a\":1}" && found.2)
    }

    @Test(arguments: [
        // Complete, but not accepted; truncated; broken; truncated in a fence.
        #"{"name":1,"inner":{"name":"x"}}"#, #"{"name":"a","inner":{"name":"x"}"#,
        #"{"name":"a","inner":{"name":"x"},}"#,
        #"[{"name":"x"},"#, "```json\n{ \"name\":\"a\",\"inner\":{\"name\":\"x\"}",
        #"{"name":1,"inner":{"name":"x"}} so"#,
    ])
    func aPartIsNoAnswer(_ text: String) {
        #expect(find(text) { $0["name"]?.string == "x" }?.2 != true)
    }

    @Test func whatComesBehindABrokenValueCounts() throws {
        let found = try #require(find(#"{"a":1,} was wrong, so {"a":2}"#))
        #expect(found.0 == "brackets" && found.1 == #"{"a":2}"#)
    }

    @Test func whatIsReadableIsReturnedWhereNothingIsWanted() throws {
        let found = try #require(find("see [1]") { $0.kind == .object })
        #expect(found.1 == "[1]" && !found.2)
    }

    @Test(arguments: ["", "   ", "no JSON here", "{", "{\"a\":", "\"unclosed {"])
    func textsWithoutAValue(_ text: String) { #expect(find(text) == nil) }

    @Test func bracketsWithoutEndAreBounded() {
        #expect(find(String(repeating: "{", count: 2_000_000)) == nil)
        #expect(find(String(repeating: "{\"", count: 1_000_000)) == nil)
    }
}
