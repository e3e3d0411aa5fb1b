import Basics
import JSONText
import Testing

@testable import PromptSource

@Suite struct TemplateBlockTests {
    private func render(_ template: String, _ json: String) throws -> String {
        try readable(json, template: Template.parse(template)).shape
    }

    @Test(arguments: [
        ("{{a ?? \"none\"}}|{{b ?? 5}}|{{json c ?? \"x\"}}", #"{"a":null}"#, #"prompt "none|5|\"x\"""#),
        (#"{{a ?? "with }} \" and {{"}}"#, "{}", #"prompt "with }} \" and {{""#),
        ("{{json s}} {{json n}}", #"{"s":"a\"b","n":[1, "x"]}"#, #"prompt "\"a\\\"b\" [1, \"x\"]""#),
        ("{{#if a}}yes{{else}}no{{/if}}", #"{"a":"x"}"#, #"prompt "yes""#),
        ("{{#if a}}yes{{else}}no{{/if}}", #"{"a":[]}"#, #"prompt "no""#),
        ("{{#unless a}}no{{/unless}}.", #"{"a":0}"#, #"prompt "no.""#),
        (#"{{#if a == "x"}}1{{/if}}{{#if a != "x"}}2{{/if}}"#, #"{"a":"x"}"#, #"prompt "1""#),
        (#"{{#if n == 3}}1{{else}}2{{/if}}"#, #"{"n":3.0}"#, #"prompt "1""#),
        (#"{{#if n == 3}}1{{else}}2{{/if}}"#, #"{"n":"3"}"#, #"prompt "1""#),
        ("Hi\n{{#if a}}\nA {{a}}\n{{/if}}\nbye\n", #"{"a":1}"#, #"prompt "Hi\nA 1\nbye""#),
        ("Hi\n{{#if a}}\nA {{a}}\n{{/if}}\n", "{}", #"prompt "Hi""#),
        ("{{#each l}}{{@number}}:{{this}}{{#unless @last}}, {{/unless}}{{/each}}", #"{"l":["x",2,null]}"#, "null"),
        (
            "{{#each l}}{{@number}}:{{this}}{{#unless @last}}, {{/unless}}{{/each}}", #"{"l":["x",2]}"#,
            #"prompt "1:x, 2:2""#
        ),
        (
            "{{#each l}}\n- {{name}} {{this.n}} {{top}} {{@index}}\n{{/each}}\n",
            #"{"top":"t","l":[{"name":"a","n":1},{"name":"b","n":{"m":2}}]}"#,
            #"prompt "- a 1 t 0\n- b {\"m\":2} t 1""#
        ),
        ("{{#each l}}x{{else}}none{{/each}}", #"{"l":[]}"#, #"prompt "none""#),
        ("{{#each l}}{{#each this}}{{this}}{{/each}};{{/each}}", #"{"l":[[1,2],[3]]}"#, #"prompt "12;3;""#),
        ("{{#each l}}{{this}}{{/each}}", #"{"l":"[1, 2]"}"#, #"prompt "12""#),
        ("{{#items}}{{@number}}. {{q}} {{/items}}", #"{"items":[{"q":"a"},{"q":"b"}]}"#, #"prompt "1. a 2. b ""#),
        (
            "{{#each shots}}\n@user\n{{q}}\n@assistant\n{{a}}\n{{/each}}\n@user\n{{q}}\n",
            #"{"q":"last","shots":[{"q":"1","a":"2"}]}"#,
            #"chat [{"role":"user","content":"1"},{"role":"assistant","content":"2"},{"role":"user","content":"last"}]"#
        ),
        (
            "{{#if s}}\n@system\n{{s}}\n{{/if}}\n@user\nq", "{}", #"chat [{"role":"user","content":"q"}]"#
        ),
        ("@system\n{{#if s}}\n{{s}}\n{{/if}}\n@user\nq", "{}", #"chat [{"role":"user","content":"q"}]"#),
        // Names that look like tags are fields where no tag is possible.
        ("{{else}} {{#}} {{#1}} {{price (USD)}}", ##"{"else":1,"#":2,"#1":3,"price (USD)":4}"##, #"prompt "1 2 3 4""#),
    ]) func blocksRender(template: String, json: String, expected: String) throws {
        if expected == "null" {
            let error = try fault(Array(json.utf8), template: Template.parse(template))
            #expect(error?.message.contains("is null") == true)
            return
        }
        let shape = try render(template, json)
        #expect(shape == expected)
        let token = try #require(shape.split(separator: " ", maxSplits: 1).last)
        #expect(throws: Never.self, "legal JSON") { try JSONParser().parse(String(token)) }
    }

    @Test(arguments: [
        ("a\n{{#if x}}b", "t:2:1", "has no end"), ("{{/if}}", "t:1:1", "ends no block"),
        ("{{#if x}}{{/each}}", "t:1:10", "ends no block"), ("{{#each}}x{{/each}}", "t:1:1", "names no list"),
        ("{{#if}}x{{/if}}", "t:1:1", "names no field"), ("{{#if a}}{{else}}{{else}}{{/if}}", "t:1:18", "second"),
        ("{{#if a == x}}1{{/if}}", "t:1:1", "not JSON"), ("{{a ?? b}}", "t:1:1", "not JSON"),
        ("x {{ name | upper }}", "t:1:3", "a filter"), ("{{ user['name'] }}", "t:1:1", "an index"),
        ("{{ f(x) }}", "t:1:1", "a call"), ("{{ 'text' }}", "t:1:1", "an expression"),
        ("a\n {# remark #}", "t:2:2", "a remark"), ("{% for x in y %}", "t:1:1", "a statement"),
        ("{{ x[0] }}", "t:1:1", "an index"), ("{{#if a}}x{{/if}}\n@user\ny", "t:1:1", "before the first turn"),
        (String(repeating: "{{#if a}}", count: 17), "t:1:145", "deeper than"),
        ("{{#if a}}\n@user\n{{/if}}\n@user\nx", "t:2:1", "is empty"),
        ("@image {{#if a}}x.png{{/if}}", "t:1:1", "holds a block"),
    ]) func mistakesNameTheirPlace(text: String, place: String, message: String) {
        #expect {
            try Template.parse(text, name: "t")
        } throws: { error in
            let error = error as? RetortError
            return error?.code == .configuration && error?.place == place && error?.message.contains(message) == true
        }
    }

    @Test func fieldsOfBlocksAreTheRowsAndOnlyTheNeededOnesAreMissed() throws {
        let template = try Template.parse(
            "{{a}}{{b ?? 1}}{{#if c}}{{d}}{{/if}}{{#each e}}{{this.x}}{{@index}}{{f}}{{/each}}")
        #expect(template.fields == ["a", "b", "c", "d", "e", "f"])
        let fields = RowFields(try JSONParser().parse(Array("{}".utf8)).root, in: Array("{}".utf8))
        #expect(template.missing(in: fields) == ["a", "e"])
        #expect(try fault(Array(#"{"a":1,"e":1}"#.utf8), template: template)?.message.contains("list 'e'") == true)
        let empty = try Template.parse("{{#if x}}y{{/if}}")
        #expect(try fault(Array("{}".utf8), template: empty)?.message.contains("leaves nothing") == true)
    }

    @Test func whatGrowsWithoutBoundIsRefused() throws {
        let loops = String(repeating: "{{#each l}}", count: 9) + String(repeating: "{{/each}}", count: 9)
        let list = "[" + (0..<10).map(String.init).joined(separator: ",") + "]"
        let error = try fault(Array("{\"l\":\(list)}".utf8), template: Template.parse(loops))
        #expect(error?.message.contains("steps") == true)
    }

    /// Parsing a list from a text for each element of another list is refused.
    @Test func readingATextAgainAndAgainIsRefused() throws {
        let template = try Template.parse("{{#each a}}{{#each b}}{{this}}{{/each}}{{/each}}")
        let numbers = "[" + repeatElement("1", count: 1000).joined(separator: ",") + "]"
        let row = Array("{\"a\":\(numbers),\"b\":\"[2]\(String(repeating: " ", count: 4000))\"}".utf8)
        let fields = RowFields(try JSONParser().parse(row).root, in: row)
        let error = #expect(throws: RowFault.self) { _ = try template.render(fields, stepsMax: 100_000) }
        #expect(error?.message.contains("steps") == true)
        _ = try template.render(fields, stepsMax: 1_100_000)
    }

    /// The last line break is dropped, because the placeholder's line continues.
    @Test func aFilesTextIsInsertedAsItIs() throws {
        let directory = try TemporaryDirectory()
        let shots = try directory.write("shots.txt", Array("Q: {{q}}\n@user\n".utf8))
        #expect(
            try render("Before {{file \"\(shots)\"}}: {{q}}", #"{"q":"now"}"#)
                == #"prompt "Before Q: {{q}}\n@user: now""#)
    }

    @Test func aFileThatCannotBeInserted() {
        let error = #expect(throws: RetortError.self) { _ = try Template.parse("one\n{{file \"/nowhere/shots.txt\"}}") }
        #expect(error?.message == #"the file "/nowhere/shots.txt" cannot be inserted"#)
        #expect(error?.place == "template:2:1")
    }

    // MARK: Attachments

    private static let png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2] as [UInt8]

    @Test func imagesAndDocumentsBecomeParts() throws {
        let directory = try TemporaryDirectory()
        _ = try directory.write("a.png", Self.png)
        _ = try directory.write("b.pdf", Array("%PDF-1.4".utf8))
        let template =
            "@system\nLook.\n@user\nWhat is it?\n@image \(directory.path)/{{file}}\n\nAnd this?\n@file \(directory.path)/b.pdf\n"
        let shape = try render(template, #"{"file":"a.png"}"#)
        #expect(
            shape == #"chat [{"role":"system","content":"Look."},{"role":"user","content":"#
                + #"[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoBAg=="}},"#
                + #"{"type":"text","text":"And this?"},{"type":"file","file":{"filename":"b.pdf","file_data":"data:application/pdf;base64,JVBERi0xLjQ="}}]}]"#
        )
        // Without turns it is a user turn.
        #expect(
            try render("@image \(directory.path)/a.png", "{}").hasPrefix(
                #"chat [{"role":"user","content":[{"type":"image_url""#))
        #expect(try render("@image of a cat\n@@image a.png", "{}") == #"prompt "@image of a cat\n@image a.png""#)
    }

    @Test func onlyImagesAndDocumentsOfSensibleSizeAreSent() throws {
        let directory = try TemporaryDirectory()
        let text = try directory.write("secret.txt", "root:x:0:0")
        _ = try directory.write("big.png", Self.png + [UInt8](repeating: 0, count: AttachedFile.imageBytesMax))
        func message(_ path: String) throws -> String? {
            try fault(Array("{\"p\":\"\(path)\"}".utf8), template: Template.parse("@image {{p}}"))?.message
        }
        #expect(try message(text)?.contains("is not a PNG") == true)
        #expect(try message(directory.path + "/big.png")?.contains("larger than 20 MiB") == true)
        #expect(try message(directory.path + "/none.png")?.contains("cannot be read") == true)
        #expect(try message(directory.path)?.contains("not a regular file") == true)
        #expect(try message("")?.contains("not a path") == true)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("\u{FF}\u{FE}", "w7/Dvg=="),
    ])
    func base64IsTheUsualOne(text: String, expected: String) {
        var output: [UInt8] = []
        AttachedFile.appendBase64(Array(text.utf8), to: &output)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }
}
