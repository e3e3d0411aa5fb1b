import Basics
import JSONText
import Testing

@testable import ModelAPI

/// Arrays with one element per item.
@Suite struct ArrayDivisionTests {
    private func divide(_ text: String, _ count: Int) -> DividedReply? {
        var token: [UInt8] = []
        JSONString.append(text, to: &token)
        let body =
            Array(#"{"model":"m","choices":[{"message":{"reasoning":"r","content":"#.utf8) + token
            + Array(#"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":7}}"#.utf8)
        return ArrayDivision(splitsThinking: true).divide(
            ModelReply(status: 200, body: body), for: count, with: JSONParser())
    }

    /// Each item's part as an answer, or why it is missing.
    private func elements(_ divided: DividedReply?) -> [String] {
        (divided?.parts ?? []).map { part in
            if part.missing != nil { return "missing" }
            guard case .answer(let answer) = AnswerParser.parse(part.reply.body, with: JSONParser()),
                case .accept(let judged) = ElementStage(correctionsMax: 0).judge(
                    answer, of: AskedRequest(ModelRequest(path: "", body: [])), with: JSONParser()),
                case .accept(let element) = ElementTextStage().judge(
                    judged, of: AskedRequest(ModelRequest(path: "", body: [])), with: JSONParser())
            else { return "no answer" }
            let response = String(
                decoding: JSONString.unescape(element.responseRaw.dropFirst().dropLast()), as: UTF8.self)
            return response + "|" + String(decoding: element.valueRaw ?? [], as: UTF8.self)
        }
    }

    private let long = #"{"text":"\#(String(repeating: "x", count: 80))"}"#

    @Test func eachItemHasItsElement() {
        #expect(elements(divide(#"["a",{"b":1},3]"#, 3)) == [#"a|"a""#, #"{"b":1}|{"b":1}"#, "3|3"])
        #expect(elements(divide("<think>[1]</think>Here:\n```json\n[1, [2]]\n```", 2)) == ["1|1", "[2]|[2]"])
        #expect(elements(divide(#"["a\"\\ü","b"]"#, 2)) == [#"a"\ü|"a\"\\ü""#, #"b|"b""#])
    }

    @Test(arguments: ["", "none", "[1,2]", "[1,2,3,4]", #"{"a":1}"#, "[1,2,3", "[]"])
    func anArrayOfAnotherLengthTellsNothing(text: String) {
        let divided = divide(text, 3)
        #expect(elements(divided) == (text.isEmpty ? elements(divided) : ["missing", "missing", "missing"]))
        #expect((divided?.parts ?? []).reduce(0) { $0 + ($1.bill?.usage.completion ?? 0) } == (divided == nil ? 0 : 7))
    }

    @Test func nothingBehindARepeatedElementIsTrusted() {
        #expect(elements(divide("[1,\(long),\(long),4]", 4)) == ["1|1", "\(long)|\(long)", "missing", "missing"])
        // Labels may well be equal.
        #expect(elements(divide(#"["yes","yes"]"#, 2)) == [#"yes|"yes""#, #"yes|"yes""#])
    }

    @Test func nullIsMissing() { #expect(elements(divide("[1,null,3]", 3)) == ["1|1", "missing", "3|3"]) }

    @Test func theBillIsDividedAmongAllAndTheRestIsTheFirsts() throws {
        let divided = try #require(divide("[1,2,3]", 3))
        #expect(divided.parts.map(\.bill?.usage.prompt) == [4, 3, 3])
        #expect(divided.parts.map(\.bill?.usage.completion) == [3, 2, 2])
        let reasonings = divided.parts.map { part -> Int in
            guard case .answer(let answer) = AnswerParser.parse(part.reply.body, with: JSONParser()) else { return -1 }
            return answer.reasoningRaw.count - 2
        }
        #expect(reasonings == [1, 0, 0])
    }

    @Test func oneElementIsTakenOutOfItsArray() {
        func judge(_ text: String, _ corrections: Int) -> StageVerdict {
            var token: [UInt8] = []
            JSONString.append(text, to: &token)
            let request = ModelRequest(path: "", body: Array(#"{"messages":[{"role":"user","content":"q"}]}"#.utf8))
            return ElementStage(correctionsMax: corrections).judge(
                ModelAnswer(body: [], responseRaw: token[...]), of: AskedRequest(request), with: JSONParser())
        }
        func text(_ verdict: StageVerdict) -> String? {
            guard case .accept(let answer) = verdict else { return nil }
            return String(decoding: JSONString.unescape(answer.responseRaw.dropFirst().dropLast()), as: UTF8.self)
        }
        #expect(text(judge(#"[{"a":1}]"#, 0)) == #"{"a":1}"#)
        #expect(text(judge(#"{"a":1}"#, 0)) == #"{"a":1}"#)
        for bad in ["[1,2]", "[]", "[null]", "prose"] {
            guard case .reject(.invalidOutput, _) = judge(bad, 0) else {
                Issue.record("\(bad) is accepted")
                continue
            }
            guard case .ask(let next, .invalidOutput, _) = judge(bad, 1) else {
                Issue.record("\(bad) is not asked again")
                continue
            }
            #expect(String(decoding: next.body, as: UTF8.self).contains("exactly 1 element"))
        }
    }
}
