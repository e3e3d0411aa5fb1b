import JSONText
import Testing

@testable import ModelAPI

/// A continued conversation keeps its bytes, followed by two turns.
@Suite struct NextTurnTests {
    private func next(_ body: String, answer: String = #""no""#, saying text: String = "Why?\n") -> String? {
        let answer = ModelAnswer(body: [], responseRaw: Array(answer.utf8)[...])
        let request = ModelRequest(path: "/p", body: Array(body.utf8))
        let next = NextTurn.request(after: answer, of: request, saying: Array(text.utf8), with: JSONParser())
        return next.map { $0.path + String(decoding: $0.body, as: UTF8.self) }
    }

    private let turns = #"{"role":"assistant","content":"no"},{"role":"user","content":"Why?\n"}"#

    @Test(arguments: [
        (
            #"{"model":"m", "messages" : [ {"role":"user","content":"a"} ],"x":[1.50]}"#,
            #"{"model":"m", "messages" : [ {"role":"user","content":"a"} ,TURNS],"x":[1.50]}"#
        ),
        (#"{"messages":[],"messages2":[1]}"#, #"{"messages":[TURNS],"messages2":[1]}"#),
        (#"{"input":[{"role":"user","content":"a"}]}"#, #"{"input":[{"role":"user","content":"a"},TURNS]}"#),
        (#"{"input":"a\u00e9","model":"m"}"#, #"{"input":[{"role":"user","content":"a\u00e9"},TURNS],"model":"m"}"#),
    ])
    func twoTurnsAreAppended(body: String, expected: String) {
        #expect(next(body) == "/p" + expected.replacing("TURNS", with: turns))
    }

    @Test(arguments: [#"{"prompt":"a"}"#, #"{"messages":"a"}"#, "[]", "{", #"{"input":3}"#])
    func aBodyWithoutAConversationHasNoNextTurn(body: String) { #expect(next(body) == nil) }

    @Test func anAnswerWithoutTextSaysSo() {
        #expect(next(#"{"messages":[]}"#, answer: #"" ""#)?.contains(#""content":"(no text)""#) == true)
    }

    @Test func theBodyStaysValidWhateverIsSaid() throws {
        let text = "\u{0}\"\\\u{2028}\n"
        let body = try #require(next(#"{"messages":[]}"#, answer: #""\ud83d""#, saying: text))
        let root = try JSONParser().parse(Array(body.dropFirst(2).utf8)).root
        let turns = root["messages"]!.elements
        #expect(turns[0]["content"]?.string == "\u{FFFD}")
        #expect(turns[1]["content"]?.string == text)
    }
}
