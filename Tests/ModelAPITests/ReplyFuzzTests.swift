import Basics
import JSONText
import TestSupport
import Testing

@testable import ModelAPI

/// Mutated replies in all providers' formats: each gets a verdict, and what goes into records is valid JSON.
///
/// `RETORT_FUZZ_MINUTES` runs it longer, `RETORT_FUZZ_SEED` repeats a run. The seed is printed before the first reply,
/// since a trap prints nothing.
@Suite struct ReplyFuzzTests {
    @Test func whateverComesIsJudged() throws {
        let run = FuzzRun()
        let seed = run.seedGiven ?? UInt64.random(in: 0...UInt64.max)
        print("RETORT_FUZZ_SEED=\(seed) (replies)")
        var random = SeededGenerator(seed: seed)
        var fuzzer = ReplyFuzzer()
        var count = 0
        while count < Self.repliesMin || !run.isOver {
            count += 1
            let body = fuzzer.body(&random)
            let reply = ModelReply(
                status: fuzzer.status(&random), body: body, headers: fuzzer.headers(&random))
            let classifier = Classifier(
                rejectedFinishReasons: random.next() % 4 == 0 ? ["empty", "length"] : [],
                splitsThinking: random.next() % 2 == 0)
            let verdict = classifier.classify(.success(reply), with: fuzzer.parser)
            if let fault = fuzzer.fault(in: verdict, of: reply) {
                Issue.record("seed \(seed), reply \(count): \(fault)\n\(String(decoding: body, as: UTF8.self))")
                return
            }
        }
        if run.minutes > 0 { print("\(count) replies") }
    }

    private static let repliesMin = 500
}

/// Creates mutated replies and checks the invariants of a verdict.
struct ReplyFuzzer {
    let parser = JSONParser()

    mutating func body(_ random: inout SeededGenerator) -> [UInt8] {
        var body = pick(Self.corpus, &random)
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            body = Bool.random(using: &random) ? restructured(body, &random) : torn(body, &random)
        }
        return body
    }

    private func pick<Element>(_ list: [Element], _ random: inout SeededGenerator) -> Element {
        list[Int.random(in: 0..<list.count, using: &random)]
    }

    func status(_ random: inout SeededGenerator) -> Int {
        random.next() % 4 > 0 ? 200 : pick([400, 402, 403, 404, 408, 413, 422, 429, 500, 503, 529], &random)
    }

    func headers(_ random: inout SeededGenerator) -> [(name: String, value: String)] {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in
            var value = pick(Self.headerValues, &random)
            if random.next() % 4 == 0 { value = pick(Self.headerValues, &random) + value.dropFirst(2) }
            return (pick(Self.headerNames, &random), value)
        }
    }

    /// Replaces a value by one of another kind or another body, or duplicates one.
    private func restructured(_ body: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var start = 0
        // One event of a stream.
        let lines = body.indices.filter { body[$0] == UInt8(ascii: "{") && ($0 == 0 || body[$0 - 1] <= 0x20) }
        if let line = lines.randomElement(using: &random) { start = line }
        let end = body[start...].firstIndex { $0 == 0x0A } ?? body.count
        guard let root = try? parser.parse(body[start..<end]).root else { return torn(body, &random) }
        var value = root
        while random.next() % 5 > 0 {
            let children = value.elements + value.members.map(\.value)
            guard let child = children.randomElement(using: &random) else { break }
            value = child
        }
        let range = value.range.lowerBound + start..<value.range.upperBound + start
        switch random.next() % 4 {
        case 0:
            let other = pick(Self.corpus, &random)
            let donor = (try? parser.parse(other).root).map { $0.elements + $0.members.map(\.value) } ?? []
            guard let given = donor.randomElement(using: &random) else { return body }
            return spliced(body, range, given.raw)
        case 1: return spliced(body, range.upperBound..<range.upperBound, [0x2C] + body[range])
        default: return spliced(body, range, pick(Self.values, &random).utf8)
        }
    }

    private func spliced(_ body: [UInt8], _ range: Range<Int>, _ piece: some Collection<UInt8>) -> [UInt8] {
        var result = body
        result.replaceSubrange(range, with: piece)
        return result
    }

    /// Cuts, copies, splices or overwrites bytes.
    private func torn(_ body: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        guard !body.isEmpty else { return pick(Self.corpus, &random) }
        let at = Int.random(in: 0..<body.count, using: &random)
        let end = Int.random(in: at..<min(body.count, at + 40), using: &random)
        switch random.next() % 7 {
        case 0: return Array(body[..<at])
        case 1: return spliced(body, at..<end, [])
        case 2: return spliced(body, end..<end, body[at..<end])
        case 3: return spliced(body, at..<body.count, pick(Self.corpus, &random).suffix(64))
        case 4: return spliced(body, at..<at + 1, [UInt8.random(in: 0...255, using: &random)])
        case 5: return spliced(body, 0..<0, pick(Self.prefixes, &random).utf8)
        default: return spliced(body, at..<at, pick(Self.values, &random).utf8)
        }
    }

    /// What is wrong with a verdict; nil if nothing is.
    func fault(in verdict: Verdict, of reply: ModelReply) -> String? {
        switch verdict {
        case .answer(let answer): return fault(in: answer)
        case .retry(_, let message, let wait):
            if let wait, wait <= .zero || wait > Classifier.retryAfterMaxDefault { return "waits \(wait)" }
            return fault(in: message)
        case .fail(_, let message): return fault(in: message)
        default: return nil
        }
    }

    private func fault(in message: String) -> String? {
        if message.isEmpty { return "no message" }
        return message.utf8.count > 4 * ErrorBody.messageBytesMax ? "the message is long" : nil
    }

    private func fault(in answer: ModelAnswer) -> String? {
        func isKind(_ raw: ArraySlice<UInt8>?, _ kind: JSONValue.Kind) -> Bool {
            guard let raw else { return true }
            return (try? parser.parse(raw).root.kind) == kind
        }
        if !isKind(answer.responseRaw, .string) { return "the response is no string: \(string(answer.responseRaw))" }
        if !isKind(answer.reasoningRaw, .string) { return "the reasoning is no string: \(string(answer.reasoningRaw))" }
        if !isKind(answer.modelRaw, .string) { return "the model is no string" }
        if !isKind(answer.toolCallsRaw, .array) { return "the calls are no list: \(string(answer.toolCallsRaw ?? []))" }
        if !isKind(answer.otherRaw, .object) { return "the rest is no object: \(string(answer.otherRaw ?? []))" }
        let names = answer.otherRaw.flatMap { try? parser.parse($0).root.members.map { string($0.key.raw) } } ?? []
        if Set(names).count < names.count, !names.contains(where: { $0.contains("_") }) {
            return "names twice: \(names)"
        }
        let usage = answer.usage
        for count in [usage.prompt, usage.completion, usage.reasoning, usage.cached]
        where !(0...TokenUsage.countMax).contains(count) {
            return "a count of \(count)"
        }
        if let cost = answer.costStatedNanodollars, !(0...TokenPrice.requestNanodollarsMax).contains(cost) {
            return "a cost of \(cost)"
        }
        if answer.finishReason.utf8.count > 4 * FinishReason.wordBytesMax { return "a long finish reason" }
        return nil
    }

    private static let values = [
        "null", "true", "0", "-1", "1.5", "1e400", "1e999999999", "-1e308", "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808", "12.0", "NaN", "-Infinity", "\"\"", "\" \"", "\"\\ud83d\"", "\"\\udc00\\ud800\"", "[]",
        "{}",
        "[null]", "[{}]", "{\"a\":null}", "\"12\"", "\"NaN\"", "\"stop\"", "\"SAFETY\"", "\"abort\"", "\"</think>\"",
        "\"<think>\\\\u003c/think>\"", "{\"type\":\"text\",\"text\":\"a\"}",
        "[{\"type\":\"thinking\",\"thinking\":[{}]}]",
        "{\"index\":-1}", "{\"index\":9223372036854775807}", "\"\\u0000\"", "[[[[[[[[[[1]]]]]]]]]]",
        String(repeating: "[", count: 300) + String(repeating: "]", count: 300), "\"\u{7F}\u{2028}é\"",
    ]

    private static let prefixes = [
        "\n\n", "\u{FEFF}", ": keep-alive\n\n", "data: ", "event: x\n", "<", "[", "{", "\"", "\r\n", "id: 1\r",
    ]

    private static let headerNames = [
        "retry-after", "retry-after-ms", "x-should-retry", "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "x-ratelimit-reset",
        "anthropic-ratelimit-tokens-reset",
        "anthropic-ratelimit-", "anthropic-ratelimit-input-tokens-remaining", "llm_provider-retry-after", "date",
        "ratelimit-reset",
    ]

    private static let headerValues = [
        "", "0", "-1", "1", "1.5", "20", "7200", "inf", "nan", "1e300", "1e-300", "1764320400", "1764320400000", "9e18",
        "1m30.5s", "6m0s", "12ms", "99999999999999999999h", "1s1", "Fri, 28 Nov 2025 09:00:00 GMT",
        "2025-11-28T09:00:00Z",
        "2025-11-28T09:00:00.5+23:59", "9999-99-99T99:99:99Z", "Fri, 31 Dec 99999 23:59:59 GMT", "true", "soon", "µs",
        "5µs",
    ]

    /// One body of each shape.
    static let corpus: [[UInt8]] = [
        #"{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"<think>a</think>b\n\ud83d","reasoning_content":"why","refusal":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"q\":1}"}}]},"finish_reason":"stop","logprobs":{"content":[{"token":"x","logprob":-0.1}]}}],"usage":{"prompt_tokens":10,"completion_tokens":5,"cost":0.25,"completion_tokens_details":{"reasoning_tokens":2},"prompt_tokens_details":{"cached_tokens":3}}}"#,
        #"{"choices":[{"index":1,"text":"b","finish_reason":"length"},{"index":0,"text":"a","finish_reason":"stop","logprobs":{"tokens":["a"]}}]}"#,
        #"{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]},{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"u"}}],"function_call":{"name":"f","arguments":"{}"},"reasoning_details":[{"type":"reasoning.encrypted","data":"d"}]},"native_finish_reason":"STOP"}],"provider":"P"}"#,
        #"{"type":"message","model":"m","content":[{"type":"thinking","thinking":"a","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"b","citations":[1]},{"type":"tool_use","id":"t","name":"f","input":{"x":1}}],"stop_reason":"tool_use","stop_details":null,"usage":{"input_tokens":5,"cache_read_input_tokens":2,"cache_creation_input_tokens":1,"output_tokens":9}}"#,
        #"{"candidates":[{"content":{"parts":[{"text":"a","thought":true,"thoughtSignature":"s"},{"text":"b"},{"functionCall":{"name":"f","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":3,"thoughtsTokenCount":1},"modelVersion":"m","promptFeedback":{"blockReason":"SAFETY"}}"#,
        #"[{"candidates":[{"content":{"parts":[{"text":"a"}]},"index":0}]},{"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3}}]"#,
        #"{"object":"response","model":"m","status":"completed","error":null,"incomplete_details":null,"output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"a"}],"encrypted_content":"e"},{"type":"message","content":[{"type":"output_text","text":"b","annotations":[]},{"type":"refusal","refusal":""}]},{"type":"function_call","name":"f","arguments":"{}"},{"type":"web_search_call","id":"w"}],"usage":{"input_tokens":3,"output_tokens":4,"output_tokens_details":{"reasoning_tokens":1}}}"#,
        #"{"model":"m","message":{"role":"assistant","content":"a","thinking":"b","tool_calls":[{"function":{"name":"f"}}]},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":4,"context":[1]}"#,
        #"{"content":"a","stop_type":"eos","tokens_evaluated":3,"tokens_predicted":4}"#,
        #"{"error":{"message":"Please try again in 1m30s","type":"rate_limit_error","code":429,"details":[{"retryDelay":"3s"}]}}"#,
        #"{"id":"x","choices":[],"error":{"message":"Insufficient credits left","code":402}}"#,
        #"{"choices":null,"base_resp":{"status_code":1002,"status_msg":"slow"}}"#,
        #"{"code":20015,"message":"too long","data":null}"#, #"{"detail":[{"loc":["body",1],"msg":"no"}]}"#,
        #"{"success":false,"errors":[{"code":7009,"message":"m"}]}"#, "", "<html>502</html>", "upstream error", "{}",
        "[1]",
        #"{"model":"m","message":{"thinking":"a"},"done":false}"# + "\n"
            + #"{"message":{"content":"b"},"done":true,"done_reason":"stop"}"# + "\n",
        ": keep-alive\n\n"
            + #"data: {"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"a","reasoning":"b"}}]}"#
            + "\n\n"
            + #"data: {"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"c"}]}],"function_call":{"name":"f","arguments":"{}"},"audio":{"data":"x"}},"logprobs":{"content":[{"token":"a"}]}},{"index":1,"delta":{"content":"z"}}]}"#
            + "\n\n"
            + #"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{"}},{"index":0,"function":{"arguments":"}"}}]},"finish_reason":"stop"}]}"#
            + "\n\n"
            + #"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"cost":0.5}}"#
            + "\n\ndata: [DONE]\n\n",
        #"data: {"type":"message_start","message":{"model":"m","content":[],"usage":{"input_tokens":5}}}"# + "\r\n\r\n"
            + #"data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#
            + "\r\n\r\n"
            + #"data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}"#
            + "\r\n\r\n"
            + #"data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"a"}}"# + "\r\n\r\n"
            + #"data: {"type":"content_block_delta","index":2,"delta":{"type":"thinking_delta","thinking":"a","signature":"s"}}"#
            + "\r\n\r\n"
            + #"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#
            + "\r\n\r\n"
            + #"data: {"type":"message_stop"}"# + "\r\n\r\n",
        "event: response.completed\n"
            + #"data: {"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}}"#
            + "\n\n",
    ].map { Array($0.utf8) }
}

/// A body that is too long for a test's title.
struct HostileBody: CustomTestStringConvertible, Sendable {
    var text: String
    var testDescription: String { "\(text.prefix(40))... of \(text.utf8.count) bytes" }

    static let all = [
        String(repeating: "[", count: 4 << 20), String(repeating: "{\"a\":", count: 1 << 20),
        "{\"choices\":" + String(repeating: "[", count: 250) + String(repeating: "]", count: 250) + "}",
        "{\"choices\":[{\"message\":{\"content\":\"a\"," + String(repeating: "\"x\":1,", count: 200_000)
            + "\"y\":1}}]}",
        "{\"choices\":[" + String(repeating: "{\"index\":1},", count: 200_000) + "{\"index\":2}]}",
        "{\"choices\":[{\"text\":\"a\"}],\"usage\":{\"prompt_tokens\":1" + String(repeating: "0", count: 4 << 20)
            + "}}",
        "{\"choices\":[{\"text\":\"a\",\"finish_reason\":\"" + String(repeating: "x", count: 4 << 20) + "\"}]}",
        String(repeating: "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n", count: 20_000),
        String(repeating: "data: \n\n", count: 200_000), String(repeating: "data: {\n", count: 20_000),
        String(repeating: ":\n", count: 1 << 20),
        String(repeating: "{\"done\":false}\n", count: 20_000), String(repeating: "\\", count: 1 << 20),
        String(repeating: "NaN ", count: 1 << 18),
        "{\"error\":{\"message\":\"" + String(repeating: "model not found \\n", count: 1 << 18) + "\"}}",
        "{\"error\":{\"message\":\"" + String(repeating: "e\u{301}", count: 1 << 20) + "\"}}",
        "{\"detail\":[" + String(repeating: "{\"loc\":[1],\"msg\":\"m\"},", count: 100_000) + "{}]}",
    ].map(HostileBody.init)
}

/// Hostile bodies: a verdict within the test's time limit, and without gigabytes of memory.
@Suite struct HostileBodyTests {
    @Test(arguments: HostileBody.all)
    func isJudged(body: HostileBody) {
        let fuzzer = ReplyFuzzer()
        for status in [200, 400, 429, 500] {
            let reply = reply(body.text, status: status)
            #expect(fuzzer.fault(in: classify(reply), of: reply) == nil)
        }
    }

    @Test func moreValuesThanAnAnswerHasAreRefused() {
        let body = "[" + String(repeating: "1,", count: 6_000_001) + "1]"
        #expect(word(classify(reply(body))) == "fail invalid_output")
    }
}
