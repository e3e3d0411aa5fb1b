import Basics
import ModelAPI
import Testing

@testable import ResponseGenerator

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

/// Servers in virtual time: each answers after its own latency, is down at times, and counts its requests.
private struct Servers {
    var latencies: [Double]
    /// By server: when it is down.
    var outages: [Int: ClosedRange<Double>] = [:]
    /// By server: the verdict of every request.
    var verdicts: [Int: Verdict] = [:]
    var statuses: [Int: Int] = [:]

    func isDown(_ place: Int, at time: Double) -> Bool { outages[place]?.contains(time) ?? false }
}

/// Drives the dispatcher with such servers: a list of events in order of time.
private struct Play {
    let servers: Servers
    var machine: Dispatcher
    var flights: [(due: Double, ticket: Ticket, began: Double)] = []
    var answered: [UInt64: Int] = [:]
    var failed: [String] = []
    var answersOf: [Int]
    var requestsOf: [Int]
    var now = 0.0
    private var left: Int
    private var serial: UInt64 = 0

    init(_ servers: Servers, items: Int, _ change: (inout GeneratorConfiguration) -> Void) {
        self.servers = servers
        left = items
        answersOf = servers.latencies.map { _ in 0 }
        requestsOf = answersOf
        var configuration = GeneratorConfiguration()
        configuration.seed = 1
        configuration.endpoints = servers.latencies.indices.map { EndpointSettings(name: "s\($0)", concurrency: 8) }
        configuration.concurrency = 8 * servers.latencies.count
        change(&configuration)
        machine = Dispatcher(configuration, at: at(0))
    }

    /// Runs to the end, or to a given time.
    mutating func run(until end: Double = .infinity) {
        while now < end {
            switch machine.next(at: at(now)) {
            case .dispatch(let ticket):
                requestsOf[ticket.endpoint] += 1
                let isDown = servers.isDown(ticket.endpoint, at: now)
                flights.append((now + (isDown ? 0.001 : servers.latencies[ticket.endpoint]), ticket, now))
            case .pull:
                let count = min(left, 64)
                left -= count
                let first = serial
                serial += UInt64(count)
                machine.supplied(
                    count == 0
                        ? nil : (first..<serial).map { Ticket(serial: $0, request: ModelRequest(path: "/", body: [])) })
            case .wait(let due):
                let next = flights.indices.min { flights[$0].due < flights[$1].due }
                let alarm = due.map { ($0 - at(0)).seconds } ?? .infinity
                guard let next, flights[next].due <= alarm else {
                    guard alarm < .infinity else { return }
                    now = max(now, alarm)
                    continue
                }
                let flight = flights.remove(at: next)
                now = max(now, flight.due)
                take(flight.ticket, began: flight.began)
            case .record:
                let released = machine.takeReleased()
                note(released)
            case .finish: return
            default: return
            }
        }
    }

    private mutating func take(_ ticket: Ticket, began: Double) {
        let place = ticket.endpoint
        let attempt: AttemptResult
        if servers.isDown(place, at: now) || servers.isDown(place, at: began) {
            attempt = AttemptResult(
                ticket: ticket, judgement: Judgement(verdict: .retry(.connection, message: "refused", after: nil)),
                failure: TransportFailure(.connection, "refused", stage: .unconnected))
        } else {
            attempt = AttemptResult(
                ticket: ticket,
                judgement: Judgement(verdict: servers.verdicts[place] ?? .answer(ModelAnswer(body: []))),
                reply: ModelReply(status: servers.statuses[place] ?? 200, body: []),
                latency: .seconds(now - began))
        }
        if let settlement = machine.returned(attempt, at: at(now)) { note([settlement]) }
        if machine.hasReleased {
            let released = machine.takeReleased()
            note(released)
        }
    }

    private mutating func note(_ settlements: [Settlement]) {
        for settlement in settlements {
            switch settlement.result {
            case .answer:
                answered[settlement.ticket.serial, default: 0] += 1
                answersOf[settlement.ticket.endpoint] += 1
            case .failure(let failure): failed.append(failure.message)
            default: break
            }
        }
        machine.settled(settlements.count, pressure: .open)
    }
}

@Suite struct ManyEndpointsTests {
    private static let latencies = [0.05, 0.07, 0.1, 0.13, 0.2, 0.25, 0.4, 0.5]

    /// What the servers can answer in this time, each with eight requests in flight.
    private func ideal(_ servers: Servers, seconds: Double) -> Double {
        servers.latencies.enumerated().reduce(0) { sum, one in
            let outage = servers.outages[one.offset]
            let up = seconds - (outage.map { min($0.upperBound, seconds) - $0.lowerBound } ?? 0)
            return sum + up * 8 / one.element
        }
    }

    @Test func eightServersOfWhichTwoDieGiveWhatTheyCan() {
        // Two fail; one of them returns.
        let servers = Servers(latencies: Self.latencies, outages: [1: 10...1000, 2: 12...20])
        var play = Play(servers, items: 1_000_000) { _ in }
        play.run(until: 60)
        let whole = ideal(servers, seconds: 60)
        #expect(Double(play.answered.count) > 0.95 * whole, "\(play.answered.count) of \(whole)")
        #expect(Double(play.answered.count) < 1.01 * whole)
        #expect(play.answered.values.allSatisfy { $0 == 1 } && play.failed.isEmpty)
        #expect(play.machine.router?.progress.map(\.state) == [.up, .down, .up, .up, .up, .up, .up, .up])
        // The returned server is found within the interval between two probes.
        let back = ideal(of: 2, servers, seconds: 60)
        #expect(Double(play.answersOf[2]) > 0.85 * back, "\(play.answersOf[2]) of \(back)")
        // A failed server gets few requests.
        #expect(play.requestsOf[1] - play.answersOf[1] < 8 + CircuitBreaker.failuresMax + 60)
    }

    private func ideal(of place: Int, _ servers: Servers, seconds: Double) -> Double {
        let outage = servers.outages[place].map { min($0.upperBound, seconds) - $0.lowerBound } ?? 0
        return (seconds - outage) * 8 / servers.latencies[place]
    }

    @Test func withoutWindowsOfTheirOwnTheyShareOneEvenly() {
        let servers = Servers(latencies: [0.1, 0.1, 0.4])
        var play = Play(servers, items: 1_000_000) {
            $0.concurrency = 30
            $0.endpoints = ["a", "b", "c"].map { EndpointSettings(name: $0) }
        }
        play.run(until: 20)
        #expect(play.answersOf.map { ($0 + 50) / 500 } == [4, 4, 1])
    }

    @Test func aServerThatRefusesForItsRateLosesNoItem() {
        // One that rejects everything at once and so always has the fewest requests in flight.
        let servers = Servers(
            latencies: [0.1, 0.001], verdicts: [1: .retry(.rateLimited, message: "slow down", after: nil)],
            statuses: [1: 429])
        var play = Play(servers, items: 2000) { $0.attemptsMax = 2 }
        play.run()
        #expect(play.answered.count == 2000 && play.failed.isEmpty)
        #expect(play.now < 2000 * 0.1 / 8 * 1.1 + 1)
        #expect(play.requestsOf[1] < 200)
        #expect(play.machine.router?.progress[1].state == .rateLimited)
    }

    @Test func aWrongKeyAtOneServerStopsNothing() {
        let refusal = Refusal(.key, .auth, "HTTP 401: no such key")
        var play = Play(
            Servers(latencies: [0.1, 0.01], verdicts: [1: .refuse(refusal)], statuses: [1: 401]), items: 500
        ) { _ in }
        play.run()
        #expect(play.answered.count == 500 && play.failed.isEmpty && play.machine.error == nil)
        #expect(play.machine.router?.progress[1].state == .excluded)
        #expect(play.requestsOf[1] <= 8 + EndpointRouter.refusalsMax)
    }

    @Test func aWrongKeyAtAllServersStopsTheRun() {
        let refusal = Refusal(.key, .auth, "HTTP 401: no such key")
        var play = Play(
            Servers(
                latencies: [0.1, 0.1], verdicts: [0: .refuse(refusal), 1: .refuse(refusal)], statuses: [0: 401, 1: 401]),
            items: 500
        ) { _ in }
        play.run()
        #expect(play.answered.isEmpty && play.failed.isEmpty && play.machine.error?.code == .refused)
        #expect(play.requestsOf.reduce(0, +) <= 3 * 16)
    }

    @Test func theAccountOfOneServerIsNotThatOfTheOthers() {
        let spent = RetortError(.refused, "the account's quota is spent")
        var play = Play(
            Servers(latencies: [0.1, 0.1], verdicts: [0: .stop(spent)], statuses: [0: 402]), items: 300
        ) { _ in }
        play.run()
        #expect(play.answered.count == 300 && play.machine.error == nil)
    }

    @Test func allServersDownIsAnOutageThatEnds() {
        let servers = Servers(latencies: [0.1, 0.1], outages: [0: 1...1000, 1: 2...1000])
        var play = Play(servers, items: 100_000) { $0.outageMax = .seconds(30) }
        play.run()
        #expect(play.machine.error?.message.contains("unreachable") == true)
        #expect(play.failed.isEmpty, "an outage is charged to no item")
        #expect(play.now > 31 && play.now < 40)
    }

    @Test func whatOneItemIsRefusedForIsItsOwn() {
        let refusal = Refusal(.request, .badRequest, "HTTP 400: bad value")
        var play = Play(
            Servers(latencies: [0.1, 0.1], verdicts: [0: .refuse(refusal)], statuses: [0: 400]), items: 20
        ) { _ in }
        play.run()
        #expect(play.failed.count + play.answered.count == 20 && !play.failed.isEmpty)
    }
}
