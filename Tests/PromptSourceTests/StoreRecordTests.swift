import Basics
import Testing

@testable import PromptSource

@Suite("Records of a store as rows")
struct StoreRecordTests {
    private let input = InputSet(files: [.store("runs/draft", identity: Hash128(high: 1, low: 2))])

    private func record(_ members: String, status: String = #""ok""#) -> Row {
        let head = #"{"id":"q1","sample":2,"status":\#(status),"attempts":1,"row":4,"fingerprint":"0123456789abcdef","#
        return Row(
            number: 6, file: 0, line: 7, byteOffset: 0, content: .json(Array((head + members + "}").utf8)),
            id: Array("q1#2".utf8))
    }

    private static let answered =
        #""messages":[{"role":"user","content":"Why?"}],"messages_json":"","prompt":"","suffix":"","tools":"#
        + #""[{\"type\":\"function\"}]","response":"Because \"so\".","reasoning":"hm","value":"{\"n\":{\"k\":7}}","#
        + #""tool_calls":"","finish_reason":"stop","model":"m1","usage":{"prompt_tokens":5},"#
        + #""metadata":"{\"topic\":\"sky\",\"model\":\"mine\",\"level\":{\"of\":\"two\"}}""#

    private func parse(
        _ row: Row, _ template: String?, continues: Bool = false
    ) throws -> (text: String, row: PromptRow) {
        let template = try template.map { try Template.parse($0) }
        let parsed = try PromptParser(input, template: template, continues: continues).parse(row)
        switch parsed.shape {
        case .chat(let text), .prompt(let text): return (String(decoding: text, as: UTF8.self), parsed)
        case .fill, .batch: return ("", parsed)
        }
    }

    @Test("A template may name what the record says and what its row said")
    func fields() throws {
        let text =
            "{{id}} {{sample}} {{response}} {{finish}} {{value.n.k}} {{usage.prompt_tokens}} {{topic}} "
            + "{{metadata.topic}} {{level.of}} {{model}} {{prompt}}"
        let found = try parse(record(Self.answered), text)
        #expect(found.text == #""q1 2 Because \"so\". stop 7 5 sky sky two m1 Why?""#)
        #expect(found.row.explicitID == Array("q1#2".utf8))
        #expect(String(decoding: found.row.metadata, as: UTF8.self).contains(#""topic":"sky""#))
        #expect(found.row.members.isEmpty, "another prompt has no use for the tools")
        #expect(found.row.remarks.isEmpty)
    }

    @Test("Without a template what the record asked is sent")
    func again() throws {
        let found = try parse(record(Self.answered), nil)
        #expect(found.text == #"[{"role":"user","content":"Why?"}]"#)
        #expect(found.row.members.map(\.name) == ["tools"])
        #expect(found.row.explicitID == Array("q1#2".utf8))
    }

    @Test("A conversation goes on behind its answer")
    func continued() throws {
        let before = #"[{"role":"user","content":"Why?"},{"role":"assistant","content":"Because \"so\"."}"#
        let next = try parse(record(Self.answered), "And {{topic}}?", continues: true)
        #expect(next.text == before + #",{"role":"user","content":"And sky?"}]"#)
        #expect(next.row.members.map(\.name) == ["tools"])
        let turns = try parse(record(Self.answered), "@system\nShort.\n@user\nMore.", continues: true)
        #expect(
            turns.text == before + #",{"role":"system","content":"Short."},{"role":"user","content":"More."}]"#)
    }

    @Test("A continued completion begins with its prompt")
    func completion() throws {
        let asked = #""messages":[],"messages_json":"","prompt":"Once","response":" upon","metadata":"{}""#
        let found = try parse(record(asked), "Go on.", continues: true)
        #expect(
            found.text == #"[{"role":"user","content":"Once"},{"role":"assistant","content":" upon"},"#
                + #"{"role":"user","content":"Go on."}]"#)
    }

    @Test("What cannot be continued is a bad row that names the item")
    func faults() throws {
        let failed = record(
            #""messages":[{"role":"user","content":"Why?"}],"error":"no","metadata":"{}""#,
            status: #""failed","class":"timeout""#)
        let calls = record(Self.answered.replacing(#""tool_calls":"""#, with: #""tool_calls":"[{}]""#))
        for row in [failed, calls] {
            let error = #expect(throws: RetortError.self) { try parse(row, "Go on.", continues: true) }
            #expect(error?.code == .badInput)
            #expect(error?.place?.contains("runs/draft, q1#2") == true)
        }
        let missing = #expect(throws: RetortError.self) { try parse(record(Self.answered), "{{topics}}") }
        #expect(missing?.cause?.contains("topic") == true)
        #expect(try parse(failed, "{{class}}: {{error}}").text == #""timeout: no""#)
    }
}
