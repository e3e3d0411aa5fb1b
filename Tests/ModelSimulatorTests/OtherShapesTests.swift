import JSONText
import Testing

@testable import ModelSimulator

/// Anthropic's messages and OpenAI's responses. Other tests prove with the official clients that they can read them.
struct OtherShapesTests {
    private func messages(_ more: String = #","max_tokens":50"#) -> String {
        #"{"model":"m","system":"Be brief.","messages":[{"role":"user","content":[{"type":"text","text":"Why?"}]}]\#(more)}"#
    }

    private func input(_ more: String = "") -> String { #"{"model":"m","input":"Why?"\#(more)}"# }

    @Test func aMessageHasItsThoughtsAndItsText() throws {
        let bench = ResponderBench { $0.reasoningTokens = .fixed(5) }
        let answer = try json(bench.reply(messages(), .completion(.messages)).body)
        #expect(answer["content"]?.elements.map { $0["type"]?.string } == ["thinking", "text"])
        #expect(answer["stop_reason"]?.string == "max_tokens" || answer["stop_reason"]?.string == "end_turn")
        #expect(answer["usage"]?["output_tokens"]?.int ?? 0 > 0)
    }

    @Test func aMessageWithoutAMaximumOfTokensIsRefusedInAnthropicsWords() throws {
        let reply = ResponderBench().reply(messages(""), .completion(.messages))
        #expect(reply.status == 400)
        #expect(try json(reply.body)["error"]?["type"]?.string == "invalid_request_error")
        #expect(try json(reply.body)["type"]?.string == "error")
    }

    @Test func aResponseThatIsCutSaysWhy() throws {
        let reply = ResponderBench().reply(input(#","max_output_tokens":3"#), .completion(.responses))
        let answer = try json(reply.body)
        #expect(answer["status"]?.string == "incomplete")
        #expect(answer["incomplete_details"]?["reason"]?.string == "max_output_tokens")
        #expect(answer["output"]?.firstElement?["content"]?.firstElement?["type"]?.string == "output_text")
    }

    @Test(arguments: [CompletionRequest.Endpoint.messages, .responses])
    func aStreamSaysWhatTheWholeAnswerSays(_ endpoint: CompletionRequest.Endpoint) throws {
        let bench = ResponderBench { $0.answerTokens = .fixed(20) }
        func body(_ more: String) -> [UInt8] {
            let request = endpoint == .messages ? messages(#","max_tokens":50"# + more) : input(more)
            return bench.reply(request, .completion(endpoint)).body
        }
        let whole = try json(body(""))
        let text =
            endpoint == .messages
            ? whole["content"]?.firstElement : whole["output"]?.firstElement?["content"]?.firstElement
        let events = body(#","stream":true"#).split(separator: 0x0A).filter { $0.starts(with: Array("data: ".utf8)) }
        let parsed = try events.map { try json(Array($0.dropFirst(6))) }
        let deltas = parsed.compactMap { $0["delta"] }.compactMap { $0.string ?? $0["text"]?.string }
        #expect(deltas.joined() == text?["text"]?.string)
    }

    @Test func oneItemIsTheSameUnderBothEndpoints() throws {
        let chat = try completionRequest(#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#)
        let other = try completionRequest(
            #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}"#, .messages)
        #expect(chat.item == other.item)
    }
}
