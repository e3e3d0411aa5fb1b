import Basics
import ModelAPI
import Testing

@testable import ResponseGenerator

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

@Suite("Changing a run while it goes")
struct SteeringTests {
    private func dispatcher(_ count: UInt64 = 8, _ change: (inout GeneratorConfiguration) -> Void = { _ in })
        -> Dispatcher
    {
        var configuration = GeneratorConfiguration()
        configuration.concurrency = 2
        change(&configuration)
        var machine = Dispatcher(configuration, at: at(0))
        machine.supplied(
            (0..<count).map {
                Ticket(serial: $0, request: ModelRequest(path: "/", body: []), estimatedTokens: 5, costMax: 10)
            })
        machine.supplied(nil)
        return machine
    }

    /// The requests that are sent now.
    private func sent(_ machine: inout Dispatcher, at now: Instant) -> Int {
        var count = 0
        while case .dispatch = machine.next(at: now) { count += 1 }
        return count
    }

    @Test("a paused run sends nothing until it is resumed")
    func pause() {
        var machine = dispatcher()
        machine.steer(.pause, at: at(0))
        #expect(sent(&machine, at: at(0)) == 0)
        #expect(machine.hold == .paused)
        machine.steer(.resume, at: at(9))
        #expect(sent(&machine, at: at(9)) == 2)
    }

    @Test("a paused run can be drained")
    func drainWhilePaused() {
        var machine = dispatcher()
        machine.steer(.pause, at: at(0))
        machine.drain(deadline: nil)
        guard case .finish = machine.next(at: at(1)) else {
            Issue.record("nothing is in flight")
            return
        }
    }

    @Test("a pause is no part of an outage")
    func outage() {
        var machine = dispatcher { $0.outageMax = .seconds(60) }
        for item in 0..<UInt64(CircuitBreaker.failuresMax) {
            machine.breaker.failed(.connection, item: item, wasProbe: false, at: at(0))
        }
        machine.steer(.pause, at: at(30))
        _ = machine.next(at: at(500))
        #expect(machine.error == nil)
        machine.steer(.resume, at: at(500))
        #expect(machine.outageLeft(at: at(510)) == .seconds(50))
        _ = machine.next(at: at(561))
        #expect(machine.error != nil)
    }

    @Test("the window grows and shrinks to what was set")
    func concurrency() {
        var machine = dispatcher()
        #expect(sent(&machine, at: at(0)) == 2)
        machine.steer(.concurrency(5), at: at(0))
        #expect(machine.adaptive.ceiling == 5)
        #expect(sent(&machine, at: at(0)) == 3)
        machine.steer(.concurrency(1), at: at(0))
        #expect(machine.adaptive.limit == 1)
        #expect(sent(&machine, at: at(0)) == 0)
    }

    @Test("a window that is found keeps what it has found below a new ceiling")
    func automaticConcurrency() {
        var machine = dispatcher {
            $0.concurrency = 100
            $0.isConcurrencyAutomatic = true
        }
        #expect(machine.adaptive.limit == 4)
        machine.steer(.concurrency(50), at: at(0))
        #expect(machine.adaptive.limit == 4)
        machine.steer(.concurrency(3), at: at(0))
        #expect(machine.adaptive.limit == 3)
    }

    @Test("limits of the pace are set and lifted")
    func pace() {
        var machine = dispatcher(8) { $0.concurrency = 8 }
        machine.steer(.requestsPerMinute(60), at: at(0))
        #expect(sent(&machine, at: at(0)) < 8)
        #expect(machine.hold == .rateLimit)
        machine.steer(.requestsPerMinute(nil), at: at(0))
        _ = sent(&machine, at: at(0))
        #expect(machine.window.inFlight == 8)
    }

    @Test("a larger budget lets the run go on, a smaller one holds it")
    func budget() {
        var machine = dispatcher { configuration in
            configuration.concurrency = 8
            configuration.budget = Budget(limit: 30)
        }
        #expect(sent(&machine, at: at(0)) == 3)
        #expect(machine.hold == .budget)
        machine.steer(.budget(nanodollars: 50), at: at(0))
        #expect(sent(&machine, at: at(0)) == 2)
        machine.steer(.budget(nanodollars: 0), at: at(0))
        #expect(sent(&machine, at: at(0)) == 0)
        var free = dispatcher()
        free.steer(.budget(nanodollars: 0), at: at(0))
        #expect(free.budget == nil)
    }
}
