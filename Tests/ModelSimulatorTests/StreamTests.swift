import Basics
import JSONText
import Testing

@testable import ModelSimulator

@Suite struct StreamTests {
    /// The payloads of the events, `[DONE]` included.
    private func events(_ body: [UInt8]) -> [String] {
        let text = String(decoding: body, as: UTF8.self)
        #expect(text.hasSuffix("\n\n"))
        return text.split(separator: "\n\n").map { String($0.dropFirst("data: ".count)) }
    }

    @Test func theDeltasOfAChatAddUpToTheAnswer() throws {
        let bench = ResponderBench { $0.reasoningTokens = .fixed(10) }
        let whole = try json(bench.reply(chat("entropy")).body)["choices"]?.elements.first?["message"]
        let reply = bench.reply(chat("entropy", #","stream":true,"stream_options":{"include_usage":true}"#))
        #expect(reply.contentType == "text/event-stream")
        var events = events(reply.body)
        #expect(events.popLast() == "[DONE]")
        let chunks = try events.map { try JSONParser().parse($0).root }
        #expect(Set(chunks.map { $0["id"]?.string }).count == 1)
        #expect(chunks.allSatisfy { $0["object"]?.string == "chat.completion.chunk" })
        let deltas = chunks.compactMap { $0["choices"]?.elements.first?["delta"] }
        #expect(deltas.first?["role"]?.string == "assistant")
        #expect(deltas.compactMap { $0["content"]?.string }.joined() == whole?["content"]?.string)
        #expect(deltas.compactMap { $0["reasoning_content"]?.string }.joined() == whole?["reasoning_content"]?.string)
        let finishes = chunks.compactMap { $0["choices"]?.elements.first?["finish_reason"]?.string }
        #expect(finishes == ["stop"])
        #expect(chunks.last?["choices"]?.elements.isEmpty == true)
        #expect(chunks.last?["usage"]?["total_tokens"]?.int ?? 0 > 10)
        #expect(chunks.first?["usage"]?.kind == .null)
    }

    @Test func theTextsOfACompletionAddUp() throws {
        let bench = ResponderBench()
        let body = #"{"model":"m","prompt":"def f():","suffix":"return 1","n":2}"#
        let whole = try json(bench.reply(body, .completion(.completions)).body)["choices"]?.elements
        let streamed = body.dropLast() + #","stream":true}"#
        var events = events(bench.reply(String(streamed), .completion(.completions)).body)
        #expect(events.popLast() == "[DONE]")
        var texts = ["", ""]
        for event in events {
            let chunk = try JSONParser().parse(event).root
            #expect(chunk["object"]?.string == "text_completion" && chunk["usage"] == nil)
            let choice = try #require(chunk["choices"]?.elements.first)
            texts[try #require(choice["index"]?.int)] += try #require(choice["text"]?.string)
        }
        #expect(texts == whole?.map { $0["text"]?.string })
    }

    @Test func eventsLeaveWhenTheirTokensAreDue() {
        var reply = Reply(body: [UInt8](repeating: 0, count: 40))
        reply.marks = [.init(end: 10, tokens: 0), .init(end: 20, tokens: 2), .init(end: 40, tokens: 5)]
        reply.timePerToken = .milliseconds(10)
        #expect([0, 19, 20, 49, 50].map { reply.bytesDue(after: .milliseconds($0)) } == [10, 10, 20, 20, 40])
        #expect(reply.nextDue(after: .zero) == .milliseconds(20))
        #expect(reply.nextDue(after: .milliseconds(20)) == .milliseconds(50))
        #expect(reply.nextDue(after: .milliseconds(50)) == nil)
        reply.ending = .stall(after: 15)
        #expect(reply.bytesDue(after: .milliseconds(50)) == 15)
        #expect(reply.isCut(at: 15) && !reply.isCut(at: 14))
    }

    @Test func aTruncatedStreamHasNoEnd() throws {
        let bench = ResponderBench { $0.faults.rates = [.init(.truncate, 1)] }
        let reply = bench.reply(chat("entropy", #","stream":true"#))
        #expect(!String(decoding: reply.body, as: UTF8.self).contains("[DONE]"))
        #expect(reply.marks.last?.end == reply.body.count)
    }

    @Test func malformedEventsAreNotJSON() throws {
        let bench = ResponderBench { $0.faults.rates = [.init(.malformed, 1)] }
        let events = events(bench.reply(chat("entropy", #","stream":true"#)).body)
        #expect(throws: JSONError.self) { try JSONParser().parse(events[1]) }
    }
}
