import Basics
import JSONText
import TestSupport
import Testing

@testable import ModelSimulator

@Suite struct ServerFaultTests {
    private func outcome(
        of fault: Fault, _ more: String = "", patienceMilliseconds: Int = 10_000,
        _ check: (ModelSimulator, LoopbackClient.Outcome) throws -> Void
    ) throws {
        var configuration = SimulatorConfiguration()
        configuration.faults.rates = [.init(fault, 1)]
        configuration.hugeBytes = 2_000_000
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        defer { simulator.stop() }
        do {
            let client = LoopbackClient(
                port: try #require(simulator.port), patienceMilliseconds: patienceMilliseconds)
            let outcome = client.post("/v1/chat/completions", chat("entropy", more))
            #expect(simulator.counts.faults == [fault: 1])
            try check(simulator, outcome)
        }
        // The server notices a disconnected client in any state.
        #expect(holdsSoon { simulator.counts.connectionsOpen == 0 })
        #expect(simulator.counts.inFlight == 0)
    }

    private func record(_ outcome: LoopbackClient.Outcome) { Issue.record("\(outcome)") }

    @Test func aHangSendsNothing() throws {
        try outcome(of: .hang, patienceMilliseconds: 50) { simulator, outcome in
            guard case .silence(let bytes) = outcome else { return record(outcome) }
            #expect(bytes.isEmpty)
            #expect(simulator.counts.inFlight == 1 && simulator.counts.statuses.isEmpty)
        }
    }

    @Test(arguments: ["", #","stream":true"#])
    func aStallSendsHalf(more: String) throws {
        try outcome(of: .stall, more, patienceMilliseconds: 50) { simulator, outcome in
            guard case .silence(let bytes) = outcome else { return record(outcome) }
            #expect(String(decoding: bytes, as: UTF8.self).contains("chatcmpl-"))
            #expect(simulator.counts.answered == 0)
        }
    }

    @Test(arguments: ["", #","stream":true"#])
    func aResetComesInTheMiddle(more: String) throws {
        try outcome(of: .reset, more) { _, outcome in
            guard case .reset(let bytes) = outcome else { return record(outcome) }
            #expect(String(decoding: bytes, as: UTF8.self).contains("chatcmpl-"))
        }
    }

    @Test(arguments: ["", #","stream":true"#])
    func aTruncatedBodyIsFramedSoundly(more: String) throws {
        try outcome(of: .truncate, more) { _, outcome in
            let response = try #require(outcome.response)
            #expect(response.status == 200 && !response.text.contains("[DONE]"))
            #expect(throws: JSONError.self) { try json(response.body) }
        }
    }

    @Test func anEmptyBodyIsEmpty() throws {
        try outcome(of: .empty) { _, outcome in
            let response = try #require(outcome.response)
            #expect(response.status == 200 && response.body.isEmpty)
        }
    }

    @Test func aHugeBodyComesWhole() throws {
        try outcome(of: .huge) { _, outcome in
            let response = try #require(outcome.response)
            #expect(response.body.count > 2_000_000)
            #expect(try json(response.body).firstText != nil)
        }
    }

    @Test func retriesFollowTheScript() throws {
        var configuration = SimulatorConfiguration()
        configuration.faults.script = try FaultPlan.script(parsing: "1=500,2=reset,3=429")
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        defer { simulator.stop() }
        let port = try #require(simulator.port)
        let outcomes = (0..<4).map { _ in LoopbackClient(port: port).post("/v1/chat/completions", chat("x")) }
        #expect(outcomes.map { $0.response?.status } == [500, nil, 429, 200])
        #expect(outcomes[2].response?.headers["retry-after"] == "1")
        #expect(simulator.counts.items == 1 && simulator.counts.given == 1)
    }

    @Test func anOutageClosesEverythingAndEnds() throws {
        var configuration = SimulatorConfiguration()
        configuration.latency = .fixed(3600)
        configuration.faults = try FaultPlan(parsing: "down=1s@100ms")
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        defer { simulator.stop() }
        let port = try #require(simulator.port)
        let waiting = LoopbackClient(port: port)
        if case .response = waiting.post("/v1/chat/completions", chat("x")) { Issue.record("answered") }
        // Down: connections are closed as they arrive. Up again after a moment.
        var refusals = 0
        let isUpAgain = holdsSoon {
            if LoopbackClient(port: port).get("/v1/models").response != nil { return true }
            refusals += 1
            return false
        }
        #expect(isUpAgain && refusals > 0)
    }

    @Test func everyRequestIsCountedOnceUnderManyFaults() throws {
        var configuration = SimulatorConfiguration()
        configuration.faults = try FaultPlan(parsing: "429=0.1,500=0.1,reset=0.1,truncate=0.1,empty=0.1")
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        let port = try #require(simulator.port)
        var answers = 0
        for index in 0..<300 {
            let client = LoopbackClient(port: port)
            let response = client.post("/v1/chat/completions", chat("question \(index)")).response
            if let response, response.status == 200, (try? json(response.body).firstText) != nil { answers += 1 }
        }
        simulator.stop()
        let counts = simulator.counts
        #expect(counts.requests == 300 && counts.items == 300 && counts.inFlight == 0)
        #expect(counts.answered == answers && counts.given == answers)
        #expect(counts.faults.values.reduce(0, +) + counts.answered == 300)
        #expect(counts.statuses.values.reduce(0, +) == 300)
    }
}
