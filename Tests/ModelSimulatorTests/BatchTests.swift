import Basics
import JSONText
import Testing

@testable import ModelSimulator

/// The batch APIs without a network.
private final class BatchBench {
    let bench: ResponderBench

    init(_ change: (inout SimulatorConfiguration) throws -> Void = { _ in }) rethrows {
        bench = try ResponderBench(change)
    }

    func send(_ route: BatchRoute, _ body: [UInt8] = [], contentType: String? = nil, after: String? = nil) -> Reply {
        var request = Responder.Request(route: .batches(route), body: body)
        (request.contentType, request.after) = (contentType, after)
        return bench.responder.reply(to: request, at: bench.now, date: 1_763_600_000)
    }

    func upload(_ lines: [String]) throws -> String {
        let form =
            "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--B\r\n"
            + "Content-Disposition: form-data; name=\"file\"; filename=\"rows.jsonl\"\r\n\r\n"
            + lines.joined(separator: "\n") + "\r\n--B--\r\n"
        let reply = send(.uploadFile, Array(form.utf8), contentType: "multipart/form-data; boundary=B")
        #expect(reply.status == 200)
        return try #require(try json(reply.body)["id"]?.string)
    }

    static func line(_ number: Int) -> String {
        let body = chat("row \(number)")
        return #"{"custom_id":"c\#(number)","method":"POST","url":"/v1/chat/completions","body":\#(body)}"#
    }

    func create(_ file: String) throws -> JSONValue {
        let body = #"{"input_file_id":"\#(file)","endpoint":"/v1/chat/completions","completion_window":"24h"}"#
        let reply = send(.create, Array(body.utf8))
        #expect(reply.status == 200)
        return try json(reply.body)
    }

    func look(_ batch: JSONValue) throws -> JSONValue { try json(send(.batch(batch["id"]?.string ?? "")).body) }

    func results(_ file: JSONValue?) throws -> [JSONValue] {
        guard let id = file?.string else { return [] }
        return try send(.fileContent(id)).body.split(separator: 0x0A).map { try json(Array($0)) }
    }
}

@Suite struct BatchTests {
    @Test func linesAreAnsweredAsTheirRouteWould() throws {
        let bench = BatchBench { $0.batchDuration = .seconds(10) }
        let batch = try bench.create(try bench.upload((0..<4).map(BatchBench.line)))
        #expect(try bench.look(batch)["status"]?.string == "in_progress")
        bench.bench.now = bench.bench.now + .seconds(5)
        #expect(try bench.look(batch)["request_counts"]?["completed"]?.int == 2)
        bench.bench.now = bench.bench.now + .seconds(5)
        let ended = try bench.look(batch)
        #expect(ended["status"]?.string == "completed" && ended["error_file_id"]?.kind == .null)
        let results = try bench.results(ended["output_file_id"])
        #expect(results.map { $0["custom_id"]?.string } == ["c0", "c1", "c2", "c3"])
        let live = try json(bench.bench.reply(chat("row 2")).body)
        #expect(results[2]["response"]?["body"]?.firstText == live.firstText)
        let counts = bench.bench.ledger.withLock { $0.counts }
        #expect(counts.batches == 1 && counts.batchRequests == 4 && counts.billed == 5)
        let log = try json(bench.send(.log).body)
        #expect(log["billed"]?.int == 4 && log["name"]?.string == "rows.jsonl")
    }

    @Test(arguments: [
        (BatchFault.expired, "expired", 2, 2), (.partial, "completed", 3, 1), (.unordered, "completed", 4, 0),
        (.missing, "completed", 3, 0),
    ])
    func faultsOfBatches(_ fault: BatchFault, _ status: String, _ answered: Int, _ failed: Int) throws {
        let bench = BatchBench { $0.batchFaults.counts[fault] = 1 }
        let batch = try bench.look(try bench.create(try bench.upload((0..<4).map(BatchBench.line))))
        #expect(batch["status"]?.string == status)
        #expect(try bench.results(batch["output_file_id"]).count == answered)
        #expect(try bench.results(batch["error_file_id"]).count == failed)
        #expect(bench.bench.ledger.withLock { $0.counts.billed } == answered)
        let sound = try bench.look(try bench.create(try bench.upload((0..<4).map(BatchBench.line))))
        #expect(try bench.results(sound["output_file_id"]).count == 4)
    }

    @Test func aStuckBatchEndsWhenItIsCancelled() throws {
        let bench = BatchBench { $0.batchFaults.counts[.stuck] = 1 }
        let batch = try bench.create(try bench.upload([BatchBench.line(0)]))
        bench.bench.now = bench.bench.now + .seconds(100_000)
        #expect(try bench.look(batch)["status"]?.string == "in_progress")
        _ = bench.send(.cancel(batch["id"]?.string ?? ""))
        #expect(try bench.look(batch)["status"]?.string == "cancelled")
    }

    @Test func filesThatAreNoBatchFailItAndNotTheCall() throws {
        let bench = BatchBench { $0.batchRequestsMax = 2 }
        for (lines, code) in [
            (["nonsense"], "invalid_json_line"), ([BatchBench.line(1), BatchBench.line(1)], "duplicate_custom_id"),
            ((0..<3).map(BatchBench.line), "too_many_requests"), ([""], "empty_file"),
            ([BatchBench.line(0).replacing("/v1/chat", with: "/v2/chat")], "mismatched_endpoint"),
        ] {
            let batch = try bench.create(try bench.upload(lines))
            #expect(batch["errors"]?["data"]?.firstElement?["code"]?.string == code)
            #expect(batch["status"]?.string == "failed")
        }
        #expect(bench.send(.create, Array("{}".utf8)).status == 400)
        #expect(
            bench.send(.uploadFile, Array("--B".utf8), contentType: "multipart/form-data; boundary=B").status == 400)
        #expect(bench.send(.batch("none")).status == 404)
    }

    @Test func messageBatchesHaveAnthropicsForm() throws {
        let bench = BatchBench { $0.batchFaults.counts[.expired] = 1 }
        let params = #"{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"x"}]}"#
        let requests = (0..<2).map { #"{"custom_id":"c\#($0)","params":\#(params)}"# }.joined(separator: ",")
        let made = try json(bench.send(.createMessages, Array(#"{"requests":[\#(requests)]}"#.utf8)).body)
        let id = try #require(made["id"]?.string)
        let ended = try json(bench.send(.messages(id)).body)
        #expect(ended["processing_status"]?.string == "ended" && ended["request_counts"]?["expired"]?.int == 1)
        #expect(ended["created_at"]?.string == "2025-11-20T00:53:20Z")
        let lines = try bench.send(.messageResults(id)).body.split(separator: 0x0A).map { try json(Array($0)) }
        #expect(lines.map { $0["result"]?["type"]?.string } == ["succeeded", "expired"])
        #expect(lines[0]["result"]?["message"]?["type"]?.string == "message")
        let wrong = #"{"requests":[{"custom_id":"a b","params":{}}]}"#
        #expect(bench.send(.createMessages, Array(wrong.utf8)).status == 400)
    }

    @Test func plansOfFaultsAreRead() throws {
        #expect(try BatchFaultPlan(parsing: "expired=1,lost-create=2").counts == [.expired: 1, .lostCreate: 2])
        for wrong in ["", "expired", "expired=-1", "what=1"] {
            #expect(throws: RetortError.self) { try BatchFaultPlan(parsing: wrong) }
        }
    }
}
