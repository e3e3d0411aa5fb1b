import HTTPTransport
import ModelAPI
import ModelSimulator
import RunTestSupport
import Testing

@testable import BatchDelivery
@testable import Distillation

/// Calls of batch APIs over a socket, to a server whose two APIs use two key headers, or that has another root.
@Suite struct BatchAddressTests {
    private func withCaller(
        _ api: BatchAPI, _ root: String, _ body: (BatchCaller) async throws -> Void
    ) async throws {
        var configuration = SimulatorConfiguration()
        configuration.apiKey = "k"
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        defer { simulator.stop() }
        let address = try #require(simulator.baseURL).replacing("/v1", with: root)
        let transport = TransportConfiguration(
            baseURL: address, headers: [("Authorization", "Bearer k")], userAgent: "test")
        try await body(
            BatchCaller(
                dialect: api.dialect(api.limits),
                sender: try BulkTransport(transport, beside: "/chat/completions"),
                secrets: Secrets(environment: [:], headers: [])))
    }

    private let title = BatchTitle(name: "retort-1.jsonl", path: "/chat/completions", window: "24h")
    private let request = ModelRequest(
        path: "/chat/completions", body: Array(#"{"model":"m","messages":[{"role":"user","content":"a"}]}"#.utf8))

    @Test(
        arguments: [
            (BatchAPI.gemini, "/v1beta/openai"), (.azure, "/openai/deployments/m?api-version=2024-10-21"),
            (.together, "/v1"), (.groq, "/openai/v1"), (.openai, "/v1"),
        ])
    func eachCallFindsItsAddressAndItsKey(api: BatchAPI, root: String) async throws {
        let folder = try Folder()
        let file = folder.path + "/upload"
        try await withCaller(api, root) { caller in
            let writer = try FileWriter(file)
            try writer.write(caller.dialect.line(customID: "0-ab-a", request))
            try writer.finish()
            guard case .uploaded(let id) = await caller.upload(title, file) else { return #expect(Bool(false)) }
            #expect(await caller.findFile(title.name) == .foundFile(id))
            var event = await caller.create(title, file: id, upload: file)
            // Azure checks a file first.
            #expect((event == .busy) == (api == .azure))
            if event == .busy { event = await caller.create(title, file: id, upload: file) }
            guard case .created(let batch) = event else {
                Issue.record("\(event)")
                return
            }
            let plan = BatchPlan(
                name: title.name, mark: "ab", path: title.path, window: "24h", server: "s", requests: 1, bytes: 1,
                tokens: 1, costMax: 0)
            let time = 1_000_000_000
            let planned = BatchEntry(number: 1, .planned, time: time, plan: plan)
            var standing = try #require(BatchStanding(planned))
            standing.add(BatchEntry(number: 1, .uploaded(file: id), time: time))
            #expect(await caller.findBatch(standing, except: []) == .foundBatch(batch))
            #expect(await caller.findBatch(standing, except: [batch]) == .foundBatch(nil))
            guard case .looked(let view) = await caller.look(batch) else { return #expect(Bool(false)) }
            #expect(view.end == .completed && view.results.count == 1)
            let target = folder.path + "/results"
            #expect(await caller.download(view.results[0], to: target) == nil)
            let line = try #require(try LineReader(target).next()?.line)
            #expect(String(decoding: line, as: UTF8.self).contains(#""custom_id":"0-ab-a""#))
            #expect(await caller.cancel(batch) == .cancelled)
        }
    }
}
