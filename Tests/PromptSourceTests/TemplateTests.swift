import Basics
import JSONText
import Testing

@testable import PromptSource

@Suite struct TemplateTests {
    private func render(_ template: String, _ json: String) throws -> String {
        try readable(json, template: Template.parse(template)).shape
    }

    @Test(arguments: [
        ("Q: {{q}}\nA:\n", #"{"q":"x"}"#, #"prompt "Q: x\nA:""#),
        ("{{ q }}{{q}}", #"{"q":"a\"\u00e9\ud800"}"#, #"prompt "a\"\u00e9\ud800a\"\u00e9\ud800""#),
        (
            "{{n}} {{b}} {{o}} {{a}}", #"{"n":1.50,"b":true,"o":{"k": "v\n"},"a":[]}"#,
            #"prompt "1.50 true {\"k\": \"v\\n\"} []""#
        ),
        ("{{a.b}} {{a.c.d}}", #"{"a":{"b":1,"c":{"d":"x"}}}"#, #"prompt "1 x""#),
        ("{{a.b}}", #"{"a":{"b":1},"a.b":2}"#, #"prompt "2""#),
        ("{{é}}", #"{"\u00e9":"x"}"#, #"prompt "x""#),
        ("say \"hi\"\t\\ {x} }} {", #"{}"#, #"prompt "say \"hi\"\t\\ {x} }} {""#),
        ("{{{{ {{{q}}} {{{{{q}}}}} {{{{{{q}}", #"{"q":"x"}"#, #"prompt "{{ {x} {{{q}}}}} {{x""#),
        ("\n\n{{q}}\n\n", #"{"q":"\n"}"#, #"prompt "\n""#),
        ("\u{FEFF}x\r\n", "{}", #"prompt "x""#),
        ("@usr and a@user\n @user", "{}", #"prompt "@usr and a@user\n @user""#),
        ("@user\n{{q}}", #"{"q":"x"}"#, #"chat [{"role":"user","content":"x"}]"#),
        (
            "\n@system \r\n\nBe {{how}}.\n\n@user\t\nQ\n\nA\n@@user\n@@x\n@assistant\n{\n", #"{"how":"brief"}"#,
            #"chat [{"role":"system","content":"Be brief."},{"role":"user","content":"Q\n\nA\n@user\n@@x"},"#
                + #"{"role":"assistant","content":"{"}]"#
        ),
    ]) func templatesRender(template: String, json: String, expected: String) throws {
        let shape = try render(template, json)
        #expect(shape == expected)
        let token = try #require(shape.split(separator: " ", maxSplits: 1).last)
        #expect(throws: Never.self, "legal JSON") { try JSONParser().parse(String(token)) }
    }

    @Test func theRowsFieldsStayAsMetadataButForTheID() throws {
        let row = try readable(#"{"id":"7","q":"x","prompt":"y"}"#, template: Template.parse("{{q}}"))
        #expect(row == Readable(id: "7", shape: #"prompt "x""#, metadata: #"{"q":"x","prompt":"y"}"#))
    }

    @Test func aMissingFieldNamesTheRowAndWhatThereIs() throws {
        let error = try #require(
            try fault(Array(#"{"a":1,"b":2}"#.utf8), template: Template.parse("{{question}}")))
        #expect(error.code == .badInput && error.place == "standard input:7")
        #expect(error.message == "the template's field 'question' is not in the row")
        #expect(error.cause == "the row has the fields a, b")
    }

    @Test(arguments: [#"{"a":{"c":1}}"#, #"{"a":1}"#, #"{"a.b.c":1}"#, #"{}"#, #"{"a":null}"#])
    func aPathThatLeadsNowhereIsMissing(json: String) throws {
        let error = try fault(Array(json.utf8), template: Template.parse("{{a.b}}"))
        #expect(error?.message == "the template's field 'a.b' is not in the row")
    }

    @Test func nullIsNoText() throws {
        let error = try fault(Array(#"{"a":null}"#.utf8), template: Template.parse("{{a}}"))
        #expect(error?.message == "the template's field 'a' is null" && error?.place == "standard input:7:6")
    }

    @Test(arguments: [
        ("a\nb {{c\n}}", "t:2:3", "not closed"), ("{{", "t:1:1", "not closed"), ("x {{a}", "t:1:3", "not closed"),
        ("{{}}", "t:1:1", "names no field"), ("{{ \t}}", "t:1:1", "names no field"),
        ("{{a{b}}", "t:1:1", "holds a brace"), ("{{a}b}}", "t:1:1", "holds a brace"),
        ("x\n@user\ny", "t:1:1", "before the first turn"), ("", "t:1:1", "empty"), ("\n\r\n", "t:1:1", "empty"),
        ("@user\nx\n@assistant\n\n", "t:3:1", "the turn @assistant is empty"),
        ("@system\n@user\nx", "t:1:1", "the turn @system is empty"),
    ]) func mistakesNameTheirPlace(text: String, place: String, message: String) {
        #expect {
            try Template.parse(text, name: "t")
        } throws: { error in
            let error = error as? RetortError
            return error?.code == .configuration && error?.place == place && error?.message.contains(message) == true
        }
    }

    @Test func theFieldsAreListedOnce() throws {
        #expect(try Template.parse("{{b}} {{a.x}} {{ b }}").fields == ["a.x", "b"])
    }

    @Test func aFileIsLoadedWhole() throws {
        let directory = try TemporaryDirectory()
        let text = "@user\n" + String(repeating: "long ", count: 100_000) + "{{q}}"
        #expect(try Template.load(directory.write("t.txt", text)) == Template.parse(text))
    }

    @Test func aFileThatIsNoTemplateIsNamed() throws {
        let directory = try TemporaryDirectory()
        let rubbish = try directory.write("a", [0x61, 0xFF])
        let huge = try directory.write("b", [UInt8](repeating: 0x61, count: Template.bytesMax + 1))
        for path in [rubbish, huge, directory.path + "/none"] {
            #expect {
                try Template.load(path)
            } throws: { ($0 as? RetortError)?.place == path }
        }
    }
}
