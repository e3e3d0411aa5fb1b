import Basics
import Testing

@testable import ModelAPI

@Suite struct StreamWatchTests {
    private func watch(_ pieces: [String], status: Int = 200) -> StreamWatch {
        let watch = StreamWatch()
        watch.began()
        for piece in pieces { Array(piece.utf8).withUnsafeBytes { watch.received($0, status: status) } }
        return watch
    }

    /// The first event is seldom a piece of the answer.
    @Test(arguments: [
        #"data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
        #"event: message_start"# + "\n" + #"data: {"type":"message_start","message":{"content":[],"usage":{}}}"#,
        #"data: {"type":"content_block_start","content_block":{"type":"text","text":""}}"#,
        #"data: {"type":"response.created","response":{"text":{"format":{"type":"text"}},"reasoning":null}}"#,
        #"data: {"choices":[{"delta":{"content":null}}]}"#, ": keep-alive", "",
    ])
    func anEventWithoutATextIsNoToken(event: String) {
        #expect(watch([event + "\n\n"]).firstToken == nil)
    }

    @Test(arguments: [
        #"{"choices":[{"delta":{"content":"a"}}]}"#, #"{"choices":[{"delta":{"reasoning_content":"a"}}]}"#,
        #"{"choices":[{"index":0,"text":"a"}]}"#, #"{"type":"response.output_text.delta","delta":"a"}"#,
        #"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking": "a"}}"#,
        #"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]}"#,
    ])
    func aPieceOfAnAnswerIsOneHoweverItIsCut(event: String) {
        let bytes = "data: " + event + "\n\n"
        #expect(watch([bytes]).firstToken != nil)
        #expect(watch(bytes.map { String($0) }).firstToken != nil)
        #expect(watch([bytes], status: 500).firstToken == nil)
    }

    @Test func whatHasComeIsKeptUpToALimitAndForgottenByTheNextAttempt() {
        let watch = watch([String(repeating: "x", count: StreamWatch.bytesMax - 1), "yz"])
        #expect(watch.received.count == StreamWatch.bytesMax && watch.received.last == UInt8(ascii: "y"))
        watch.began()
        #expect(watch.received.isEmpty && watch.firstToken == nil)
    }

    @Test func aBrokenStreamLeavesWhatHadCome() async {
        struct Breaking: ModelTransport {
            func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
                request.tap?.began()
                Array(#"data: {"delta":"a"}"#.utf8).withUnsafeBytes { request.tap?.received($0, status: 200) }
                if request.path == "/whole" { return .success(ModelReply(status: 200, body: [1])) }
                return .failure(TransportFailure(.connection, "reset", stage: .answering))
            }
        }
        let transport = StreamingTransport(base: Breaking())
        guard case .failure(let failure) = await transport.send(ModelRequest(path: "/", body: [])) else {
            Issue.record("it broke")
            return
        }
        #expect(String(decoding: failure.received, as: UTF8.self) == #"data: {"delta":"a"}"#)
        guard case .success(let reply) = await transport.send(ModelRequest(path: "/whole", body: [])) else {
            Issue.record("it was whole")
            return
        }
        #expect(reply.firstToken != nil && reply.body == [1])
    }
}
