import Basics
import ModelAPI
import TestSupport
import Testing

@testable import ResponseGenerator

/// Answers judged by a verifier: they are on disk as rounds before it judges them, and only an accepted one is an
/// answer.
@Suite struct VerifierTests {
    private static let price = TokenPrice(input: 1, cachedInput: 1, output: 1)

    /// Rules by item, round and number of rejections.
    private struct Rules: AnswerVerifier {
        var answersMax = 2
        let rule: @Sendable (ModelAnswer, JudgedItem<Int>) async -> VerifierRuling

        func judge(_ answer: ModelAnswer, of item: JudgedItem<Int>) async -> VerifierRuling {
            await rule(answer, item)
        }
    }

    private struct Disk: OutcomeSink {
        let outcomes: Locked<[Outcome<Int>]>

        func accept(_ batch: [Outcome<Int>]) throws(RetortError) -> SinkPressure {
            outcomes.withLock { $0 += batch }
            return .open
        }
    }

    private struct Source: ItemSource {
        let left: Locked<[Item<Int>]>

        func next() async throws(RetortError) -> [Item<Int>]? {
            let batch = left.withLock { left in
                defer { left.removeFirst(min(5, left.count)) }
                return Array(left.prefix(5))
            }
            return batch.isEmpty ? nil : batch
        }
    }

    private static func item(_ number: Int) -> Item<Int> {
        Item(request: ModelRequest(path: "/", body: Array("\(number)".utf8)), context: number, price: price)
    }

    private static let reply = ModelReply(
        status: 200,
        body: Array(
            #"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":3}}"#
                .utf8), latency: .milliseconds(5))

    private static func opinion(_ item: JudgedItem<Int>, pass: Bool = false) -> ItemOpinion {
        ItemOpinion(verifier: "v", round: item.round, pass: pass, feedback: "no")
    }

    private func run(
        _ items: [Item<Int>], attempts: Locked<[String]> = Locked([]),
        rule:
            @escaping @Sendable (
                ModelAnswer, JudgedItem<Int>
            ) async -> VerifierRuling
    ) async throws -> (RunSummary, [Outcome<Int>]) {
        let clock = ManualClock()
        let transport = ScriptedTransport(clock) { call in
            attempts.withLock { $0.append(call.body) }
            return .init(.success(Self.reply), latency: .milliseconds(5))
        }
        let outcomes = Locked<[Outcome<Int>]>([])
        let generator = try ResponseGeneratorTests.generator(clock, transport, concurrency: 3) { _ in }
        let summary = await generator.run(
            source: Source(left: Locked(items)), sink: Disk(outcomes: outcomes), verifier: Rules(rule: rule))
        return (summary, outcomes.withLock { $0 })
    }

    private func kinds(_ outcomes: [Outcome<Int>], of item: Int) -> [String] {
        outcomes.filter { $0.context == item }.map { outcome in
            switch outcome.result {
            case .answer: "answer"
            case .failure(let failure): "failure \(failure.failureClass.rawValue)"
            case .round(let round): "round \(round.number)\(round.isUnjudged ? " unjudged" : "")"
            case .opinion(let opinion): "opinion \(opinion.round)"
            }
        }
    }

    @Test func whatPassesIsAnAnswerAndWasARoundBefore() async throws {
        let (summary, outcomes) = try await run((0..<20).map(Self.item)) { answer, _ in
            .accept(answer.with(verdict: Array(#"{"pass":true}"#.utf8)[...]), passes: true)
        }
        #expect(summary.ending == .completed && summary.progress.answered == 20)
        #expect(summary.progress.judged == 20 && summary.progress.passed == 20 && summary.progress.rounds == 0)
        for item in 0..<20 { #expect(kinds(outcomes, of: item) == ["round 1 unjudged", "answer"]) }
        for outcome in outcomes { #expect(outcome.rounds == RoundsSoFar(count: 1, nanodollars: 5000)) }
    }

    @Test func whatIsRejectedIsAskedAgainUntilItPasses() async throws {
        let attempts = Locked<[String]>([])
        let (summary, outcomes) = try await run([Self.item(7)], attempts: attempts) { answer, item in
            if item.rejections == 2 { return .accept(answer.with(verdict: Array("{}".utf8)[...]), passes: true) }
            var next = item.request
            next.body += Array("+\(item.round)".utf8)
            return .ask(next, Self.opinion(item))
        }
        #expect(attempts.withLock { $0 } == ["7", "7+1", "7+1+2"])
        #expect(
            kinds(outcomes, of: 7) == [
                "round 1 unjudged", "opinion 1", "round 2 unjudged", "opinion 2", "round 3 unjudged", "answer",
            ])
        let last = try #require(outcomes.last)
        #expect(last.rounds == RoundsSoFar(count: 3, nanodollars: 15_000) && last.attempts == 3)
        #expect(summary.progress.rounds == 2 && summary.progress.answered == 1)
    }

    @Test func whatIsRejectedForGoodFailsAndCostsNothingTwice() async throws {
        let (summary, outcomes) = try await run([Self.item(1)]) { _, item in
            .reject(Self.opinion(item), message: "no", verdict: Array("{}".utf8))
        }
        #expect(kinds(outcomes, of: 1) == ["round 1 unjudged", "opinion 1", "failure verifier"])
        guard case .failure(let failure) = outcomes.last?.result else { return }
        #expect(failure.bill == nil && failure.body == Self.reply.body && failure.status == 200)
        #expect(summary.progress.failed == 1 && summary.ending == .completed)
    }

    @Test func aVerifierThatFailsLeavesItsItemsPending() async throws {
        let (summary, outcomes) = try await run((0..<3).map(Self.item)) { answer, item in
            item.context == 1 ? .unable("it died") : .accept(answer.with(verdict: Array("{}".utf8)[...]), passes: true)
        }
        #expect(kinds(outcomes, of: 1) == ["round 1 unjudged"])
        #expect(summary.progress.answered == 2 && summary.progress.failed == 0)
        #expect(summary.progress.verifierFailures == 1 && summary.ending == .completed)
    }

    @Test func aVerifierThatAlwaysFailsStopsTheRun() async throws {
        let attempts = Locked<[String]>([])
        let (summary, _) = try await run((0..<2000).map(Self.item), attempts: attempts) { _, _ in .unable("no python") }
        #expect(summary.ending == .failed && summary.error?.cause == "no python")
        #expect(attempts.withLock { $0.count } < 600)
    }

    @Test func aHeldAnswerIsJudgedAndNotAskedFor() async throws {
        let attempts = Locked<[String]>([])
        let answer = ModelAnswer(body: Self.reply.body)
        var item = Self.item(4)
        item.history = ItemHistory(
            rounds: RoundsSoFar(count: 2, nanodollars: 50), held: HeldAnswer(answer, latency: .milliseconds(9)))
        let (_, outcomes) = try await run([item, Self.item(5)], attempts: attempts) { answer, _ in
            .accept(answer.with(verdict: Array("{}".utf8)[...]), passes: true)
        }
        #expect(attempts.withLock { $0 } == ["5"])
        #expect(kinds(outcomes, of: 4) == ["answer"])
        let held = try #require(outcomes.first { $0.context == 4 })
        #expect(held.rounds.count == 2 && held.latency == .milliseconds(9))
    }

    /// The number of waiting answers is bounded, however slow the verifier is.
    @Test func noRequestGoesOutWhileTheVerifierHasEnough() async throws {
        var judging = Judging(answersMax: 2)
        #expect(!judging.isFull)
        for number in 0..<UInt64(Judging.waitingMin) {
            judging.append(Ticket(serial: number, request: ModelRequest(path: "/", body: [])))
        }
        #expect(judging.isFull)
        #expect(judging.next()?.serial == 0 && judging.next()?.serial == 1 && judging.next() == nil)
        #expect(judging.isFull && judging.underWay == 2)
        judging.returned(Ticket(serial: 0, request: ModelRequest(path: "/", body: [])))
        #expect(!judging.isFull)
        #expect(!Judging(answersMax: 0).isFull)
    }
}
