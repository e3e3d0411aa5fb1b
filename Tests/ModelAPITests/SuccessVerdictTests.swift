import Basics
import JSONText
import Testing

@testable import ModelAPI

/// The decision table of bodies under a successful status.
@Suite struct SuccessVerdictTests {
    static func chat(_ message: String, reason: String = "stop") -> String {
        #"{"choices":[{"index":0,"message":{"role":"assistant",\#(message)},"finish_reason":"\#(reason)"}]}"#
    }

    @Test(arguments: [
        "abort", "ABORT", "aborted", "error", "cancelled", "canceled", "load", "OTHER", "FinishReason.OTHER",
        "IMAGE_OTHER",
        "network_error", "insufficient_system_resource", "NO_IMAGE", "failed", "timeout", "engine_shutdown",
        "requestCancelled", "UPSTREAM-ERROR",
    ])
    func anAbortedAnswerIsNone(reason: String) {
        let verdict = classify(reply(Self.chat(#""content":"half an ans""#, reason: reason)))
        #expect(word(verdict) == "retry server" && message(verdict).contains(reason))
    }

    @Test func aReasonMayBeAnObject() throws {
        let body = #"{"choices":[{"message":{"content":"half"},"finish_reason":{"type":"REASON","message":"x"}}]}"#
        #expect(word(classify(reply(body.replacing("REASON", with: "abort")))) == "retry server")
        #expect(try answer(body.replacing("REASON", with: "length")).finishReason == "length")
    }

    @Test(arguments: ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "too_many_tool_calls"])
    func aMalformedCallIsPaidOnce(reason: String) {
        #expect(word(classify(reply(Self.chat(#""content":"""#, reason: reason)))) == "fail invalid_output")
    }

    @Test(arguments: [
        "SAFETY", "safety", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "LANGUAGE",
        "IMAGE_PROHIBITED_CONTENT", "content_filter: PROHIBITED_CONTENT", "CONTENT_FILTER", "sensitive", "refusal",
        "FINISH_REASON_SAFETY", "FinishReason.RECITATION", "guardrail_intervened", "content-filter", "contentFilter",
        "policy_violation",
    ])
    func aFilterIsOneInWhateverWord(reason: String) {
        for body in [
            Self.chat(#""content":null"#, reason: reason), Self.chat(#""content":"begun""#, reason: reason),
            #"{"choices":[{"index":0,"message":{"role":"assistant"},"finish_reason":"\#(reason)"}]}"#,
            #"{"content":[],"stop_reason":"\#(reason)","type":"message"}"#,
            #"{"candidates":[{"finishReason":"\#(reason)"}]}"#,
        ] {
            let verdict = classify(reply(body))
            #expect(word(verdict) == "fail content_filter" && message(verdict).contains(reason), "\(body)")
        }
    }

    @Test(arguments: [
        #"{"choices":[{"message":{"content":null,"refusal":"I cannot help."},"finish_reason":"stop"}]}"#,
        #"{"choices":[{"message":{"content":[{"type":"refusal","refusal":"I cannot help."}]}}]}"#,
        #"{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"I cannot help."}]}]}"#,
        #"data: {"choices":[{"delta":{"refusal":"I cannot"}}]}"# + "\n\n"
            + #"data: {"choices":[{"delta":{"refusal":" help."},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n",
        #"{"type":"message","content":[],"stop_reason":"refusal","stop_details":{"category":"bio","explanation":"I cannot help."}}"#,
        #"{"promptFeedback":{"blockReason":"I cannot help."},"usageMetadata":{"promptTokenCount":5}}"#,
        #"{"object":"response","status":"incomplete","incomplete_details":{"reason":"content_filter: I cannot help."},"output":[]}"#,
    ])
    func aRefusalIsShown(body: String) {
        let verdict = classify(reply(body))
        #expect(word(verdict) == "fail content_filter" && message(verdict).contains("I cannot help."))
    }

    @Test(arguments: [
        #""content":"fine","refusal":"""#, #""content":"fine","refusal":null"#, #""content":"fine","tool_calls":[]"#,
        #""content":"fine","function_call":null"#, #""content":"fine","function_call":{"name":null,"arguments":null}"#,
        #""content":"fine","audio":null,"annotations":[],"refusal":" ","reasoning":null,"reasoning_details":[]"#,
    ])
    func whatSaysNothingIsNotHeard(members: String) throws {
        let answer = try answer(Self.chat(members))
        #expect(string(answer.responseRaw) == #""fine""# && answer.toolCallsRaw == nil && answer.otherRaw == nil)
    }

    @Test(arguments: [
        #""content":null"#, #""tool_calls":[]"#, #""refusal":"""#, #""content":[]"#, #""content":{}"#,
        #""reasoning":"""#,
        #""content":null,"refusal":null,"reasoning_content":null,"tool_calls":[],"function_call":null"#,
    ])
    func anAnswerThatSaysNothingIsNone(members: String) {
        #expect(word(classify(reply(Self.chat(members)))) == "retry server")
        #expect(word(classify(reply(Self.chat(members, reason: "length")))) == "answer")
    }

    @Test(
        arguments: [
            ("STOP", "stop"), ("eos", "stop"), ("eos_token", "stop"), ("end_turn", "stop"), ("COMPLETE", "stop"),
            ("MAX_TOKENS", "length"), ("model_length", "length"), ("max_output_tokens", "length"),
            ("FinishReason.MAX_TOKENS", "length"), ("tool_use", "tool_calls"), ("function_call", "function_call"),
            ("FINISH_REASON_UNSPECIFIED", ""), ("pause_turn", "pause_turn"), ("something new", "something new"),
        ])
    func endsAreInOneSpelling(reason: String, expected: String) throws {
        #expect(try answer(Self.chat(#""content":"a""#, reason: reason)).finishReason == expected)
    }

    @Test(arguments: [
        ("", "retry server"), ("\n\n \r\n", "retry server"), ("\u{FEFF}", "retry server"),
        (": keep-alive\n\n: keep-alive\n\n", "retry server"), ("<html><title>Just a moment...</title>", "retry server"),
        ("upstream connect error or disconnect/reset before headers", "retry server"),
        ("error code: 502", "retry server"),
        (#"{"choices":[{"message":{"content":"a"#, "retry server"),
        (#"{"choices":[{"message":{"content":12"#, "retry server"),
        (#"{"choices":[{"message":{"content":"a"}}"#, "retry server"),
        (#"{"choices":[{"message":{"content":tru"#, "retry server"),
        (#"{"choices":[{"message":{"content":"\u00"#, "retry server"), ("{", "retry server"),
        ("{}", "retry server"), ("[]", "retry server"), ("null", "retry server"),
        (#"{"id":"gen-1","choices":[]}"#, "retry server"),
        (#"{"id":"x","object":"chat.completion","choices":null}"#, "retry server"),
        (#"{"id":"x","object":"chat.completion","created":1}"#, "retry server"),
        (#"{"candidates":[]}"#, "retry server"),
        (#"{"object":"response","status":"queued","output":[]}"#, "retry server"),
        (#"{"message":{"role":"assistant","content":"a"},"done":false}"#, "retry server"),
        ("I am a teapot", "fail invalid_output"), (#"{"result":{"answer":"paid"}}"#, "fail invalid_output"),
        (#"["a","b"]"#, "fail invalid_output"), ("17", "fail invalid_output"), (#""text""#, "fail invalid_output"),
        (#"{"ok":true}"#, "fail invalid_output"),
        (#"{"choices":[{"message":{"content":"a"}}}]}"#, "fail invalid_output"),
        (#"{"choices":{"0":{"message":{"content":"paid"}}}}"#, "fail invalid_output"),
        (#"{"choices":["paid"]}"#, "fail invalid_output"), (#"{"choices":[null,{}]}"#, "retry server"),
        (#"{"choices":[null,{"index":1,"message":{"content":"a"}}]}"#, "answer"),
        ("\r\n\u{FEFF}\n" + #"{"choices":[{"message":{"content":"a"}}]}"#, "answer"),
        (#"{"result":{"response":"a"},"success":true,"errors":[]}"#, "answer"),
        (#"{"code":0,"msg":"success","data":{"choices":[{"message":{"content":"a"}}]}}"#, "answer"),
        (#"{"object":"response","status":"completed","output":[],"output_text":"a"}"#, "answer"),
        (#"{"choices":[{"message":{"content":"a"}}],"error":{"code":0,"message":"success"}}"#, "answer"),
    ])
    func theBodyDecides(body: String, expected: String) {
        #expect(word(classify(reply(body))) == expected, "\(body)")
    }

    @Test(arguments: [
        (#"{"id":"x","choices":[],"error":{"message":"the cause","code":402}}"#, "stop refused"),
        (#"{"id":"x","choices":null,"error":{"message":"the cause","code":"insufficient_quota"}}"#, "stop refused"),
        (
            #"{"choices":[{"message":{"content":"half"},"finish_reason":"error","error":{"code":502,"message":"the cause"}}]}"#,
            "retry server"
        ),
        (#"{"choices":[],"error":"the cause"}"#, "retry server"), (#"{"error":["the cause"]}"#, "retry server"),
        (#"{"code":20015,"message":"the cause","data":null}"#, "refuse request"),
        (#"{"code":50505,"message":"the cause","data":null}"#, "retry server"),
        (#"{"code":30001,"message":"the cause","data":null}"#, "stop refused"),
        (#"{"choices":null,"base_resp":{"status_code":1002,"status_msg":"the cause"}}"#, "retry rate_limited"),
        (#"{"choices":null,"base_resp":{"status_code":1026,"status_msg":"the cause"}}"#, "fail content_filter"),
        (#"{"error_code":336003,"error_msg":"the cause"}"#, "retry server"),
        (#"{"error_code":17,"error_msg":"the cause"}"#, "stop refused"),
        (#"{"error_code":18,"error_msg":"the cause"}"#, "retry rate_limited"),
        (#"{"code":500,"msg":"the cause","success":false}"#, "retry server"),
        (#"{"code":401,"msg":"the cause","data":null}"#, "refuse key"),
        (#"{"errno":429,"errmsg":"the cause"}"#, "retry rate_limited"),
        (#"{"error":true,"message":"the cause"}"#, "retry server"),
        (#"{"status":"error","message":"the cause"}"#, "retry server"),
        (#"{"success":false,"message":"the cause"}"#, "retry server"),
        (
            #"{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"the cause\"}}"}}}"#,
            "refuse request"
        ),
        (
            #"{"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"the cause: connection lost"}}}"#,
            "retry server"
        ),
        (
            #"{"result":null,"success":false,"errors":[{"code":7009,"message":"the cause"}],"messages":[]}"#,
            "retry server"
        ),
        (#"{"statusCode":429,"message":"the cause"}"#, "retry rate_limited"),
        (#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"the cause"}}"#, "retry rate_limited"),
        (#"[{"error":{"status":"UNAVAILABLE","message":"the cause"}}]"#, "retry server"),
        (#"{"type":"error","error":{"type":"overloaded_error","message":"the cause"}}"#, "retry server"),
        (#"{"type":"error","error":{"type":"invalid_request_error","message":"the cause"}}"#, "refuse request"),
        (
            "event: error\n" + #"data: {"type":"error","error":{"type":"rate_limit_error","message":"the cause"}}"#
                + "\n\n", "retry rate_limited"
        ),
        (
            #"data: {"choices":[{"delta":{"content":"a"},"finish_reason":"error"}],"error":{"code":402,"message":"the cause"}}"#
                + "\n\n", "stop refused"
        ),
        (
            #"{"object":"response","status":"failed","error":{"code":"server_error","message":"the cause"},"output":[]}"#,
            "retry server"
        ),
    ])
    func theCauseIsShownAndDecides(body: String, expected: String) {
        let verdict = classify(reply(body))
        #expect(word(verdict) == expected && message(verdict).contains("the cause"), "\(body) \(verdict)")
    }

    @Test func anErrorCostsWhatItSays() {
        let usage = #""usage":{"prompt_tokens":10,"completion_tokens":5}"#
        let choice = #"{"message":{"content":"half"},"finish_reason":"error","error":{"code":502,"message":"lost"}}"#
        func bill(_ body: String) -> Bill? {
            Classifier().judge(
                .success(reply(body)), of: AskedRequest(ModelRequest(path: "", body: [])), with: JSONParser()
            ).bill
        }
        #expect(bill(#"{"choices":[\#(choice)],\#(usage)}"#)?.usage.total == 15)
        #expect(bill(#"{"choices":[\#(choice)]}"#) == nil)
    }

    @Test func emptyAnswersCanBeRejected() throws {
        let bodies = [
            Self.chat(#""content":"""#), Self.chat(#""content":"\n ""#), Self.chat(#""content":"","reasoning":"why""#),
        ]
        for body in bodies {
            #expect(try answer(body).isEmpty)
            #expect(word(classify(reply(body), Classifier(rejectedFinishReasons: ["empty"]))) == "fail invalid_output")
        }
        for body in [
            Self.chat(#""content":"a""#), Self.chat(#""content":null,"tool_calls":[{"id":"c"}]"#),
            Self.chat(#""content":null,"function_call":{"name":"f"}"#),
            Self.chat(#""content":"","images":[{"url":"data:"}]"#),
        ] {
            #expect(word(classify(reply(body), Classifier(rejectedFinishReasons: ["empty"]))) == "answer", "\(body)")
        }
    }

    @Test func aServerMayAskForAnotherTryOrForALongWait() {
        let error = #"{"error":{"message":"torn"}}"#
        #expect(word(classify(reply(error, status: 400, headers: [("x-should-retry", "true")]))) == "retry server")
        #expect(word(classify(reply(error, status: 400, headers: [("x-should-retry", "false")]))) != "retry server")
        let patient = classify(
            reply(error, status: 429, headers: [("retry-after", "7200")]), Classifier(retryAfterMax: .seconds(30)))
        guard case .retry(.rateLimited, _, .seconds(30)?) = patient else {
            Issue.record("\(patient)")
            return
        }
    }
}
