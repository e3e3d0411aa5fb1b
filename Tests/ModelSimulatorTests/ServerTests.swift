import Basics
import JSONText
import TestSupport
import Testing

@testable import ModelSimulator

@Suite struct ServerTests {
    private func serve(
        _ change: (inout SimulatorConfiguration) throws -> Void = { _ in },
        _ body: (ModelSimulator, UInt16) throws -> Void
    ) throws {
        var configuration = SimulatorConfiguration()
        try change(&configuration)
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        defer { simulator.stop() }
        try body(simulator, try #require(simulator.port))
    }

    @Test func answersOverOneConnection() throws {
        try serve { simulator, port in
            let client = LoopbackClient(port: port)
            for index in 0..<20 {
                let response = try #require(client.post("/v1/chat/completions", chat("question \(index)")).response)
                #expect(response.status == 200 && response.headers["content-type"] == "application/json")
                #expect(try json(response.body).firstText?.isEmpty == false)
            }
            // A request's end is counted after its bytes have been sent, so another exchange comes first.
            let counts = try json(try #require(client.get("/simulator/counts").response).body)
            #expect(counts["answered"]?.int == 20 && counts["items_answered"]?.int == 20)
            #expect(simulator.counts.connections == 1)
            #expect(simulator.counts.statuses == [200: 20])
        }
    }

    @Test func routesWithAndWithoutThePrefix() throws {
        try serve { _, port in
            let client = LoopbackClient(port: port)
            #expect(client.post("/completions", #"{"model":"m","prompt":"p"}"#).response?.status == 200)
            #expect(client.get("/v1/models").response?.status == 200)
            #expect(client.get("/models").response?.status == 200)
            #expect(client.get("/v1/nothing").response?.status == 404)
            #expect(client.get("/v1/chat/completions").response?.headers["allow"] == "POST")
            #expect(client.post("/v1/chat/completions", "not JSON").response?.status == 400)
            #expect(client.post("/v1/chat/completions", chat("x")).response?.status == 200)
        }
    }

    @Test func bodiesOfEverySizeArrive() throws {
        try serve { _, port in
            let client = LoopbackClient(port: port)
            for size in [1, 1000, 100_000, 3_000_000] {
                let body = chat(String(repeating: "x", count: size))
                let response = try #require(client.post("/v1/chat/completions", body).response)
                #expect(try json(response.body)["usage"]?["prompt_tokens"]?.int == (size + 3) / 4)
            }
        }
    }

    @Test func theKeyIsAskedFor() throws {
        try serve { configuration in
            configuration.apiKey = "sk-test"
        } _: { _, port in
            let client = LoopbackClient(port: port)
            #expect(client.post("/v1/chat/completions", chat("x")).response?.status == 401)
            for header in ["Authorization: Bearer sk-test", "x-api-key: sk-test"] {
                #expect(client.post("/v1/chat/completions", chat("x"), headers: [header]).response?.status == 200)
            }
        }
    }

    @Test func streamsEventByEvent() throws {
        try serve { configuration in
            configuration.timePerToken = .milliseconds(1)
        } _: { simulator, port in
            let client = LoopbackClient(port: port)
            let start = Instant.now
            let body = chat("entropy", #","stream":true,"max_tokens":50"#)
            let response = try #require(client.post("/v1/chat/completions", body).response)
            #expect(Instant.now - start >= .milliseconds(50))
            #expect(response.headers["transfer-encoding"] == "chunked")
            #expect(response.text.hasSuffix("data: [DONE]\n\n"))
            _ = client.get("/simulator/counts")
            #expect(simulator.counts.answered == 1)
        }
    }

    @Test func latencyIsKept() throws {
        try serve { configuration in
            configuration.latency = .fixed(0.05)
        } _: { simulator, port in
            let clients = (0..<50).map { _ in LoopbackClient(port: port) }
            let start = Instant.now
            for (index, client) in clients.enumerated() {
                client.send("POST", "/v1/chat/completions", chat("question \(index)"))
            }
            for client in clients { #expect(client.receive().response?.status == 200) }
            #expect(Instant.now - start >= .milliseconds(50))
            #expect(simulator.counts.inFlightPeak > 1)
        }
    }

    @Test func resetForgets() throws {
        try serve { simulator, port in
            let client = LoopbackClient(port: port)
            _ = client.post("/v1/chat/completions", chat("x"))
            #expect(client.get("/simulator/items").response?.text.contains(#""attempts":1"#) == true)
            #expect(simulator.items.count == 1)
            #expect(client.post("/simulator/reset", "").response?.status == 200)
            #expect(client.get("/simulator/items").response?.body == [])
            #expect(simulator.counts.requests == 0)
        }
    }

    @Test func aPortInUseIsNamed() throws {
        try serve { _, port in
            let second = try ModelSimulator()
            #expect {
                try second.start(port: port)
            } throws: { error in
                guard let error = error as? RetortError else { return false }
                return error.code == .configuration && error.message.contains("\(port)") && error.remedy != nil
            }
            #expect(second.port == nil && second.baseURL == nil)
        }
    }

    @Test func refusesAddressesAndSettingsItCannotUse() throws {
        let simulator = try ModelSimulator()
        #expect(throws: RetortError.self) { try simulator.start(host: "example.org") }
        #expect(throws: RetortError.self) { try simulator.start(host: "203.0.113.1") }
        var configuration = SimulatorConfiguration()
        configuration.requestsPerMinute = 0
        #expect(throws: RetortError.self) { try ModelSimulator(configuration) }
        try simulator.start()
        #expect(throws: RetortError.self) { try simulator.start() }
        simulator.stop()
    }

    @Test func stopsWithRequestsWaitingAndStartsAgain() throws {
        var configuration = SimulatorConfiguration()
        configuration.latency = .fixed(3600)
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        let port = try #require(simulator.port)
        #expect(simulator.baseURL == "http://127.0.0.1:\(port)/v1")
        let clients = (0..<20).map { _ in LoopbackClient(port: port) }
        for client in clients { client.send("POST", "/v1/chat/completions", chat("x")) }
        #expect(holdsSoon { simulator.counts.inFlight == clients.count })
        simulator.stop()
        simulator.stop()
        for client in clients {
            if case .response = client.receive() { Issue.record("answered after the stop") }
        }
        #expect(simulator.counts.inFlight == 0 && simulator.counts.connectionsOpen == 0)
        try simulator.start(port: port)
        #expect(LoopbackClient(port: port).get("/v1/models").response?.status == 200)
        simulator.stop()
    }
}
