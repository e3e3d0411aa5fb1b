import Basics
import JSONText
import ModelAPI
import ResponseGenerator
import RunTestSupport
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct StreamOptionTests {
    private func body(_ flags: String...) throws -> (request: ModelRequest, fingerprint: UInt64) {
        let settings = try settings(
            ["in", "--out", "o", "--model", "m", "--base-url", "https://api.example.com/v1"] + flags,
            environment: ["OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"])
        let request = try settings.builder.request(.prompt(Array(#""x""#.utf8)[...]))
        return (request, settings.builder.fingerprint(request, with: JSONParser()))
    }

    @Test(arguments: [
        ("chat", #""stream":true,"stream_options":{"include_usage":true}"#),
        ("completions", #""stream":true,"stream_options":{"include_usage":true}"#),
        ("responses", #""stream":true"#), ("messages", #""stream":true"#),
    ])
    func everyApiIsAskedInItsOwnWayAndTheRequestStaysTheSame(endpoint: String, members: String) throws {
        let plain = try body("--endpoint", endpoint)
        let streamed = try body("--endpoint", endpoint, "--stream")
        let text = String(decoding: streamed.request.body, as: UTF8.self)
        #expect(text.contains(members) && !String(decoding: plain.request.body, as: UTF8.self).contains("stream"))
        #expect(text.contains("stream_options") == members.contains("stream_options"))
        #expect(plain.fingerprint == streamed.fingerprint)
    }

    @Test func clashesAreRefused() throws {
        #expect(throws: RetortError.self) { try body("--stream", "--param", "stream=false") }
        #expect(throws: RetortError.self) { try body("--stream", "--via", "batch") }
        _ = try body("--stream", "--param", "stream=true")
    }
}
