import Basics
import JSONText
import Testing

@testable import ModelSimulator

@Suite struct ResponderTests {
    @Test func aChatAnswerHasTheShapeOfTheApi() throws {
        let bench = ResponderBench()
        let reply = bench.reply(chat("why is the sky blue"))
        #expect(reply.status == 200 && reply.delay == .zero && reply.ending == .whole)
        let root = try json(reply.body)
        #expect(root["id"]?.string?.hasPrefix("chatcmpl-") == true)
        #expect(root["object"]?.string == "chat.completion")
        #expect(root["created"]?.int == 1_763_600_000)
        #expect(root["model"]?.string == "m")
        let choice = try #require(root["choices"]?.elements.first)
        #expect(choice["index"]?.int == 0)
        #expect(choice["message"]?["role"]?.string == "assistant")
        #expect(choice["message"]?["refusal"]?.kind == .null)
        #expect(choice["logprobs"]?.kind == .null)
        #expect(choice["finish_reason"]?.string == "stop")
        let usage = try #require(root["usage"])
        let bytes = try #require(choice["message"]?["content"]?.stringBytes).count
        #expect(usage["prompt_tokens"]?.int == 5)
        #expect(usage["completion_tokens"]?.int == (bytes + 3) / 4)
        #expect(usage["total_tokens"]?.int == 5 + (bytes + 3) / 4)
        #expect(usage["prompt_tokens_details"]?["cached_tokens"]?.int == 0)
        #expect(usage["completion_tokens_details"]?["reasoning_tokens"]?.int == 0)
        #expect(reply.receipt?.completionTokens == (bytes + 3) / 4)
        #expect(reply.headers.contains { $0.name == "x-request-id" && $0.value.hasPrefix("req_") })
    }

    @Test func aTextCompletionHasTheShapeOfTheApi() throws {
        let reply = ResponderBench().reply(
            #"{"model":"m","prompt":["one","two"],"n":2}"#, .completion(.completions))
        let root = try json(reply.body)
        #expect(root["object"]?.string == "text_completion")
        let choices = try #require(root["choices"]?.elements)
        #expect(choices.map { $0["index"]?.int } == [0, 1, 2, 3])
        #expect(Set(choices.map { $0["text"]?.string }).count == 4)
    }

    @Test func reasoningStandsBesideTheContent() throws {
        let root = try json(ResponderBench { $0.reasoningTokens = .fixed(30) }.reply(chat("entropy")).body)
        let message = root["choices"]?.elements.first?["message"]
        let reasoning = try #require(message?["reasoning_content"]?.stringBytes)
        #expect(root["usage"]?["completion_tokens_details"]?["reasoning_tokens"]?.int == (reasoning.count + 3) / 4)
    }

    @Test func errorsHaveTheShapeOfTheApi() throws {
        let bench = ResponderBench { configuration in
            configuration.models = ["known"]
            configuration.apiKey = "sk-test"
        }
        func code(_ reply: Reply) throws -> String {
            let error = try #require(try json(reply.body)["error"])
            #expect(error.members.map { $0.key.string } == ["message", "type", "param", "code"])
            return "\(reply.status) \(error["code"]?.string ?? "null") \(error["param"]?.string ?? "null")"
        }
        let key = "sk-test"
        #expect(try code(bench.reply(chat("x"))) == "401 invalid_api_key null")
        #expect(try code(bench.reply(chat("x"), key: "sk-other")) == "401 invalid_api_key null")
        #expect(try code(bench.reply(chat("x"), key: key)) == "404 model_not_found model")
        #expect(try code(bench.reply("{", key: key)) == "400 null null")
        #expect(try code(bench.reply("", .unknown)) == "404 unknown_url null")
        let wrong = bench.reply("", .wrongMethod(allowed: "POST"))
        #expect(try code(wrong) == "405 method_not_supported null")
        #expect(wrong.headers.contains { $0 == ("allow", "POST") })
        let known = chat("x").replacing(#""m""#, with: #""known""#)
        #expect(bench.reply(known, key: key).status == 200)
        let models = try json(bench.reply("", .models).body)["data"]?.elements
        #expect(models?.map { $0["id"]?.string } == ["known"])
    }

    @Test func latencyIsDrawnOnceForEachAttempt() throws {
        func delays() throws -> [Interval] {
            let bench = try ResponderBench { $0.latency = try .latency(parsing: "lognormal:100ms,0.5") }
            return ["a", "a", "b"].map { bench.reply(chat($0)).delay }
        }
        let first = try delays()
        #expect(try delays() == first)
        #expect(Set(first).count == 3 && first.allSatisfy { $0 > .zero })
    }

    @Test func tokensTakeTime() throws {
        let bench = ResponderBench { configuration in
            configuration.latency = .fixed(0.1)
            configuration.timePerToken = .milliseconds(10)
        }
        let reply = bench.reply(chat("x", #","max_tokens":7"#))
        #expect(reply.delay == .milliseconds(170))
        let stream = bench.reply(chat("x", #","max_tokens":7,"stream":true"#))
        #expect(stream.delay == .milliseconds(100))
    }

    @Test func theLimitSaysWhenToComeBack() throws {
        let bench = ResponderBench { $0.requestsPerMinute = 2 }
        #expect(bench.reply(chat("a")).status == 200)
        let last = bench.reply(chat("b"))
        #expect(last.headers.contains { $0 == ("x-ratelimit-remaining-requests", "0") })
        let refused = bench.reply(chat("c"))
        #expect(refused.status == 429)
        #expect(refused.headers.contains { $0 == ("retry-after", "30") })
        #expect(try json(refused.body)["error"]?["code"]?.string == "rate_limit_exceeded")
        bench.now = bench.now + .seconds(30)
        #expect(bench.reply(chat("c")).status == 200)
        #expect(bench.ledger.withLock { $0.counts.rateLimited } == 1)
    }

    @Test func aFullTokenBudgetRefuses() throws {
        let bench = ResponderBench { $0.tokensPerMinute = 1000 }
        #expect(bench.reply(chat("a", #","max_tokens":900"#)).status == 200)
        let refused = bench.reply(chat("b", #","max_tokens":900"#))
        #expect(try json(refused.body)["error"]?["type"]?.string == "tokens")
        #expect(bench.reply(chat("c", #","max_tokens":50"#)).status == 200)
    }
}
