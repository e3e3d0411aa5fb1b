import Basics
import JSONText
import Testing

@testable import JSONSchema

private func failures(_ schema: String, _ value: String) throws -> [String] {
    let compiled = try JSONSchema(Array(schema.utf8))
    return try SchemaValidator(compiled).failures(of: try JSONParser().parse(value).root).map(\.description)
}

private func error(_ schema: String) -> String {
    do {
        _ = try JSONSchema(Array(schema.utf8), name: "s.json")
        return ""
    } catch {
        return error.description
    }
}

struct FailureTextTests {
    @Test func aFailureSaysWhereWhatWasExpectedAndWhatWasThere() throws {
        let schema = #"{"properties":{"a/b":{"items":{"type":"integer"}}},"required":["c"]}"#
        let found = try failures(schema, #"{"a/b":[1,"two"]}"#)
        #expect(
            found == [
                #"/a~1b/1: expected an integer, found the string "two""#,
                "the value: expected the property c, found an object",
            ])
    }

    @Test(arguments: [
        (#"{"type":["string","null"]}"#, "1", "expected null or a string, found the number 1"),
        (#"{"enum":["a","b"]}"#, #""c""#, #"expected one of "a", "b", found the string "c""#),
        (#"{"minimum":3}"#, "2.5", "expected at least 3, found the number 2.5"),
        (#"{"multipleOf":0.1}"#, "0.35", "expected a multiple of 0.1, found the number 0.35"),
        (#"{"maxLength":2}"#, #""abc""#, #"expected at most 2 characters, found the string "abc""#),
        (#"{"pattern":"^a$"}"#, #""b""#, #"expected a text that matches ^a$, found the string "b""#),
        (#"{"minItems":1}"#, "[]", "expected at least 1 item, found an array"),
        (#"{"uniqueItems":true}"#, "[1,1.0]", "expected items that all differ, found an array"),
        (#"{"not":{}}"#, "null", "expected a value of another kind, found null"),
        ("false", "1", "expected nothing here, found the number 1"),
    ])
    func keywords(_ schema: String, _ value: String, _ text: String) throws {
        #expect(try failures(schema, value) == ["the value: \(text)"])
    }

    @Test func anAlternativeIsToldByTheOneThatComesClosest() throws {
        let schema = #"{"anyOf":[{"type":"null"},{"properties":{"n":{"type":"integer"}},"required":["n"]}]}"#
        #expect(try failures(schema, #"{"n":"1"}"#) == [#"/n: expected an integer, found the string "1""#])
    }
}

struct BadSchemaTests {
    @Test(arguments: [
        ("[", "s.json: the schema is not JSON: "),
        ("3", "s.json#: expected a schema, found the number 3"),
        (
            #"{"properties":{"a":{"type":"strng"}}}"#,
            #"s.json#/properties/a/type: expected the name of a type, found the string "strng""#
        ),
        (#"{"minLength":-1}"#, "s.json#/minLength: expected a whole number from 0, found the number -1"),
        (#"{"pattern":"("}"#, "s.json#/pattern: the pattern ( cannot be compiled"),
        (
            #"{"pattern":"\\Z"}"#,
            "s.json#/pattern: the pattern is no regular expression of ECMA-262: the escape \\Z is unknown"
        ),
        (##"{"$ref":"#/$defs/x"}"##, "s.json#/$ref: nothing is at #/$defs/x"),
        (#"{"$ref":"https://example.com/x.json"}"#, "s.json#/$ref: a reference leads outside the schema"),
        (#"{"$schema":"http://json-schema.org/draft-04/schema#"}"#, "s.json: the schema's draft is unknown"),
        (#"{"multipleOf":0}"#, "s.json#/multipleOf: expected a number above 0"),
    ])
    func isToldWithItsPlace(_ schema: String, _ text: String) {
        #expect(error(schema).hasPrefix(text), "\(error(schema))")
    }

    @Test func unknownKeywordsAreNamed() throws {
        let schema = try JSONSchema(Array(#"{"propertys":{},"properties":{"a":{"minimun":1,"x-note":1}}}"#.utf8))
        #expect(Set(schema.unknownKeywords) == ["#/propertys", "#/properties/a/minimun"])
    }
}

struct ExplodingSchemaTests {
    @Test func aReferenceToItselfEnds() throws {
        #expect(throws: RetortError.self) { try failures(##"{"$ref":"#"}"##, "1") }
        #expect(throws: RetortError.self) { try failures(##"{"allOf":[{"$ref":"#"},{"$ref":"#"}]}"##, "1") }
    }

    @Test func alternativesThatDoubleAtEachLevelEnd() throws {
        let depth = 200
        let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let schema = ##"{"anyOf":[{"items":{"$ref":"#"},"minItems":1},{"items":{"$ref":"#"},"minItems":1}]}"##
        #expect(throws: RetortError.self) { try failures(schema, value) }
    }

    @Test func aPatternThatBacktracksWithoutEndEnds() throws {
        let value = "\"" + String(repeating: "a", count: 40) + "!\""
        #expect(throws: RetortError.self) { try failures(#"{"pattern":"^(a+)+$"}"#, value) }
    }

    @Test func aRecursiveSchemaFollowsAValueAsDeepAsJSONMayBe() throws {
        let depth = 250
        let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(try failures(##"{"type":"array","items":{"$ref":"#"}}"##, value) == [])
    }
}

struct ExactNumberTests {
    private func number(_ text: String) -> ExactNumber { ExactNumber(Array(text.utf8)[...]) }

    @Test(arguments: [("1", "1.0"), ("100", "1e2"), ("0.10", "1E-1"), ("-0", "0.0"), ("12300e-2", "123")])
    func spellingsOfOneValueAreEqual(_ a: String, _ b: String) { #expect(number(a) == number(b)) }

    @Test(arguments: [
        ("1", "2"), ("-2", "-1"), ("9007199254740992", "9007199254740993"), ("0.1", "0.11"), ("9", "1e1"),
    ])
    func orderIsExact(_ a: String, _ b: String) {
        #expect(number(a) < number(b))
        #expect(!(number(b) < number(a)))
    }

    @Test(arguments: [
        ("0.3", "0.1", true), ("1e308", "0.5", true), ("4.5", "1.5", true), ("35", "0.2", true), ("0.35", "0.1", false),
        ("1e999999999999999999999", "3", false),
    ])
    func multiples(_ a: String, _ b: String, _ expected: Bool) {
        #expect(number(a).isMultiple(of: number(b)) == expected)
    }
}

struct FieldListTests {
    @Test func aListBecomesASchema() throws {
        let text = try FieldList.schema("title:string, year?:integer, tags:string[], level:easy|hard")
        #expect(
            String(decoding: text, as: UTF8.self)
                == #"{"type":"object","properties":{"title":{"type":"string"},"year":{"type":"integer"},"tags":{"type":"array","#
                + #""items":{"type":"string"}},"level":{"enum":["easy","hard"]}},"required":["title","tags","level"],"#
                + #""additionalProperties":false}"#)
        let validator = SchemaValidator(try JSONSchema(text))
        #expect(try validator.isValid(JSONParser().parse(#"{"title":"a","tags":[],"level":"easy"}"#).root))
        #expect(try !validator.isValid(JSONParser().parse(#"{"title":"a","tags":[1],"level":"easy"}"#).root))
    }

    @Test(arguments: [
        ("a:string|null", #"{"type":["string","null"]}"#), ("a:int|str", #"{"type":["integer","string"]}"#),
        ("a:'null'|none", #"{"enum":["null","none"]}"#), ("a:bool[]", #"{"type":"array","items":{"type":"boolean"}}"#),
    ])
    func typesMayBeOneOrTheOther(_ list: String, _ type: String) throws {
        let text = String(decoding: try FieldList.schema(list), as: UTF8.self)
        #expect(text.hasPrefix(#"{"type":"object","properties":{"a":\#(type)},"#))
    }

    @Test(arguments: [
        "a:x|null", "a:any|null", "title", "a:string,,b:string", ":string", "a:text", "a:string,a:string", "",
    ])
    func nonsenseIsToldAsSuch(_ text: String) {
        #expect(throws: RetortError.self) { try FieldList.schema(text) }
    }
}

struct StrictSubsetTests {
    @Test func whatTheAPIRefusesIsToldWithItsPlace() throws {
        let schema = #"{"type":"object","properties":{"a":{"type":"string"},"b":{"allOf":[{}]}},"required":["a"]}"#
        let found = try StrictSubset.problems(in: Array(schema.utf8)).map(\.description)
        #expect(
            found == [
                "#: additionalProperties must be false",
                "#: b must be in required; where it may be missing, let its type be null as well",
                "#/properties/b/allOf: allOf is not supported: leave it out",
            ])
    }

    @Test func aFieldListIsTaken() throws {
        #expect(try StrictSubset.problems(in: FieldList.schema("a:string, b:integer[]")).isEmpty)
    }
}
