import JSONText
import Testing

@testable import ModelSimulator

@Suite struct StructuredTextTests {
    private let generator = TextGenerator(seed: 9, answerTokens: .fixed(20), reasoningTokens: nil)

    private func value(format: String, prompt: String = "entropy of gases") throws -> JSONValue {
        let request = try completionRequest(chat(prompt, #","response_format":\#(format)"#))
        return try json(generator.generation(for: request, topic: 0, choice: 0).content)
    }

    private func instance(of schema: String) throws -> JSONValue {
        try value(format: #"{"type":"json_schema","json_schema":{"name":"s","schema":\#(schema)}}"#)
    }

    @Test func aJSONObjectIsOne() throws {
        let root = try value(format: #"{"type":"json_object"}"#)
        #expect(root.kind == .object && root["summary"]?.kind == .string)
        #expect(try value(format: #"{"type":"json_schema","json_schema":{"name":"s"}}"#).kind == .object)
    }

    @Test func aSchemaIsFollowed() throws {
        let root = try instance(
            of: #"""
                {"type":"object","required":["a"],"properties":{
                  "a":{"type":"string"},"b":{"type":"integer","minimum":3,"maximum":5},"c":{"type":["number","null"]},
                  "d":{"type":"array","items":{"enum":["x","y"]},"minItems":3},"e":{"const":{"k":[1]}},
                  "f":{"$ref":"#/$defs/flag"},"g":{"anyOf":[{"type":"null"},{"type":"string"}]},"h":{"type":"array",
                  "items":{"type":"string"},"maxItems":1}},"$defs":{"flag":{"type":"boolean"}}}
                """#)
        #expect(root.members.map { $0.key.string } == ["a", "b", "c", "d", "e", "f", "g", "h"])
        #expect(root["a"]?.kind == .string)
        #expect(try (3...5).contains(#require(root["b"]?.int)))
        #expect(root["c"]?.kind == .number)
        #expect(root["d"]?.elements.count == 3)
        #expect(root["d"]?.elements.allSatisfy { ["x", "y"].contains($0.string) } == true)
        #expect(root["e"]?["k"]?.elements.first?.int == 1)
        #expect(root["f"]?.kind == .boolean)
        #expect(root["g"]?.kind == .null)
        #expect(root["h"]?.elements.count == 1)
    }

    @Test func recursiveSchemasEnd() throws {
        let tree = try instance(
            of: ##"""
                {"type":"object","properties":{"name":{"type":"string"},
                 "children":{"type":"array","items":{"$ref":"#"}}}}
                """##)
        #expect(tree["children"]?.elements.count == 2)
        let list = try instance(
            of: ##"{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}}"##)
        #expect(list["next"]?.kind == .object)
        let loop = try instance(of: ##"{"$ref":"#"}"##)
        #expect(loop.kind == .null)
    }

    @Test func boundsOfNumbersHold() throws {
        for (bounds, range) in [
            (#""minimum":10"#, 10...Int.max), (#""maximum":-4"#, Int.min...(-4)),
            (#""exclusiveMinimum":0"#, 1...Int.max),
            (#""minimum":2,"exclusiveMaximum":3"#, 2...2), (#""minimum":0.5,"maximum":1.5"#, 1...1),
        ] {
            let number = try #require(try instance(of: #"{"type":"integer",\#(bounds)}"#).int)
            #expect(range.contains(number), "\(bounds): \(number)")
        }
    }
}
