import JSONText
import ModelAPI
import Testing

@testable import Dataset
@testable import Distillation

/// A secret that a server sends in pieces.
@Suite struct SplitSecretsTests {
    private static let key = "sk-abcdef0123456789"
    private let secrets = Secrets(environment: ["OPENAI_API_KEY": key])

    private struct Fixed: ModelTransport {
        let body: String

        func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
            .success(ModelReply(status: 200, body: Array(body.utf8)))
        }
    }

    private func chunk(_ text: String, _ finish: String = "null") -> String {
        #"{"choices":[{"index":0,"delta":{"content":"\#(text)"},"finish_reason":\#(finish)}]}"#
    }

    private func reply(_ body: String) async throws -> ModelReply {
        try await secrets.guarding(Fixed(body: body)).send(ModelRequest(path: "/", body: [])).get()
    }

    private func classified(_ reply: ModelReply) -> Verdict {
        var classifier = Classifier()
        classifier.stages = secrets.stages
        return classifier.classify(.success(reply), with: JSONParser())
    }

    @Test(arguments: 1..<key.utf8.count) func noCutHidesIt(cut: Int) async throws {
        let (head, tail) = (Self.key.prefix(cut), Self.key.dropFirst(cut))
        let events = "data: \(chunk("say \(head)"))\n\ndata: \(chunk("\(tail).", #""stop""#))\n\ndata: [DONE]\n\n"
        let reply = try await reply(events)
        guard case .answer(let answer) = classified(reply) else {
            Issue.record("no answer")
            return
        }
        #expect(String(decoding: answer.responseRaw, as: UTF8.self) == #""say *******************.""#)
        #expect(!String(decoding: reply.body, as: UTF8.self).contains("0123456789"))
    }

    @Test func otherShapesOfStreams() async throws {
        let message = """
            event: message_start
            data: {"type":"message_start","message":{"model":"m","content":[],"usage":{}}}

            data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"sk-abcdef"}}

            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"0123456789"}}

            data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}

            data: {"type":"message_stop"}


            """
        let lines = """
            {"model":"m","message":{"role":"assistant","content":"sk-abcdef"},"done":false}
            {"model":"m","message":{"role":"assistant","content":"0123456789"},"done":true,"done_reason":"stop"}

            """
        for body in [message, lines] {
            let reply = try await reply(body)
            #expect(!String(decoding: reply.body, as: UTF8.self).contains("0123456789"))
            guard case .answer(let answer) = classified(reply) else {
                Issue.record("no answer of \(body)")
                continue
            }
            #expect(String(decoding: answer.responseRaw, as: UTF8.self) == #""*******************""#)
        }
    }

    @Test func aStreamThatBreaksOffStaysBroken() async throws {
        let reply = try await reply("data: \(chunk("sk-abcdef"))\n\ndata: \(chunk("0123456789"))\n\n")
        #expect(!String(decoding: reply.body, as: UTF8.self).contains("0123456789"))
        guard case .retry = classified(reply) else {
            Issue.record("taken for whole")
            return
        }
    }

    @Test func partsOfOneAnswerAreLookedAtTogether() async throws {
        let body = #"""
            {"choices":[{"message":{"content":[{"type":"text","text":"sk-abcdef"},{"type":"text","text":"0123456789"}]},
            "finish_reason":"stop"}]}
            """#
        guard case .answer(let answer) = classified(try await reply(body)) else { return }
        #expect(!String(decoding: answer.responseRaw, as: UTF8.self).contains("0123456789"))
        #expect(!String(decoding: answer.body, as: UTF8.self).contains("0123456789"))
    }

    @Test func whatHoldsNoSecretStaysAsItIs() async throws {
        let events = "data: \(chunk("sk-abc"))\n\ndata: \(chunk("x", #""stop""#))\n\ndata: [DONE]\n\n"
        #expect(try await reply(events).body == Array(events.utf8))
        #expect(Secrets.none.stages.isEmpty)
    }
}
