import Basics
import ModelAPI
import TestSupport
import Testing

@testable import ResponseGenerator

@Suite struct BudgetTests {
    @Test func setsAsideAndSettles() {
        var budget = Budget(limit: 100, spent: 10)
        #expect(budget.allows(90))
        #expect(!budget.allows(91))
        budget.reserve(60)
        #expect(!budget.allows(31))
        budget.settle(reserved: 60, spent: 5)
        #expect(budget.spent == 15)
        #expect(budget.reserved == 0)
        #expect(budget.allows(85))
    }

    @Test func anOverspentBudgetAllowsNothing() {
        let budget = Budget(limit: 5, spent: 9)
        #expect(!budget.allows(0))
        #expect(!Budget(limit: .max, spent: 1).allows(.max))
    }

    @Test func sumsStayWithinBounds() {
        var budget = Budget(limit: .max, spent: .max - 1)
        budget.reserve(1)
        budget.settle(reserved: 1, spent: .max)
        #expect(budget.spent == .max)
        #expect(!budget.allows(1))
    }

    @Test func whatNobodyCanTellCountsAtWorst() {
        var budget = Budget(limit: 100, spent: 10, uncertain: 5)
        budget.reserve(60)
        #expect(budget.unrecordedMax == 65)
        budget.settle(reserved: 60, spent: nil)
        #expect(budget.spent == 10 && budget.uncertain == 65 && budget.reserved == 0)
        #expect(budget.allows(25) && !budget.allows(26))
    }

    @Test func aCostMayLoseItsRecordAndGetItBack() {
        var budget = Budget(limit: 100)
        budget.reserve(20)
        budget.settle(reserved: 20, spent: 7)
        budget.unrecorded(7)
        #expect(budget.spent == 0 && budget.unrecordedMax == 7)
        budget.recorded(7)
        #expect(budget.spent == 7 && budget.unrecordedMax == 0)
    }

    @Test func theRefusalNamesTheSums() {
        let error = Budget(limit: 2_000_000_000, spent: 1_234_567_890).refusal(of: 1)
        #expect(error.code == .incomplete)
        #expect(error.cause == "$1.234568 of $2.000000 are spent, and it may cost $0.000001")
        #expect(error.remedy?.contains("--max-cost") == true)
    }
}

/// Whole runs against a budget, in virtual time.
@Suite struct BudgetRunTests {
    let clock = ManualClock()
    let sink = MemorySink()
    /// Three tokens in and four out, as in the scripted answers, cost 11 nanodollars.
    static let price = TokenPrice(input: 0.001, cachedInput: 0.001, output: 0.002)
    static let costMax = 50

    private struct PricedSource: ItemSource {
        let numbers: NumberSource

        func next() async throws(RetortError) -> [Item<Int>]? {
            try await numbers.next()?.map { item in
                var item = item
                item.costMax = BudgetRunTests.costMax
                item.price = BudgetRunTests.price
                return item
            }
        }
    }

    private func run(
        _ count: Int, limit: Int, spent: Int = 0, concurrency: Int = 8,
        script: @escaping @Sendable (ScriptedTransport.Call) -> ScriptedTransport.Reply = { _ in .answer() }
    ) async throws -> (RunSummary, ScriptedTransport.Counts) {
        let transport = ScriptedTransport(clock, script: script)
        let generator = try generator(clock, transport, concurrency: concurrency) {
            $0.budget = Budget(limit: limit, spent: spent)
            $0.attemptsMax = 2
        }
        let summary = await generator.run(source: PricedSource(numbers: NumberSource(count)), sink: sink)
        return (summary, transport.counts)
    }

    @Test func stopsBeforeTheLimitCanBeCrossed() async throws {
        let (summary, counts) = try await run(1000, limit: 1000)
        // The next request may cost 50: the last one is sent while 950 or less are spent.
        #expect(counts.calls == 87)
        #expect(sink.answered == 87)
        #expect(summary.ending == .failed)
        #expect(summary.error?.code == .incomplete)
        #expect(sink.answered * 11 <= 1000)
    }

    @Test func setsAsideTheWorstOfWhatIsInFlight() async throws {
        let (_, counts) = try await run(100, limit: 200, concurrency: 50)
        #expect(counts.inFlightMax == 4)
    }

    @Test func aLargeEnoughBudgetChangesNothing() async throws {
        let (summary, counts) = try await run(20, limit: 20 * 11 + 40)
        #expect(summary.ending == .completed)
        #expect(counts.calls == 20)
    }

    @Test func whatEarlierRunsSpentCounts() async throws {
        let (summary, counts) = try await run(20, limit: 1000, spent: 960)
        #expect(counts.calls == 0)
        #expect(summary.error?.message == "the next request could cost more than is left of the budget")
    }

    @Test func refusalsCostNothingAndTimeoutsTheWorst() async throws {
        let (refused, _) = try await run(5, limit: 300) { $0.attempt == 1 ? .error(503) : .answer() }
        #expect(refused.ending == .completed)
        #expect(sink.stored.unrecordedMax == 0)
        let (timedOut, counts) = try await run(5, limit: 300, concurrency: 1) { _ in .broken(.timeout) }
        #expect(timedOut.error?.code == .incomplete)
        #expect(counts.calls == 6)
        #expect(sink.stored.unrecordedMax == 6 * Self.costMax)
    }

    @Test func aRequestThatFoundNoServerCostsNothing() async throws {
        let failure = TransportFailure(.connection, "connection refused", stage: .unconnected)
        let (summary, _) = try await run(3, limit: 100, concurrency: 1) {
            $0.number < 4 ? .init(.failure(failure)) : .answer()
        }
        #expect(summary.ending == .completed)
        #expect(sink.stored.unrecordedMax == 0)
    }

    @Test func anAnswerThatWasRejectedCostsWhatItSays() async throws {
        let (summary, counts) = try await run(10, limit: 200, concurrency: 1) { _ in
            let body =
                #"{"choices":[{"message":{"content":"x"},"finish_reason":"content_filter"}],"#
                + #""usage":{"prompt_tokens":3,"completion_tokens":4}}"#
            return .init(.success(ModelReply(status: 200, body: Array(body.utf8))))
        }
        #expect(summary.ending == .completed)
        #expect(counts.calls == 10)
        let bills = sink.stored.outcomes.values.compactMap { outcome -> Int? in
            guard case .failure(let failure) = outcome.result else { return nil }
            return failure.bill?.nanodollars(at: Self.price)
        }
        #expect(bills == [Int](repeating: 11, count: 10))
    }

    @Test func anAnswerThatIsAskedAgainIsARound() async throws {
        let (summary, _) = try await run(4, limit: 2000) { call in
            guard call.attempt == 1 else { return .answer() }
            let body =
                #"{"choices":[{"message":{"content":"x"},"finish_reason":"abort"}],"#
                + #""usage":{"prompt_tokens":3,"completion_tokens":4}}"#
            return .init(.success(ModelReply(status: 200, body: Array(body.utf8))))
        }
        #expect(summary.ending == .completed && summary.progress.rounds == 4 && sink.answered == 4)
        for outcome in sink.stored.rounds {
            guard case .round(let round) = outcome.result else { continue }
            #expect(round.number == 1)
            #expect(round.failure.bill?.nanodollars(at: Self.price) == 11)
            #expect(String(decoding: round.request.body, as: UTF8.self) == "\(outcome.context)")
        }
        #expect(sink.stored.rounds.count == 4)
    }

    @Test func anAnswerThatWasRejectedIsPaidAtWorst() async throws {
        let (summary, counts) = try await run(10, limit: 200, concurrency: 1) { _ in
            let body = #"{"choices":[{"message":{"content":"x"},"finish_reason":"content_filter"}]}"#
            return .init(.success(ModelReply(status: 200, body: Array(body.utf8))))
        }
        #expect(counts.calls == 4)
        #expect(summary.error?.code == .incomplete)
    }

    @Test func whatTheServerSaysThatItCostIsWhatWasSpent() async throws {
        let (summary, counts) = try await run(1000, limit: 1000, concurrency: 1) { _ in
            let body =
                #"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"#
                + #""usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"cost":0.0000001}}"#
            return .init(.success(ModelReply(status: 200, body: Array(body.utf8))))
        }
        // 100 nanodollars each, although the price gives 11.
        #expect(counts.calls == 10)
        #expect(summary.error?.code == .incomplete)
    }
}
