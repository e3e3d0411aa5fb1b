import Basics
import JSONText
import Testing

@testable import ModelAPI

/// A verdict in one word, for tables.
func word(_ verdict: Verdict) -> String {
    switch verdict {
    case .answer: "answer"
    case .ask(_, let failureClass, _): "ask \(failureClass.rawValue)"
    case .retry(let failureClass, _, _): "retry \(failureClass.rawValue)"
    case .fail(let failureClass, _): "fail \(failureClass.rawValue)"
    case .refuse(let refusal) where refusal.suspect == .shape: "fail \(refusal.failureClass.rawValue)"
    case .refuse(let refusal): "refuse \(refusal.suspect)"
    case .stop(let error): "stop \(error.code.rawValue)"
    case .cancelled: "cancelled"
    }
}

func message(_ verdict: Verdict) -> String {
    switch verdict {
    case .retry(_, let message, _), .fail(_, let message): message
    case .refuse(let refusal): refusal.message
    case .stop(let error): error.description
    default: ""
    }
}

private func error(_ message: String, type: String = "", code: String = "") -> String {
    #"{"error":{"message":"\#(message)","type":"\#(type)","code":"\#(code)"}}"#
}

@Suite struct ClassifierTests {
    @Test(arguments: [
        (400, "refuse request"), (401, "refuse key"), (402, "stop refused"), (403, "refuse permission"),
        (404, "refuse request"), (405, "refuse request"), (408, "retry timeout"), (409, "retry server"),
        (413, "refuse length"), (418, "refuse request"), (422, "refuse request"), (425, "retry server"),
        (429, "retry rate_limited"), (500, "retry server"), (502, "retry server"), (503, "retry server"),
        (504, "retry server"), (524, "retry server"), (529, "retry server"), (301, "refuse address"),
        (304, "refuse address"), (307, "refuse address"), (308, "refuse address"),
    ])
    func everyStatusHasItsClass(status: Int, expected: String) {
        #expect(word(classify(reply(error("no"), status: status))) == expected)
    }

    @Test(
        arguments: [
            (.connection, "retry connection"), (.timeout, "retry timeout"), (.malformed, "retry connection"),
            (.tls, "refuse certificate"), (.tooLarge, "fail server"), (.cancelled, "cancelled"),
        ] as [(TransportFailure.Kind, String)])
    func everyTransportFailureHasItsClass(kind: TransportFailure.Kind, expected: String) {
        let verdict = Classifier().classify(.failure(TransportFailure(kind, "why")), with: JSONParser())
        #expect(word(verdict) == expected)
    }

    @Test(arguments: [
        (429, error("spent", code: "insufficient_quota"), "stop refused"),
        (429, error("spent", type: "insufficient_quota"), "stop refused"),
        (429, error("You exceeded your current quota"), "retry rate_limited"),
        (404, error("The model `x` does not exist", code: "model_not_found"), "refuse model"),
        (404, #"{"object":"error","message":"The model `x` does not exist.","code":404}"#, "refuse model"),
        (404, error("model \\\"x\\\" not found, try pulling it first"), "refuse model"),
        (400, error("Model Not Exist"), "refuse model"),
        (404, error("no such file"), "refuse request"),
        (400, error("the tool named by the model was not found"), "refuse request"),
        (404, #"{"detail":"Not Found"}"#, "refuse address"),
        (404, error("There is nothing at this path.", code: "unknown_url"), "refuse address"),
        (404, error("Invalid URL (POST /chat/completions)", type: "invalid_request_error"), "refuse address"),
        (404, "<html><body>404</body></html>", "refuse address"),
        (404, "", "refuse address"), (405, "", "refuse address"),
        (400, error("filtered", code: "content_filter"), "fail content_filter"),
        (403, error("Your chosen model requires moderation and your input was flagged"), "fail content_filter"),
        (422, #"{"detail":[{"loc":["body","messages"],"msg":"field required"}]}"#, "refuse request"),
    ])
    func theBodyRefinesTheStatus(status: Int, body: String, expected: String) {
        #expect(word(classify(reply(body, status: status))) == expected)
    }

    @Test(arguments: [
        ("", "retry server"), ("  \n", "retry server"), ("<!DOCTYPE html><p>hi", "retry server"),
        (#"{"choices":[{"message":{"content":"a"#, "retry server"),
        (#"{"choices":[]}"#, "retry server"), ("{}", "retry server"),
        (#"{"choices":[{"index":0}]}"#, "retry server"),
        (#"{"error":{"message":"slow down","code":429}}"#, "retry rate_limited"),
        (#"{"error":{"message":"bad","code":400}}"#, "refuse request"),
        (#"{"error":{"message":"gone","code":"insufficient_quota"}}"#, "stop refused"),
        (#"{"error":{"message":"hm"}}"#, "retry server"), (#"{"error":"hm"}"#, "retry server"),
        (#"{"error":null,"choices":[{"text":"a"}]}"#, "answer"),
        (#"{"choices":[{"text":"a","finish_reason":"content_filter"}]}"#, "fail content_filter"),
        (#"{"choices":[{"message":{"content":null,"refusal":"I cannot"}}]}"#, "fail content_filter"),
        (#"{"choices":[{"text":"a","finish_reason":"length"}]}"#, "answer"),
        (#"{"choices":[{"message":{"role":"assistant"},"finish_reason":"stop"}]}"#, "retry server"),
        (#"{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}"#, "retry server"),
        (#"{"choices":[{"message":{"content":null},"finish_reason":"length"}]}"#, "answer"),
        (#"{"choices":[{"message":{"content":null,"reasoning":"hm"},"finish_reason":"stop"}]}"#, "answer"),
        (#"{"choices":[{"message":{"content":null,"tool_calls":[{}]},"finish_reason":"tool_calls"}]}"#, "answer"),
        (#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}"#, "answer"),
    ])
    func aSuccessIsOnlyOneWithAnAnswer(body: String, expected: String) {
        #expect(word(classify(reply(body))) == expected)
    }

    @Test func finishReasonsCanBeRejected() {
        let body = #"{"choices":[{"text":"a","finish_reason":"length"}]}"#
        let verdict = classify(reply(body), Classifier(rejectedFinishReasons: ["length"]))
        #expect(word(verdict) == "fail invalid_output")
    }

    @Test func messagesSayWhatIsWrong() {
        #expect(message(classify(reply(error("too long"), status: 400))) == "HTTP 400: too long")
        let page = "<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>"
        #expect(
            message(classify(reply(page, status: 502)))
                == "HTTP 502: an HTML page instead of JSON: 502 Bad Gateway nginx")
        #expect(message(classify(reply(page))).hasPrefix("an HTML page instead of JSON"))
        #expect(message(classify(reply("", status: 500))) == "HTTP 500: the body is empty")
        let fastAPI = #"{"detail":[{"loc":["body","n"],"msg":"not an integer"}]}"#
        #expect(message(classify(reply(fastAPI, status: 422))) == "HTTP 422: body.n: not an integer")
        let anthropic = #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
        #expect(message(classify(reply(anthropic, status: 529))) == "HTTP 529: Overloaded")
        let gemini = #"[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]"#
        #expect(message(classify(reply(gemini, status: 400))) == "HTTP 400: API key not valid")
        #expect(message(classify(reply(error("nope."), status: 401))) == "HTTP 401: nope.")
        #expect(
            Refusal(.key, .auth, "HTTP 401: nope.").error.description.hasPrefix(
                "the API rejected the key: HTTP 401: nope. Check"))
        let long = String(repeating: "x", count: 5000)
        #expect(message(classify(reply(error(long), status: 400))).count < 300)
    }
}
