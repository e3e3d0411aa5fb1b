import Basics
import ModelAPI
import Testing

@testable import ResponseGenerator

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

/// Drives the state machines directly: no tasks, no transport, no clock.
@Suite struct DispatcherTests {
    private func dispatcher(_ change: (inout GeneratorConfiguration) -> Void = { _ in }) -> Dispatcher {
        var configuration = GeneratorConfiguration()
        configuration.concurrency = 2
        change(&configuration)
        return Dispatcher(configuration, at: at(0))
    }

    private func tickets(_ numbers: Range<UInt64>) -> [Ticket] {
        numbers.map { Ticket(serial: $0, request: ModelRequest(path: "/", body: []), estimatedTokens: 5) }
    }

    private func name(_ action: Dispatcher.Action) -> String {
        switch action {
        case .dispatch(let ticket): ticket.isProbe ? "probe \(ticket.serial)" : "send \(ticket.serial)"
        case .pull: "pull"
        case .offer: "offer"
        case .record: "record"
        case .judge(let ticket): "judge \(ticket.serial)"
        case .recall(let ticket): "recall \(ticket.serial)"
        case .cancel(let ticket): "cancel \(ticket.serial)"
        case .cut: "cut"
        case .wait(let due): due.map { "wait \(Double(Int(($0 - at(0)).seconds * 100)) / 100)" } ?? "wait"
        case .finish: "finish"
        }
    }

    private func reply(_ ticket: Ticket, _ verdict: Verdict, status: Int = 200) -> AttemptResult {
        AttemptResult(
            ticket: ticket, judgement: Judgement(verdict: verdict), reply: ModelReply(status: status, body: []))
    }

    private func failure(_ ticket: Ticket) -> AttemptResult {
        AttemptResult(
            ticket: ticket, judgement: Judgement(verdict: .retry(.connection, message: "refused", after: nil)))
    }

    private let good = Verdict.answer(ModelAnswer(body: []))

    @Test func sendsWhatTheWindowHoldsAndEndsWhenAllIsSettled() {
        var machine = dispatcher()
        #expect(name(machine.next(at: at(0))) == "pull")
        #expect(name(machine.next(at: at(0))) == "wait")
        let items = tickets(0..<3)
        machine.supplied(items)
        #expect((0..<4).map { _ in name(machine.next(at: at(0))) } == ["send 0", "pull", "send 1", "wait"])
        machine.supplied(nil)
        #expect(machine.returned(reply(items[1], good), at: at(1)) != nil)
        #expect(name(machine.next(at: at(1))) == "wait", "the slot is not free before the sink has the result")
        machine.settled(1, pressure: .open)
        #expect(name(machine.next(at: at(1))) == "send 2")
        #expect(machine.isTail && machine.flights.oldestDispatch == at(0))
        for item in [items[0], items[2]] { _ = machine.returned(reply(item, good), at: at(2)) }
        machine.settled(2, pressure: .open)
        #expect(name(machine.next(at: at(2))) == "finish")
    }

    /// A machine with its first two items in flight.
    private func started(_ count: UInt64 = 2, _ change: (inout GeneratorConfiguration) -> Void = { _ in }) -> (
        Dispatcher, [Ticket]
    ) {
        var machine = dispatcher(change)
        let items = tickets(0..<count)
        machine.supplied(items)
        machine.supplied(nil)
        _ = machine.next(at: at(0))
        _ = machine.next(at: at(0))
        return (machine, items)
    }

    /// A server that fails each item's first two attempts: probes use one item until it is answered.
    @Test func aProbeThatFailedIsTheNextProbe() {
        var (machine, items) = started(20) { $0.concurrency = 20 }
        for _ in 0..<60 { _ = machine.next(at: at(0)) }
        let sick = Verdict.retry(.server, message: "HTTP 500", after: nil)
        for item in items where machine.flights.count > 0 && item.place >= 0 {
            _ = machine.returned(reply(item, sick, status: 500), at: at(1))
        }
        #expect(machine.breaker.isOpen)
        var probes: [UInt64] = []
        var now = 10.0
        while probes.count < 6 {
            if case .dispatch(let ticket) = machine.next(at: at(now)) {
                #expect(ticket.isProbe)
                probes.append(ticket.serial)
                _ = machine.returned(reply(ticket, sick, status: 500), at: at(now))
            }
            now += 10
        }
        #expect(Set(probes.prefix(4)).count == 1, "\(probes)")
        #expect(probes[4] != probes[3], "an item that always fails does not keep the others waiting: \(probes)")
    }

    @Test func aRetryWaitsOutsideTheWindowAndGoesBeforeWhatIsFresh() {
        var (machine, items) = started(4)
        let hint = Verdict.retry(.rateLimited, message: "slow", after: .seconds(10))
        #expect(machine.returned(reply(items[0], hint, status: 429), at: at(1)) == nil)
        #expect(machine.waitingByClass[.rateLimited] == 1 && items[0].attempts == 1)
        #expect(machine.window.inFlight == 1)
        // Its slot is free: except for the refusal, the window has shrunk to one.
        #expect(machine.adaptive.limit == 1)
        _ = machine.returned(reply(items[1], good), at: at(2))
        machine.settled(1, pressure: .open)
        #expect(name(machine.next(at: at(2))) == "send 2")
        _ = machine.returned(reply(items[2], good), at: at(20))
        machine.settled(1, pressure: .open)
        #expect(name(machine.next(at: at(20))) == "send 0")
        #expect(machine.waitingByClass[.rateLimited] == 0)
    }

    @Test func waitsForTheNextRetryWhenNothingElseIsLeft() {
        var (machine, items) = started(2)
        for item in items {
            _ = machine.returned(
                reply(item, .retry(.server, message: "", after: .seconds(10)), status: 500), at: at(0))
        }
        let due = machine.retries.nextDue
        #expect(due.map { $0 >= at(10) && $0 <= at(11) } == true)
        guard case .wait(let until) = machine.next(at: at(0)) else {
            Issue.record("does not wait")
            return
        }
        #expect(until == due)
    }

    @Test func theLastAttemptIsAFailure() {
        var (machine, items) = started { $0.attemptsMax = 1 }
        let settlement = machine.returned(
            reply(items[0], .retry(.server, message: "x", after: nil), status: 500), at: at(0))
        guard case .failure(let failure) = settlement?.result else {
            Issue.record("no failure")
            return
        }
        #expect(failure.failureClass == .server && failure.status == 500 && failure.message == "x")
        #expect(machine.window.unsettled == 1)
    }

    @Test func failuresOfAnOutageUseUpNoAttempts() {
        var machine = dispatcher { $0.concurrency = 20 }
        let items = tickets(0..<20)
        machine.supplied(items)
        machine.supplied(nil)
        for _ in items { _ = machine.next(at: at(0)) }
        for item in items { #expect(machine.returned(failure(item), at: at(0)) == nil) }
        // The first nine were charged before that was known.
        #expect(items.map(\.attempts).reduce(0, +) == 9)
        #expect(name(machine.next(at: at(0))) == "wait 1.0" && machine.hold == .serverDown)
        guard case .dispatch(let probe) = machine.next(at: at(1)) else {
            Issue.record("no probe")
            return
        }
        let charged = probe.attempts
        #expect(probe.isProbe && name(machine.next(at: at(1))) == "wait")
        _ = machine.returned(failure(probe), at: at(1))
        #expect(probe.attempts == charged && name(machine.next(at: at(1))) == "wait 3.0")
        guard case .dispatch(let second) = machine.next(at: at(3)) else {
            Issue.record("no probe")
            return
        }
        _ = machine.returned(reply(second, good), at: at(3))
        machine.settled(1, pressure: .open)
        #expect(!machine.breaker.isOpen)
    }

    @Test func aFullDiskIsTriedAgain() {
        var (machine, items) = started()
        _ = machine.returned(reply(items[0], good), at: at(0))
        machine.outOfSpace(at: at(0))
        #expect(name(machine.next(at: at(0))) == "wait 3.0" && machine.hold == .outOfSpace)
        #expect(name(machine.next(at: at(3))) == "offer")
        machine.settled(1, pressure: .pressed)
        #expect(name(machine.next(at: at(3))) == "wait" && machine.hold == .sinkPressed)
        machine.relieved()
        _ = machine.next(at: at(3))
        #expect(machine.hold == .none)
    }

    @Test func aDrainCutsAtItsDeadlineAndKeepsNoRetries() {
        var (machine, items) = started(4)
        machine.drain(deadline: at(5))
        #expect(name(machine.next(at: at(1))) == "wait 5.0" && machine.hold == .draining)
        #expect(machine.returned(failure(items[0]), at: at(2)) == nil)
        #expect(machine.retries.isEmpty)
        #expect(name(machine.next(at: at(5))) == "cut")
        machine.cut()
        #expect(
            machine.returned(AttemptResult(ticket: items[1], judgement: Judgement(verdict: .cancelled)), at: at(5))
                == nil)
        #expect(name(machine.next(at: at(5))) == "finish")
    }

    @Test func theFirstErrorIsTheRunsError() {
        var (machine, items) = started()
        _ = machine.returned(reply(items[0], .stop(RetortError(.refused, "one")), status: 401), at: at(0))
        _ = machine.returned(reply(items[1], .stop(RetortError(.refused, "two")), status: 401), at: at(0))
        #expect(machine.error?.message == "one" && name(machine.next(at: at(0))) == "finish")
    }
}

@Suite struct ItemQueuesTests {
    private func ticket(_ serial: UInt64) -> Ticket {
        Ticket(serial: serial, request: ModelRequest(path: "/", body: []))
    }

    @Test func theReadyQueueKeepsItsOrder() {
        var queue = ReadyQueue()
        var (next, expected) = (UInt64(0), UInt64(0))
        for round in 0..<50 {
            queue.append((0..<UInt64(round % 7)).map { ticket(next + $0) })
            next += UInt64(round % 7)
            for _ in 0..<(round % 5) where queue.count > 0 {
                #expect(queue.first?.serial == expected)
                #expect(queue.popFirst()?.serial == expected)
                expected += 1
            }
        }
        while let ticket = queue.popFirst() {
            #expect(ticket.serial == expected)
            expected += 1
        }
        #expect(expected == next && queue.count == 0)
    }

    @Test func flightsKnowTheOldest() {
        var flights = Flights()
        let tickets = (0..<5).map { ticket($0) }
        for (index, ticket) in tickets.enumerated() { flights.insert(ticket, at: at(Double(index))) }
        for (gone, oldest) in [(2, 0.0), (0, 1), (4, 1), (1, 3)] {
            flights.remove(tickets[gone])
            #expect(flights.oldestDispatch == at(oldest))
        }
        flights.remove(tickets[3])
        #expect(flights.oldestDispatch == nil && flights.count == 0)
    }
}
