import Basics
import JSONText
import Testing

@testable import ModelSimulator

@Suite struct ReplyFaultTests {
    private func reply(
        _ fault: Fault, _ body: String = chat("entropy"), _ more: (inout SimulatorConfiguration) -> Void = { _ in }
    )
        -> Reply
    {
        ResponderBench { configuration in
            configuration.faults.rates = [.init(fault, 1)]
            more(&configuration)
        }.reply(body)
    }

    @Test(
        arguments: [
            (Fault.rateLimited, 429, "rate_limit_exceeded"), (.rateLimitedBare, 429, "rate_limit_exceeded"),
            (.insufficientQuota, 429, "insufficient_quota"), (.internalError, 500, nil), (.unavailable, 503, nil),
            (.overloaded, 529, nil), (.badRequest, 400, "invalid_value"), (.unauthorized, 401, "invalid_api_key"),
            (.forbidden, 403, "permission_denied"), (.missing, 404, "file_not_found"), (.tooLarge, 413, nil),
            (.unprocessable, 422, "unprocessable"),
        ] as [(Fault, Int, String?)])
    func errorsCarryStatusAndCode(fault: Fault, status: Int, code: String?) throws {
        let reply = reply(fault)
        #expect(reply.status == status && reply.receipt == nil)
        #expect(try json(reply.body)["error"]?["code"]?.string == code)
        #expect(reply.headers.contains { $0.name.hasPrefix("retry-after") } == (fault == .rateLimited))
    }

    @Test func retryAfterHasThreeForms() {
        func headers(_ form: SimulatorConfiguration.RetryAfterForm) -> [String: String] {
            let reply = reply(.rateLimited) { configuration in
                configuration.retryAfter = .milliseconds(1500)
                configuration.retryAfterForm = form
            }
            return Dictionary(uniqueKeysWithValues: reply.headers.map { ($0.name, $0.value) })
        }
        #expect(headers(.seconds)["retry-after"] == "2")
        #expect(headers(.milliseconds)["retry-after-ms"] == "1500")
        #expect(headers(.date)["date"] == "Thu, 20 Nov 2025 00:53:20 GMT")
        #expect(headers(.date)["retry-after"] == "Thu, 20 Nov 2025 00:53:22 GMT")
    }

    @Test func brokenBodiesAreBroken() throws {
        #expect(throws: JSONError.self) { try json(self.reply(.truncate).body) }
        #expect(throws: JSONError.self) { try json(self.reply(.garbage).body) }
        #expect(reply(.garbage).contentType == "text/html")
        #expect(reply(.empty).body.isEmpty)
        #expect(reply(.hang).ending == .silence)
        let stalled = reply(.stall)
        #expect(stalled.ending == .stall(after: stalled.body.count / 2))
        let reset = reply(.reset)
        #expect(reset.ending == .reset(after: reset.body.count / 2))
        for fault in [Fault.truncate, .garbage, .empty, .hang, .stall, .reset] { #expect(reply(fault).receipt == nil) }
    }

    @Test func malformedAnswersAreSoundHTTPAndJSON() throws {
        var shapes: Set<String> = []
        for index in 0..<40 {
            let reply = reply(.malformed, chat("entropy \(index)"))
            let root = try json(reply.body)
            #expect(root.firstText == nil)
            shapes.insert(root["choices"].map { $0.elements.isEmpty ? "empty" : "no content" } ?? "missing")
        }
        #expect(shapes == ["empty", "no content", "missing"])
    }

    @Test func malformedJSONIsUnfinished() throws {
        let body = chat("entropy", #","response_format":{"type":"json_object"}"#)
        let text = try #require(try json(reply(.malformed, body).body).firstText)
        #expect(text.hasPrefix(#"{"summary":"#))
        #expect(throws: JSONError.self) { try JSONParser().parse(text) }
    }

    @Test func alteredAnswersStaySound() throws {
        let length = try json(reply(.length).body)
        #expect(length["choices"]?.elements.first?["finish_reason"]?.string == "length")
        #expect(reply(.length).receipt != nil)
        let filtered = try json(reply(.contentFilter).body)
        #expect(filtered["choices"]?.elements.first?["finish_reason"]?.string == "content_filter")
        #expect(filtered.firstText == "" && reply(.contentFilter).receipt == nil)
        let huge = reply(.huge) { $0.hugeBytes = 300_000 }
        #expect(huge.body.count > 300_000 && huge.receipt != nil)
        #expect(try json(huge.body).firstText?.utf8.count ?? 0 >= 300_000)
    }

    @Test func slowAnswersTakeAMultiple() {
        #expect(reply(.slow) { $0.slowFactor = 3 }.delay == .milliseconds(300))
        #expect(reply(.slow) { $0.latency = .fixed(0.5) }.delay == .seconds(5))
    }

    @Test func serverErrorsTakeTheirTimeAndRefusalsDoNot() {
        #expect(reply(.internalError) { $0.latency = .fixed(0.5) }.delay == .seconds(0.5))
        #expect(reply(.rateLimited) { $0.latency = .fixed(0.5) }.delay == .zero)
    }

    @Test func theScriptFollowsTheAttemptsOfEachItem() throws {
        let bench = try ResponderBench { $0.faults.script = try FaultPlan.script(parsing: "1=500,2=429") }
        #expect(["a", "b", "a", "a", "b", "b"].map { bench.reply(chat($0)).status } == [500, 500, 429, 200, 429, 200])
        #expect(bench.ledger.withLock { $0.counts.faults } == [.internalError: 2, .rateLimited: 2])
    }
}
