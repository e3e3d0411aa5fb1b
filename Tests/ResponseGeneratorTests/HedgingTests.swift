import Basics
import Foundation
import ModelAPI
import TestSupport
import Testing

@testable import ResponseGenerator

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

/// Duplicates of stragglers, driven directly: no tasks, no transport, no clock.
@Suite struct HedgingTests {
    private static let good = Verdict.answer(
        ModelAnswer(body: [], usage: TokenUsage(prompt: 100, completion: 50)))

    private static func result(
        _ ticket: Ticket, _ verdict: Verdict = good, status: Int = 200, bill: Bool = true, _ seconds: Double = 0.1
    ) -> AttemptResult {
        var judgement = Judgement(verdict: verdict)
        if bill, case .answer(let answer) = verdict { judgement.bill = Bill(answer) }
        return AttemptResult(
            ticket: ticket, judgement: judgement, reply: ModelReply(status: status, body: []),
            latency: .seconds(seconds))
    }

    private static func cancelled(_ ticket: Ticket) -> AttemptResult {
        AttemptResult(
            ticket: ticket, judgement: Judgement(verdict: .cancelled),
            failure: TransportFailure(.cancelled, "cancelled"))
    }

    /// A machine that has measured twenty requests of 100 ms, with another one in flight since second 1.
    private static func straggling(
        share: Double = 1, _ change: (inout GeneratorConfiguration) -> Void = { _ in }
    ) throws -> (Dispatcher, Ticket) {
        var configuration = GeneratorConfiguration()
        configuration.concurrency = 4
        configuration.hedging = HedgeSettings(quantile: 0.9, budgetShare: share)
        configuration.budget = Budget(limit: 10_000_000)
        change(&configuration)
        var machine = Dispatcher(configuration, at: at(0))
        let items = (0..<21).map {
            Ticket(
                serial: $0, request: ModelRequest(path: "/", body: []), estimatedTokens: 5, costMax: 1_000_000,
                price: TokenPrice(input: 1, cachedInput: 1, output: 2))
        }
        machine.supplied(items)
        machine.supplied(nil)
        var known = 0
        while known < 20 {
            guard case .dispatch(let ticket) = machine.next(at: at(0)) else {
                throw RetortError(.io, "nothing is sent")
            }
            #expect(machine.arrived(result(ticket), at: at(0)).count == 1)
            machine.settled(1, pressure: .open)
            known += 1
        }
        guard case .dispatch(let last) = machine.next(at: at(1)) else { throw RetortError(.io, "nothing is sent") }
        return (machine, last)
    }

    private func duplicate(_ machine: inout Dispatcher, at time: Double) -> Ticket? {
        guard case .dispatch(let ticket) = machine.next(at: at(time)) else { return nil }
        return ticket
    }

    private func loser(_ machine: inout Dispatcher, at time: Double) -> Ticket? {
        guard case .cancel(let ticket) = machine.next(at: at(time)) else { return nil }
        return ticket
    }

    private func isAnswer(_ settlement: Settlement?) -> Bool {
        if case .answer = settlement?.result { true } else { false }
    }

    @Test func aStragglerGetsOneDuplicateAndWaitsForItsTime() throws {
        var (machine, item) = try Self.straggling()
        let threshold = try #require(machine.hedging?.counts.threshold)
        #expect(threshold > .milliseconds(99) && threshold < .milliseconds(112))
        guard case .wait(let due?) = machine.next(at: at(1.05)) else { throw RetortError(.io, "no time to look again") }
        #expect(due == at(1) + threshold)
        let second = try #require(duplicate(&machine, at: 1.2))
        #expect(second.duplicateOf === item && machine.window.inFlight == 2)
        #expect(machine.budget?.reserved == 2_000_000, "both may cost their worst")
        #expect(duplicate(&machine, at: 5) == nil, "one duplicate is all")
    }

    @Test func theDuplicateWinsAndWhatTheLoserMayHaveCostIsUncertain() throws {
        var (machine, item) = try Self.straggling()
        let second = try #require(duplicate(&machine, at: 1.2))
        let before = try #require(machine.budget?.spent)
        #expect(
            machine.arrived(Self.result(second), at: at(1.3)).isEmpty, "the item goes on once the loser has returned")
        #expect(loser(&machine, at: 1.3) === item)
        let settled = machine.arrived(Self.cancelled(item), at: at(1.31))
        #expect(settled.count == 1 && isAnswer(settled.first) && settled[0].ticket === item)
        #expect(settled[0].latency == .seconds(0.3), "the item has waited since its first request")
        #expect(machine.budget?.reserved == 0 && machine.budget?.uncertain == 1_000_000)
        #expect(machine.budget?.spent == before + 200_000)
        machine.settled(1, pressure: .open)
        let counts = try #require(machine.hedging?.counts)
        #expect(counts.sent == 1 && counts.won == 1 && counts.late == 0)
        #expect(counts.nanodollars == 0 && counts.nanodollarsMax == 1_000_000)
        guard case .finish = machine.next(at: at(1.4)) else { throw RetortError(.io, "not finished") }
    }

    @Test func aSecondAnswerIsARoundInFrontOfTheOutcome() throws {
        var (machine, item) = try Self.straggling()
        let second = try #require(duplicate(&machine, at: 1.2))
        #expect(machine.arrived(Self.result(item), at: at(1.3)).isEmpty)
        #expect(loser(&machine, at: 1.3) === second)
        let settled = machine.arrived(Self.result(second), at: at(1.3))
        guard settled.count == 2, case .round(let round) = settled[0].result else {
            throw RetortError(.io, "the second answer is lost")
        }
        #expect(round.isDuplicate && round.number == 1 && round.failure.bill != nil && settled[0].ticket === item)
        #expect(settled[0].cost == 200_000 && settled[1].cost == 200_000)
        #expect(isAnswer(settled[1]) && settled[1].ticket.rounds.count == 1)
        #expect(machine.budget?.uncertain == 0 && machine.budget?.reserved == 0)
        let counts = try #require(machine.hedging?.counts)
        #expect(counts.won == 0 && counts.late == 1 && counts.nanodollars == 200_000 && counts.nanodollarsMax == 0)
    }

    @Test func ofTwoTheOneThatFailsIsForgotten() throws {
        var (machine, item) = try Self.straggling()
        let second = try #require(duplicate(&machine, at: 1.2))
        let failed = Verdict.retry(.server, message: "oops", after: nil)
        #expect(machine.arrived(Self.result(item, failed, status: 500), at: at(1.3)).isEmpty)
        #expect(machine.retries.isEmpty && machine.window.inFlight == 1)
        let settled = machine.arrived(Self.result(second), at: at(1.4))
        #expect(isAnswer(settled.first) && settled.first?.ticket === item && item.attempts == 1)
        #expect(machine.hedging?.takeLoser() == nil && machine.window.inFlight == 0)
    }

    @Test func whereBothFailTheItemWaitsOnce() throws {
        var (machine, item) = try Self.straggling()
        let second = try #require(duplicate(&machine, at: 1.2))
        let failed = Verdict.retry(.server, message: "oops", after: nil)
        for ticket in [second, item] {
            #expect(machine.arrived(Self.result(ticket, failed, status: 500), at: at(1.3)).isEmpty)
        }
        #expect(machine.retries.count == 1 && machine.retries.first === item && item.attempts == 1)
        #expect(machine.window.inFlight == 0 && machine.budget?.reserved == 0)
        // Its next request may get a duplicate again.
        guard case .dispatch(let again) = machine.next(at: at(60)) else { throw RetortError(.io, "not asked again") }
        #expect(again === item && duplicate(&machine, at: 61)?.duplicateOf === item)
    }

    @Test func aQuestionThatFollowsWaitsForTheLoser() throws {
        var (machine, item) = try Self.straggling()
        let second = try #require(duplicate(&machine, at: 1.2))
        let next = ModelRequest(path: "/next", body: [])
        #expect(machine.arrived(Self.result(second, .ask(next, .invalidOutput, message: "unfit")), at: at(1.3)).isEmpty)
        #expect(item.request.path == "/" && loser(&machine, at: 1.3) === item)
        _ = machine.arrived(Self.cancelled(item), at: at(1.3))
        guard case .dispatch(let again) = machine.next(at: at(1.4)) else { throw RetortError(.io, "not asked again") }
        #expect(again === item && again.request.path == "/next" && machine.window.inFlight == 1)
    }

    @Test func limitsHoldForDuplicates() throws {
        // 21 requests allow none at 4%, and one at 5%.
        var (machine, _) = try Self.straggling(share: 0.04)
        #expect(duplicate(&machine, at: 2) == nil)
        (machine, _) = try Self.straggling(share: 0.05)
        #expect(duplicate(&machine, at: 2) != nil)
        // Twenty answers have cost 4,000,000; one request is reserved, and nothing is left for its duplicate.
        (machine, _) = try Self.straggling { $0.budget = Budget(limit: 5_500_000) }
        #expect(duplicate(&machine, at: 2) == nil && machine.error == nil)
        (machine, _) = try Self.straggling { $0.concurrency = 1 }
        #expect(duplicate(&machine, at: 2) == nil, "the window is full")
        (machine, _) = try Self.straggling()
        machine.steer(.pause, at: at(1.1))
        #expect(duplicate(&machine, at: 2) == nil)
        machine.steer(.resume, at: at(2))
        machine.steer(.requestsPerMinute(1), at: at(2))
        machine.limiter.take(tokens: 0, at: at(2))
        guard case .wait(let due?) = machine.next(at: at(2)) else { throw RetortError(.io, "the pace is ignored") }
        #expect(due > at(2) && duplicate(&machine, at: (due - at(0)).seconds) != nil)
        (machine, _) = try Self.straggling()
        machine.drain(deadline: nil)
        #expect(duplicate(&machine, at: 2) == nil)
    }

    @Test func aDuplicateGoesToAnotherServer() throws {
        var (machine, item) = try Self.straggling {
            $0.endpoints = [EndpointSettings(name: "a"), EndpointSettings(name: "b")]
        }
        let second = try #require(duplicate(&machine, at: 1.2))
        #expect(second.endpoint != item.endpoint)
        let elsewhere = second.endpoint
        #expect(machine.arrived(Self.result(second), at: at(1.3)).isEmpty)
        let settled = machine.arrived(Self.cancelled(item), at: at(1.3))
        #expect(settled.first?.ticket === item && item.endpoint == elsewhere)
        #expect(machine.router?.endpoints.allSatisfy { $0.inFlight == 0 } == true)
    }

    /// The time saved by duplicates is estimated from stragglers without one.
    @Test func someStragglersAreWitnesses() {
        var hedging = Hedging(HedgeSettings(quantile: 0.99, budgetShare: 1))
        #expect((0..<32).count { _ in !hedging.takesDuplicate(isTail: false) } == 2)
        #expect((0..<32).allSatisfy { _ in hedging.takesDuplicate(isTail: true) })
    }

    /// A request that hangs must not let the list of all later ones grow.
    @Test func theLineStaysShort() {
        var hedging = Hedging(HedgeSettings(quantile: 0.99, budgetShare: 0))
        let hanging = Ticket(serial: 0, request: ModelRequest(path: "/", body: []))
        hedging.dispatched(hanging)
        for serial in 1..<10_000 {
            let ticket = Ticket(serial: UInt64(serial), request: ModelRequest(path: "/", body: []))
            hedging.dispatched(ticket)
            hedging.returned(Self.result(ticket), at: at(0))
        }
        #expect(hedging.line.count < 1000)
    }

    @Test func tailsOfSpreads() {
        var (low, high) = (TimeSpread(), TimeSpread())
        for _ in 0..<98 { low.add(.milliseconds(100)) }
        for _ in 0..<2 { high.add(.seconds(10)) }
        let both = low.joined(with: high)
        #expect(both == high.joined(with: low) && both.count == 100)
        let mean = both.mean(above: .milliseconds(200))?.seconds ?? 0
        #expect(
            abs(mean - 10) < 1 && both.mean(above: .milliseconds(200), ofAtLeast: 3) == nil
                && both.mean(above: .seconds(20)) == nil)
    }
}

/// Whole runs with duplicates, in virtual time.
@Suite struct HedgedRunTests {
    private static let items = 5000

    /// Lognormal latencies around 400 ms, twenty times as long for one request in a hundred. An item's second attempt
    /// is drawn independently.
    private static func transport(_ clock: ManualClock, seed: UInt64) -> ScriptedTransport {
        ScriptedTransport(clock) { call in
            var random = SplitMix64(seed: seed ^ UInt64(call.body)! &* 7919 &+ UInt64(call.attempt) << 40)
            let (u, v) = (Double.random(in: 1e-9..<1, using: &random), Double.random(in: 0..<1, using: &random))
            let normal = sqrt(-2 * log(u)) * cos(2 * .pi * v)
            let slow = Double.random(in: 0..<1, using: &random) < 0.01 ? 20.0 : 1
            return .answer(latency: .seconds(0.4 * exp(0.3 * normal) * slow))
        }
    }

    private func run(
        hedging: HedgeSettings?, _ change: (inout GeneratorConfiguration) -> Void = { _ in }
    ) async throws -> (RunSummary, MemorySink, seconds: Double, ScriptedTransport) {
        let clock = ManualClock()
        let (transport, sink) = (Self.transport(clock, seed: 5), MemorySink())
        let generator = try ResponseGeneratorTests.generator(clock, transport, concurrency: 40) {
            $0.hedging = hedging
            change(&$0)
        }
        let start = clock.now
        let summary = await generator.run(source: NumberSource(Self.items), sink: sink)
        return (summary, sink, (clock.now - start).seconds, transport)
    }

    private func p99(_ sink: MemorySink) -> Double {
        let times = sink.stored.outcomes.values.map(\.latency.seconds).sorted()
        return times[times.count * 99 / 100]
    }

    @Test func theTailIsShorter() async throws {
        let plain = try await run(hedging: nil)
        let hedged = try await run(hedging: HedgeSettings(quantile: 0.98, budgetShare: 0.03))
        #expect(hedged.0.ending == .completed && hedged.1.answered == Self.items && hedged.1.stored.doubles == 0)
        #expect(p99(hedged.1) < p99(plain.1) / 2, "\(p99(hedged.1)) against \(p99(plain.1))")
        #expect(hedged.seconds < plain.seconds, "\(hedged.seconds) against \(plain.seconds)")
        let counts = try #require(hedged.0.progress.hedges)
        #expect(plain.0.progress.hedges == nil)
        let saved = try #require(counts.saved)
        // Each of them would have taken about eight seconds.
        #expect(
            counts.won > 20 && saved > .seconds(2) * Double(counts.won) && saved < .seconds(12) * Double(counts.won))
        let calls = hedged.3.counts
        #expect(counts.sent == calls.calls - Self.items && Double(counts.sent) <= 0.03 * Double(calls.calls))
        #expect(calls.inFlightMax <= 40)
    }

    /// Two answers at the same moment: the second becomes a round, and never another item's outcome.
    @Test func secondAnswersAreKept() async throws {
        let clock = ManualClock()
        // A hundred fast requests, then requests whose duplicates, sent after 110 ms, end at the same time.
        let transport = ScriptedTransport(clock) { call in
            if UInt64(call.body)! < 100 { return .answer(latency: .milliseconds(100)) }
            return .answer("\(call.body)", latency: .milliseconds(call.attempt == 1 ? 1000 : 890))
        }
        let sink = MemorySink()
        let generator = try ResponseGeneratorTests.generator(clock, transport, concurrency: 8) {
            $0.hedging = HedgeSettings(quantile: 0.5, budgetShare: 1)
        }
        let summary = await generator.run(source: NumberSource(120), sink: sink)
        let stored = sink.stored
        #expect(summary.ending == .completed && stored.outcomes.count == 120 && stored.doubles == 0)
        for outcome in stored.rounds {
            guard case .round(let round) = outcome.result, let answer = round.failure.answer else { continue }
            #expect(
                round.isDuplicate && String(decoding: answer.responseRaw, as: UTF8.self) == "\"\(outcome.context)\"")
        }
        let counts = try #require(summary.progress.hedges)
        #expect(counts.late == stored.rounds.count)
        #expect(counts.sent > 0 && transport.counts.calls == 120 + counts.sent)
    }
}
