import Basics
import ModelAPI
import TestSupport
import Testing

@testable import ResponseGenerator

/// Items with equal requests.
@Suite struct TwinRunTests {
    let clock = ManualClock()
    let sink = MemorySink()

    /// Items 0, 1, 2, ... of which every `kinds`th has the same request.
    private final class Twinned: ItemSource {
        private let base: NumberSource
        private let kinds: Int

        init(_ count: Int, kinds: Int, batch: Int = 64) {
            base = NumberSource(count, batch: batch)
            self.kinds = kinds
        }

        func next() async throws(RetortError) -> [Item<Int>]? {
            try await base.next()?.map { item in
                var twin = item
                let kind = item.context % kinds
                twin.request.body = Array("\(kind)".utf8)
                twin.reuseKey = ReuseKey(fingerprint: UInt64(kind), sample: 0)
                return twin
            }
        }
    }

    /// Stores what it is told; has some answers from the start.
    private final class Memory: AnswerMemory {
        private let kept: Locked<[ReuseKey: ModelAnswer]>
        private let lost: Set<ReuseKey>

        /// - Parameter lost: keys that it reports but cannot return.
        init(_ known: [ReuseKey: ModelAnswer] = [:], lost: Set<ReuseKey> = []) {
            kept = Locked(known)
            self.lost = lost
        }

        func mayKnow(_ key: ReuseKey) -> Bool { lost.contains(key) || kept.withLock { $0[key] } != nil }
        func recall(_ key: ReuseKey) async -> ModelAnswer? { kept.withLock { $0[key] }?.reused(from: "memory") }
        func keep(_ key: ReuseKey, _ answer: ModelAnswer) { kept.withLock { $0[key] = answer } }
    }

    private func key(_ kind: Int) -> ReuseKey { ReuseKey(fingerprint: UInt64(kind), sample: 0) }

    private func places() -> [String: Int] {
        sink.stored.outcomes.values.reduce(into: [:]) { counts, outcome in
            guard case .answer(let answer) = outcome.result else { return }
            counts[answer.reusedFrom ?? "asked", default: 0] += 1
        }
    }

    @Test(arguments: [1, 8, 64])
    func eachQuestionIsAskedOnceAndEveryItemHasItsOutcome(concurrency: Int) async throws {
        let transport = ScriptedTransport(clock) { _ in .answer() }
        let summary = try await generator(clock, transport, concurrency: concurrency) { $0.memory = Memory() }
            .run(source: Twinned(500, kinds: 7), sink: sink)
        #expect(transport.counts.perBody.values.allSatisfy { $0 == 1 } && transport.counts.perBody.count == 7)
        #expect(summary.ending == .completed && sink.answered == 500 && sink.stored.doubles == 0)
        #expect(summary.progress.reused == 493 && summary.progress.requests == 7)
        #expect(places()["asked"] == 7)
        let reused = sink.stored.outcomes.values.filter { $0.attempts == 0 }
        #expect(reused.count == 493)
        #expect(
            reused.allSatisfy {
                guard case .answer(let answer) = $0.result else { return false }
                return answer.usage.total == 0 && Bill(answer).nanodollars(at: nil) == 0
            })
    }

    @Test func afterAFailureTheNextIsAsked() async throws {
        // The first two requests of kind 0 fail permanently.
        let transport = ScriptedTransport(clock) { $0.body == "0" && $0.attempt < 3 ? .error(413) : .answer() }
        let summary = try await generator(clock, transport, concurrency: 4) {
            $0.memory = Memory()
            $0.attemptsMax = 1
        }.run(source: Twinned(40, kinds: 2), sink: sink)
        #expect(summary.ending == .completed && sink.answered + sink.failed == 40)
        #expect(sink.failed == 2, "\(sink.failed)")
        #expect(transport.counts.perBody["0"] == 3 && transport.counts.perBody["1"] == 1)
    }

    @Test func whatIsKnownIsNotAskedAndWhatIsLostIs() async throws {
        let transport = ScriptedTransport(clock) { _ in .answer() }
        let memory = Memory([key(0): ModelAnswer(body: Array("{}".utf8))], lost: [key(1)])
        let summary = try await generator(clock, transport) { $0.memory = memory }
            .run(source: Twinned(30, kinds: 3, batch: 5), sink: sink)
        #expect(transport.counts.perBody == ["1": 1, "2": 1])
        #expect(sink.answered == 30 && summary.progress.reused == 28)
        #expect(places()["memory", default: 0] >= 10)
    }

    @Test func refusedItemsHoldNoneUp() async throws {
        let transport = ScriptedTransport(clock) { _ in .error(400) }
        let summary = try await generator(clock, transport, concurrency: 4) { $0.memory = Memory() }
            .run(source: Twinned(200, kinds: 3), sink: sink)
        #expect(summary.ending == .failed && summary.error != nil, "equal refusals end the run")
        #expect(sink.answered == 0)
    }

    @Test func aStopLeavesThoseThatWaitPending() async throws {
        let transport = ScriptedTransport(clock) { _ in .answer(latency: .seconds(50)) }
        let generator = try generator(clock, transport, concurrency: 4) { $0.memory = Memory() }
        let clock = clock
        let summary = await runWith(generator, clock, source: Twinned(100, kinds: 1), sink: sink) {
            await clock.sleep(until: clock.now + .seconds(1))
            generator.stop(.now)
        }
        #expect(summary.ending == .stopped && sink.answered == 0)
    }

    @Test func moreThanMayWaitAreNotTaken() {
        var twins = Twins(Memory())
        let tickets = (0..<(Twins.waitingMax + 1)).map { number in
            let ticket = Ticket(serial: UInt64(number), request: ModelRequest(path: "/", body: []))
            ticket.reuseKey = key(0)
            return ticket
        }
        #expect(twins.admit(Array(tickets.dropLast())).count == 1 && !twins.isFull)
        #expect(twins.admit([tickets[Twins.waitingMax]]).isEmpty && twins.isFull)
        #expect(twins.answered(key(0), ModelAnswer(body: [])).count == Twins.waitingMax)
        #expect(!twins.isFull && twins.waitingCount == 0)
    }
}
