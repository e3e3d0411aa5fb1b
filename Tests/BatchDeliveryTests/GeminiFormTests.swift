import JSONText
import ModelAPI
import Testing

@testable import BatchDelivery

private func json(_ text: String) throws -> JSONValue { try JSONParser().parse(Array(text.utf8)).root }

@Suite struct GeminiFormTests {
    private let dialect = GeminiBatches()

    @Test func filesAndListsAreAtItsOwnApiWithItsOwnHeader() {
        let title = BatchTitle(name: "retort-1.jsonl", path: "/chat/completions", window: "24h")
        for call in [
            dialect.upload(title), dialect.listFiles(after: nil), dialect.listBatches(after: nil),
            dialect.cancel("batches/b"), dialect.download("/download/v1beta/files/f:download"),
        ] { #expect(call.cut == "/v1beta/openai" && call.keyHeader == "x-goog-api-key", "\(call.path)") }
        for call in [dialect.create(title, file: "files/f"), dialect.look("batches/b")] {
            #expect(call.cut.isEmpty && call.keyHeader.isEmpty)
        }
        #expect(dialect.look("batches/b").path == "/batches/batches/b")
        #expect(dialect.cancel("batches/b").path == "/v1beta/batches/b:cancel")
        #expect(dialect.listFiles(after: "a/b=&c-1_").query == "pageSize=100&pageToken=a%2Fb%3D%26c-1_")
        guard case .bytes(let body) = dialect.create(title, file: "files/f").body else { return #expect(Bool(false)) }
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"{"input_file_id":"files/f","endpoint":"/v1/chat/completions","completion_window":"24h"}"#)
    }

    @Test func aBatchIsReadInBothForms() throws {
        let view = try #require(
            dialect.batch(
                json(
                    #"{"id":"batches/b","status":"completed","input_file_id":"files/f","output_file_id":"files/batch-b","#
                        + #""error_file_id":null,"created_at":7,"request_counts":{"total":3,"completed":2,"failed":1}}"#
                )))
        #expect(view.id == "batches/b" && view.end == .completed && view.total == 3 && view.failed == 1)
        #expect(view.inputFile == "files/f" && view.results == ["/download/v1beta/files/batch-b:download"])
        let operation = try #require(
            dialect.batch(
                json(
                    #"{"name":"batches/b","metadata":{"state":"BATCH_STATE_RUNNING","createTime":"2026-01-01T00:00:00.5Z","#
                        + #""inputConfig":{"fileName":"files/f"},"batchStats":{"requestCount":"3"}}}"#)))
        #expect(operation.end == nil && operation.total == 3 && operation.created == 1_767_225_600)
        #expect(operation.inputFile == "files/f" && operation.id == "batches/b")
    }

    @Test(
        arguments: [
            ("BATCH_STATE_PENDING", nil), ("JOB_STATE_RUNNING", nil), ("BATCH_STATE_SUCCEEDED", BatchEnd.completed),
            ("JOB_STATE_PARTIALLY_SUCCEEDED", .completed), ("BATCH_STATE_CANCELLED", .cancelled),
            ("JOB_STATE_EXPIRED", .expired), ("BATCH_STATE_FAILED", .failed(code: "failed", message: "m")),
        ] as [(String, BatchEnd?)])
    func statesAreRead(state: String, end: BatchEnd?) throws {
        let text = #"{"name":"batches/b","metadata":{"state":"\#(state)"},"error":{"message":"m"}}"#
        #expect(try dialect.batch(json(text))?.end == end)
    }

    @Test func namesThatWouldChangeAnAddressAreNone() throws {
        for name in ["batches/../x", "batches/a/b", "files/b", "batches/", "b", "batches/a?b"] {
            #expect(try dialect.batch(json(#"{"id":"\#(name)","status":"completed"}"#)) == nil, "\(name)")
            #expect(try dialect.batch(json(#"{"name":"\#(name)","metadata":{"state":"JOB_STATE_RUNNING"}}"#)) == nil)
        }
        let page = dialect.files(
            try json(
                #"{"files":[{"name":"files/f","displayName":"n"},{"name":"f","displayName":"m"}],"nextPageToken":"t="}"#
            ),
            after: nil)
        #expect(page.elements.map(\.id) == ["files/f"] && page.next == "t=")
        #expect(dialect.files(try json("{}"), after: nil).elements.isEmpty)
        #expect(dialect.batches(try json(#"{"nextPageToken":""}"#), after: nil).next == nil)
    }
}

/// The variants of OpenAI's files and batches at other providers.
@Suite struct OpenAIFormTests {
    private let request = ModelRequest(path: "/chat/completions", body: Array(#"{"model":"m"}"#.utf8))
    private let title = BatchTitle(name: "n.jsonl", path: "/chat/completions", window: "24h")

    private func text(_ call: BatchCall) -> String {
        switch call.body {
        case .none: ""
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .upload(let head, _): String(decoding: head, as: UTF8.self)
        }
    }

    @Test func azureHasAddressesWithoutAVersionAndNothingBelowADeployment() throws {
        let azure = OpenAIBatches(form: .azure)
        #expect(
            String(decoding: azure.line(customID: "c", request), as: UTF8.self).contains(#""url":"/chat/completions""#))
        #expect(text(azure.create(title, file: "f")).contains(#""endpoint":"/chat/completions""#))
        #expect(azure.create(title, file: "f").cut == "/deployments/" && azure.look("b").cut == "/deployments/")
        #expect(azure.lookAtFile("f")?.path == "/files/f" && OpenAIBatches().lookAtFile("f") == nil)
        #expect(azure.readiness(try json(#"{"status":"pending"}"#)) == .notYet)
        #expect(azure.readiness(try json(#"{"status":"processed"}"#)) == .ready)
        #expect(azure.readiness(try json(#"{"status":"error","status_details":"d"}"#)) == .refused("d"))
    }

    @Test func togethersFilesHaveAPurposeOfTheirOwn() {
        let together = OpenAIBatches(form: .together)
        let upload = together.upload(title)
        #expect(upload.path == "/files/upload" && text(upload).contains("\r\n\r\nbatch-api\r\n"))
        #expect(text(upload).contains("name=\"file_name\"\r\n\r\nn.jsonl\r\n"))
        #expect(!text(together.create(title, file: "f")).contains("metadata"))
        #expect(text(OpenAIBatches().create(title, file: "f")).hasSuffix(#","metadata":{"retort":"n.jsonl"}}"#))
    }

    @Test(
        arguments: [
            ("api.openai.com", "openai"), ("x.openai.azure.com", "azure"), ("api.groq.com", "groq"),
            ("api.together.xyz", "together"), ("api.mistral.ai", "mistral"), ("api.anthropic.com", "anthropic"),
            ("generativelanguage.googleapis.com", "gemini"), ("localhost", nil), ("api.deepseek.com", nil),
        ] as [(String, String?)])
    func hostsHaveTheirForms(host: String, form: String?) { #expect(BatchAPI.at(host: host)?.rawValue == form) }
}
