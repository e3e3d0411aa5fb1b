import JSONText
import ModelAPI
import Testing

@testable import BatchDelivery

@Suite struct MistralFormTests {
    private let dialect = MistralBatches()
    private func json(_ text: String) throws -> JSONValue { try JSONParser().parse(Array(text.utf8)).root }

    @Test func aLineHasNoAddressAndNoModel() {
        let request = ModelRequest(
            path: "/chat/completions", body: Array(#"{"model":"m","messages":[],"max_tokens":5}"#.utf8))
        #expect(
            String(decoding: dialect.line(customID: "0-ab-x", request), as: UTF8.self)
                == #"{"custom_id":"0-ab-x","body":{"messages":[],"max_tokens":5}}"#)
    }

    @Test(arguments: [("24h", 24), ("7d", 168), ("nonsense", 24)]) func theJobNamesModelAndHours(
        window: String, hours: Int
    ) {
        let title = BatchTitle(name: "retort-1.jsonl", path: "/chat/completions", window: window, model: "m")
        guard case .bytes(let body) = dialect.create(title, file: "f").body else { return #expect(Bool(false)) }
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"{"input_files":["f"],"endpoint":"/v1/chat/completions","model":"m","timeout_hours":"#
                + #"\#(hours),"metadata":{"retort":"retort-1.jsonl"}}"#)
    }

    @Test(
        arguments: [
            ("QUEUED", nil), ("RUNNING", nil), ("CANCELLATION_REQUESTED", nil), ("SUCCESS", BatchEnd.completed),
            ("TIMEOUT_EXCEEDED", .expired), ("CANCELLED", .cancelled),
            ("FAILED", .failed(code: "failed", message: "no such model")),
        ] as [(String, BatchEnd?)]) func statesAreRead(status: String, end: BatchEnd?) throws
    {
        let view = try #require(
            dialect.batch(
                json(
                    #"{"id":"j","status":"\#(status)","input_files":["f"],"metadata":{"retort":"n"},"total_requests":9,"#
                        + #""succeeded_requests":0,"failed_requests":2,"created_at":7,"output_file":"o","error_file":null,"#
                        + #""errors":[{"message":"no such model","count":9}]}"#)))
        #expect(view.end == end && view.total == 9 && view.failed == 2 && view.created == 7)
        #expect(view.inputFile == "f" && view.name == "n" && view.results == ["/files/o/content"])
    }

    @Test func aFailedJobWithResultsHasEnded() throws {
        let view = dialect.batch(try json(#"{"id":"j","status":"FAILED","succeeded_requests":4}"#))
        #expect(view?.end == .completed)
    }

    @Test func listsHaveNumberedPages() throws {
        #expect(dialect.listBatches(after: nil).query == "page_size=100&page=0")
        let job = #"{"id":"j","status":"RUNNING"}"#
        let full = try json(#"{"data":[\#(Array(repeating: job, count: 100).joined(separator: ","))]}"#)
        #expect(dialect.batches(full, after: nil).next == "1" && dialect.batches(full, after: "4").next == "5")
        #expect(dialect.batches(try json(#"{"data":[\#(job)]}"#), after: nil).next == nil)
        let files = dialect.files(try json(#"{"data":[{"id":"f","filename":"n"}]}"#), after: nil)
        #expect(files.elements.map(\.id) == ["f"] && files.next == nil)
    }
}

@Suite struct TogetherFormTests {
    @Test func timesInWordsAndStatesInCapitalsAreRead() throws {
        let text =
            #"{"job":{"id":"b","status":"IN_PROGRESS","input_file_id":"f","created_at":"2026-01-01T00:00:00Z","#
            + #""job_deadline":"2026-01-02T00:00:00Z"}}"#
        let view = try #require(
            OpenAIBatches(form: .together).batch(try JSONParser().parse(Array(text.utf8)).root))
        #expect(view.created == 1_767_225_600 && view.expires == 1_767_312_000 && view.end == nil)
    }
}
