import Basics
import CommandLine
import HTTPServer
import JSONText
import ModelAPI
import ResponseGenerator
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation
@testable import RetortCommands
@testable import Serving

@Suite struct ServingTests {
    private let builder: RequestBuilder
    private let parser = JSONParser()

    init() throws { builder = try RequestBuilder(endpoint: .chat, parameters: RequestParameters(model: "")) }

    private func request(_ body: String, _ endpoint: RequestBuilder.Endpoint = .chat) throws -> ClientRequest {
        try ClientRequest(body: Array(body.utf8), endpoint, builder, parser, id: nil)
    }

    private func settings(_ arguments: String..., environment: [String: String] = [:]) throws -> ServeSettings {
        let line = ["serve", "--out", "o"] + arguments
        guard case .run(let command) = try ArgumentParser(RetortProgram.spec).parse(line, environment: environment)
        else { throw RetortError(.usage, "the command line asks for help") }
        return try ServeSettings(command, environment: environment)
    }

    // MARK: How requests are identified

    @Test func aRequestIsKnownByItsValues() throws {
        let one = try request(#"{"model":"m","messages":[{"role":"user","content":"é"}],"temperature":0}"#)
        let same = try request(
            #" { "temperature":0.0, "messages":[{"content":"\u00e9","role":"user"}], "model":"m" } "#)
        #expect(one.fingerprint == same.fingerprint && one.name == same.name && one.name.utf8.count == 16)
        for other in [
            #"{"model":"m","messages":[{"role":"user","content":"e"}],"temperature":0}"#,
            #"{"model":"m","messages":[{"role":"user","content":"é"}],"temperature":0,"stream":true}"#,
            #"{"model":"n","messages":[{"role":"user","content":"é"}],"temperature":0}"#,
        ] { #expect(try request(other).fingerprint != one.fingerprint) }
        #expect(one.request.headers.isEmpty)
        #expect(try request(#"{"a":1}"#, .messages).fingerprint != request(#"{"a":1}"#).fingerprint)
    }

    @Test func theBodyIsSentAsItIs() throws {
        let body = #"{ "model" : "m", "unknown": [1.50, {}], "max_tokens": 7, "stream": true }"#
        let request = try request(body, .responses)
        #expect(request.request.body == Array(body.utf8) && request.request.path == "/responses")
        #expect(request.isStream && request.model == "m")
        #expect(try self.request(body).completionTokensMax == 7)
    }

    @Test func someHeadersGoOnAndCount() throws {
        var http = HTTPRequest(method: "POST", path: "/v1/messages")
        http.body = Array(#"{"model":"m"}"#.utf8)
        let plain = try ClientRequest(http, .messages, builder, parser)
        http.headers = [("authorization", "Bearer x"), ("anthropic-beta", "a-1,b-2"), ("x-api-key", "y")]
        let beta = try ClientRequest(http, .messages, builder, parser)
        #expect(beta.request.headers.map(\.value) == ["a-1,b-2"] && plain.request.headers.isEmpty)
        #expect(beta.fingerprint != plain.fingerprint)
        http.headers = [("anthropic-beta", "a\u{7F}")]
        #expect(throws: ClientError.self) { try ClientRequest(http, .messages, builder, parser) }
    }

    @Test(arguments: ["", "{", "[]", "null", "\"text\"", "{\"a\":1} {}"])
    func whatIsNoObjectIsRefused(body: String) {
        #expect(throws: ClientError.self) { try request(body) }
    }

    @Test func reuseLooksAtTheTemperature() throws {
        let (cold, warm) = (try request(#"{"temperature":0}"#), try request(#"{"temperature":0.1}"#))
        let silent = try request("{}")
        #expect([cold, warm, silent].map(ReusePolicy.auto.applies) == [true, false, true])
        #expect([cold, warm, silent].map(ReusePolicy.always.applies) == [true, true, true])
        #expect([cold, warm, silent].map(ReusePolicy.never.applies) == [false, false, false])
    }

    // MARK: Replies to clients

    private func text(_ response: HTTPResponse) -> String {
        guard case .bytes(let bytes) = response.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func errorsHaveTheFormOfTheAPI() {
        let error = ClientError(400, "a \"bad\" body", code: "c", retryAfterSeconds: 5)
        let openAI = error.response(to: .openAI)
        #expect(
            text(openAI)
                == #"{"error":{"message":"a \"bad\" body","type":"invalid_request_error","param":null,"code":"c"}}"#)
        #expect(openAI.status == 400 && openAI.headers.contains { $0 == ("retry-after", "5") })
        #expect(
            text(ClientError(413, "long").response(to: .anthropic))
                == #"{"type":"error","error":{"message":"long","type":"request_too_large"}}"#)
    }

    @Test func failuresKeepTheAPIsStatusAndBody() {
        func reply(_ failure: ItemFailure) -> HTTPResponse { ClientReply(failure, id: [0x61]).response(to: .openAI) }
        let refused = reply(ItemFailure(.badRequest, "m", status: 422, body: Array("{\"x\":1}".utf8)))
        #expect(refused.status == 422 && text(refused) == "{\"x\":1}")
        #expect(refused.headers.contains { $0 == ("x-should-retry", "false") })
        #expect(reply(ItemFailure(.connection, "gone")).status == 502)
        #expect(reply(ItemFailure(.timeout, "late")).status == 504)
        #expect(reply(ItemFailure(.server, "empty", status: 503)).status == 503)
        #expect(reply(ItemFailure(.server, "torn", status: 200, body: Array("{".utf8))).status == 502)
        let filtered = reply(ItemFailure(.contentFilter, "no", status: 200, body: Array("{}".utf8)))
        #expect(filtered.status == 200 && text(filtered) == "{}")
    }

    @Test func bodiesAreKnownByTheirBeginnings() {
        let types = ["{\"a\":1}", " [1]", "data: {}\n\n", "event: x\n", ": ping\n\ndata: {}", "<html>", "oops"].map {
            ClientReply.contentType(of: Array($0.utf8))
        }
        let events = "text/event-stream"
        #expect(types.prefix(5) == ["application/json", "application/json", events, events, events])
        #expect(types.suffix(2) == ["text/html; charset=utf-8", "text/plain; charset=utf-8"])
    }

    // MARK: Streams

    @Test(arguments: ["\n\n", "\r\n\r\n"], [1, 2, 3, 7, 1000])
    func allEventsButTheLastArePassedOn(end: String, size: Int) {
        let events = ["data: {\"a\":1}", "event: x\ndata: é", ": ping", "data: [DONE]"].map { Array(($0 + end).utf8) }
        let bytes = Array(events.joined())
        var held = HeldEvents()
        var passed: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let part = Array(bytes[start..<min(bytes.count, start + size)])
            passed += part.withUnsafeBytes { held.add($0) }
            #expect(events.indices.contains { passed == Array(events[..<$0].joined()) })
        }
        #expect(passed == Array(events.dropLast().joined()) && held.rest == events.last)
    }

    // MARK: Waiting clients

    private final class Counter: Client {
        let count = Locked(0)
        func take(_ reply: ClientReply) { count.withLock { $0 += 1 } }
    }

    @Test func equalRequestsWaitTogether() {
        let (waiting, client, key) = (WaitingClients(), Counter(), Hash128(high: 1, low: 2))
        #expect(waiting.join(key, fingerprint: 7, bytes: 10, client) == .new)
        #expect(waiting.join(key, fingerprint: 7, bytes: 10, client) == .joined)
        #expect(waiting.join(key, fingerprint: 8, bytes: 10, client) == .different)
        #expect(waiting.take(key).count == 2 && waiting.take(key).isEmpty && !waiting.contains(key))
        #expect(waiting.join(key, fingerprint: 8, bytes: WaitingClients.bytesMax, client) == .new)
        #expect(waiting.join(Hash128(high: 1, low: 3), fingerprint: 8, bytes: 1, client) == .full)
        #expect(waiting.takeAll().count == 1)
        #expect(waiting.join(Hash128(high: 1, low: 3), fingerprint: 8, bytes: 1, client) == .new)
    }

    @Test func recentAnswersAreBounded() {
        var recent = RecentAnswers()
        let body = [UInt8](repeating: 1, count: 1 << 20)
        for number in 0..<200 as Range<UInt64> { recent.keep(Hash128(high: 0, low: number), body) }
        #expect(recent.bytes <= RecentAnswers.bytesMax && recent.body(Hash128(high: 0, low: 0)) == nil)
        #expect(recent.body(Hash128(high: 0, low: 199)) == body)
        recent.keep(Hash128(high: 1, low: 0), [UInt8](repeating: 1, count: RecentAnswers.answerBytesMax + 1))
        #expect(recent.body(Hash128(high: 1, low: 0)) == nil)
    }

    @Test func aSourceHandsOverWhatComes() async throws {
        let source = ClientSource()
        let context = ItemContext(
            key: .init("a"), row: 0, fingerprint: 0, asked: [], metadata: [],
            request: ModelRequest(path: "", body: []))
        let item = Item(request: context.request, context: context)
        async let first = source.next()
        source.offer(item)
        #expect(try await first?.count == 1)
        for _ in 0..<600 { source.offer(item) }
        #expect(try await source.next()?.count == 256)
        source.clear()
        let waiting = Task { try await source.next() }
        waiting.cancel()
        #expect(try await waiting.value?.isEmpty == true)
    }

    // MARK: Settings

    @Test(arguments: [
        "http://127.0.0.1:9000/v1", "http://localhost:9000", "http://[::1]:9000/v1", "http://0.0.0.0:9000",
    ])
    func aBaseURLThatLeadsBackIsRefused(url: String) throws {
        let settings = try settings("--base-url", url)
        #expect(throws: RetortError.self) { try settings.refuseLoop(port: 9000) }
        try settings.refuseLoop(port: 9001)
    }

    @Test func eitherAPIsKeyIsEnough() throws {
        let both = try settings(environment: ["OPENAI_API_KEY": "k-openai", "ANTHROPIC_API_KEY": "k-anthropic"])
        #expect(both.objection(to: .openAI) == nil && both.objection(to: .anthropic) == nil)
        #expect(both.run.baseURL == "https://api.openai.com/v1")
        let one = try settings(environment: ["ANTHROPIC_API_KEY": "k-anthropic"])
        #expect(one.objection(to: .openAI) != nil && one.objection(to: .anthropic) == nil)
        #expect(one.run.baseURL.contains("anthropic"))
        #expect(throws: RetortError.self) { try settings() }
    }

    @Test func noRefusalStopsAServer() throws {
        let settings = try settings("--simulate")
        #expect(settings.run.generator.refusalsAreOutcomes && settings.run.generator.refusalsMax == 0)
        #expect(settings.run.keepsBody && settings.run.generator.outageMax == .seconds(60))
    }
}
