import Basics
import ModelAPI
import TestSupport
import Testing

@testable import ResponseGenerator

/// Items that share a request, with a server that gives each item's answer its own text.
@Suite struct SharedRequestRunTests {
    let clock = ManualClock()
    let sink = MemorySink()
    private static let price = TokenPrice(input: 1, cachedInput: 1, output: 1)

    /// Items 0, 1, 2, ... in groups; a group's prompt is `G first count`, a single item's its own number.
    private struct Grouped: ItemSource {
        let base: NumberSource
        let size: Int
        var parts = false

        func next() async throws(RetortError) -> [Item<Int>]? {
            guard var items = try await base.next() else { return nil }
            for start in stride(from: 0, to: items.count, by: size) {
                let end = min(start + size, items.count)
                let shared = SharedRequest(
                    name: UInt64(items[start].context),
                    request: ModelRequest(
                        path: "/chat/completions", body: Array("G \(items[start].context) \(end - start)".utf8)),
                    count: end - start, estimatedTokens: 40, costMax: 10_000 * (end - start),
                    division: ChoiceDivision(),
                    partsOnFailure: parts)
                for index in start..<end {
                    items[index].price = SharedRequestRunTests.price
                    items[index].costMax = 10_000
                    if end - start > 1 { items[index].shared = shared }
                }
            }
            return items
        }
    }

    private func source(_ count: Int, by size: Int, batch: Int = 64, parts: Bool = false) -> Grouped {
        Grouped(base: NumberSource(count, batch: batch), size: size, parts: parts)
    }

    private static func choice(_ text: String, finish: String = "stop") -> String {
        #"{"message":{"content":"\#(text)"},"finish_reason":"\#(finish)"}"#
    }

    private static func reply(_ choices: [String], prompt: Int = 5, completion: Int = 9) -> ScriptedTransport.Reply {
        let usage = #""usage":{"prompt_tokens":\#(prompt),"completion_tokens":\#(completion)}"#
        let body = #"{"model":"m","choices":[\#(choices.joined(separator: ","))],\#(usage)}"#
        return .init(.success(ModelReply(status: 200, body: Array(body.utf8), latency: .milliseconds(50))))
    }

    /// The numbers in a body's prompt.
    private static func asked(_ body: String) -> [Int] {
        let words = body.split(separator: " ")
        guard words.count == 3, let first = Int(words[1]), let count = Int(words[2]) else { return [Int(body) ?? -1] }
        return Array(first..<first + count)
    }

    private static func good(_ body: String) -> ScriptedTransport.Reply {
        reply(asked(body).map { choice("answer \($0)") })
    }

    private func text(_ number: Int) -> String? {
        guard case .answer(let answer)? = sink.stored.outcomes[number]?.result else { return nil }
        return String(decoding: answer.responseRaw.dropFirst().dropLast(), as: UTF8.self)
    }

    private func allAreRight(_ count: Int) -> Bool { (0..<count).allSatisfy { text($0) == "answer \($0)" } }

    private var recorded: Int {
        let stored = sink.stored
        return (Array(stored.outcomes.values) + stored.rounds).reduce(0) { sum, outcome in
            switch outcome.result {
            case .answer(let answer): sum + (Bill(answer).nanodollars(at: Self.price) ?? 0)
            case .failure(let failure): sum + (failure.bill?.nanodollars(at: Self.price) ?? 0)
            case .round(let round): sum + (round.failure.bill?.nanodollars(at: Self.price) ?? 0)
            case .opinion: sum
            }
        }
    }

    @Test(arguments: [1, 3, 64])
    func oneRequestSettlesItsItems(concurrency: Int) async throws {
        let transport = ScriptedTransport(clock) { Self.good($0.body) }
        let summary = try await generator(clock, transport, concurrency: concurrency).run(
            source: source(103, by: 4), sink: sink)
        #expect(summary.ending == .completed && sink.stored.doubles == 0 && allAreRight(103))
        #expect(summary.progress.requests == 26 && transport.counts.calls == 26)
        #expect(sink.stored.outcomes.values.allSatisfy { $0.attempts == 1 })
        #expect(recorded == 26 * 14_000)
        guard case .answer(let answer)? = sink.stored.outcomes[6]?.result else { return }
        #expect(answer.share?.request == 4 && answer.share?.place == 2 && answer.share?.count == 4)
    }

    @Test func whatIsMissingIsAskedAlone() async throws {
        let transport = ScriptedTransport(clock) { call in
            let numbers = Self.asked(call.body)
            return Self.reply(numbers.prefix(numbers.count > 1 ? 2 : 1).map { Self.choice("answer \($0)") })
        }
        let summary = try await generator(clock, transport).run(source: source(40, by: 5), sink: sink)
        #expect(summary.ending == .completed && allAreRight(40))
        #expect(transport.counts.calls == 8 + 24 && recorded == 32 * 14_000)
        #expect(sink.stored.rounds.isEmpty && sink.stored.outcomes[4]?.attempts == 2)
    }

    @Test func oneBadAnswerIsOneItemsAffair() async throws {
        let transport = ScriptedTransport(clock) { call in
            let numbers = Self.asked(call.body)
            return Self.reply(
                numbers.map { number in
                    if numbers.count == 1 { return Self.choice("answer \(number)") }
                    return switch number % 4 {
                    case 1: Self.choice("", finish: "content_filter")
                    case 2: #"{"message":{},"finish_reason":"stop"}"#
                    case 3: Self.choice("cut", finish: "length")
                    default: Self.choice("answer \(number)")
                    }
                })
        }
        let summary = try await generator(clock, transport) { $0.classifier.rejectedFinishReasons = ["length"] }
            .run(source: source(40, by: 4), sink: sink)
        #expect(summary.ending == .completed && sink.answered == 20 && sink.failed == 20)
        for number in 0..<40 where number % 4 == 0 || number % 4 == 2 { #expect(text(number) == "answer \(number)") }
        // Those without content were billed, so they are rounds, and were sent alone.
        #expect(sink.stored.rounds.map(\.context).sorted() == (0..<10).map { 4 * $0 + 2 })
        #expect(transport.counts.calls == 20 && recorded == 20 * 14_000)
    }

    @Test(arguments: [429, 500, 503])
    func errorsRepeatTheWholeRequest(status: Int) async throws {
        let transport = ScriptedTransport(clock) { $0.attempt < 3 ? .error(status) : Self.good($0.body) }
        let summary = try await generator(clock, transport).run(source: source(16, by: 4), sink: sink)
        #expect(summary.ending == .completed && allAreRight(16))
        #expect(transport.counts.perBody.count == 4)
        #expect(sink.stored.outcomes.values.allSatisfy { $0.attempts == 3 } && recorded == 4 * 14_000)
    }

    @Test func aRequestThatFailsForGoodFailsItsItems() async throws {
        let transport = ScriptedTransport(clock) { call in
            call.body == "G 4 4" ? .error(500) : call.body == "G 8 4" ? .error(400) : Self.good(call.body)
        }
        let summary = try await generator(clock, transport).run(source: source(20, by: 4), sink: sink)
        #expect(summary.ending == .completed && sink.answered == 12 && sink.failed == 8)
        #expect(transport.counts.perBody["G 4 4"] == 5 && transport.counts.perBody["G 8 4"] == 1)
        #expect(sink.stored.outcomes[5]?.attempts == 5 && sink.stored.outcomes[9]?.attempts == 1)
    }

    @Test func aRequestThatFailsForGoodIsAskedOneByOneWhereItsItemsDiffer() async throws {
        let transport = ScriptedTransport(clock) { call in
            Self.asked(call.body).contains(6) ? .error(call.number % 2 == 0 ? 400 : 500) : Self.good(call.body)
        }
        let summary = try await generator(clock, transport).run(source: source(20, by: 4, parts: true), sink: sink)
        #expect(summary.ending == .completed && sink.answered == 19 && sink.failed == 1)
        #expect((0..<20).allSatisfy { $0 == 6 || text($0) == "answer \($0)" })
        #expect(transport.counts.perBody["5"] == 1)
    }

    /// A broken body was billed: each item's part of it is a round, and the request is sent again.
    @Test func aBilledReplyThatCannotBeReadIsARoundOfEach() async throws {
        let transport = ScriptedTransport(clock) { call in
            if call.attempt > 1 { return Self.good(call.body) }
            let body = #"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9}}"#
            return .init(.success(ModelReply(status: 200, body: Array(body.utf8), latency: .milliseconds(50))))
        }
        let summary = try await generator(clock, transport).run(source: source(12, by: 4), sink: sink)
        #expect(summary.ending == .completed && allAreRight(12))
        #expect(sink.stored.rounds.count == 12 && transport.counts.calls == 6 && recorded == 6 * 14_000)
        #expect(sink.stored.outcomes[7]?.rounds.count == 1 && sink.stored.outcomes[7]?.attempts == 2)
    }

    /// A server that does not support `n` and answers in a form without choices.
    @Test func anAnswerThatCannotBeDividedIsTheFirstItems() async throws {
        let transport = ScriptedTransport(clock) { call in
            let number = Self.asked(call.body)[0]
            let body = #"{"message":{"content":"answer \#(number)"},"done":true,"prompt_eval_count":5,"eval_count":9}"#
            return .init(.success(ModelReply(status: 200, body: Array(body.utf8), latency: .milliseconds(50))))
        }
        let summary = try await generator(clock, transport).run(source: source(12, by: 4), sink: sink)
        #expect(summary.ending == .completed && allAreRight(12))
        #expect(transport.counts.calls == 12 && recorded == 12 * 14_000)
    }

    @Test func theBudgetIsKeptAndSettledExactly() async throws {
        let transport = ScriptedTransport(clock) { Self.good($0.body) }
        let summary = try await generator(clock, transport, concurrency: 3) {
            $0.budget = Budget(limit: 100_000)
        }.run(source: source(60, by: 4), sink: sink)
        // A request may cost 40,000 and costs 14,000.
        #expect(summary.ending == .failed && recorded == transport.counts.calls * 14_000)
        #expect(recorded <= 100_000 && transport.counts.calls == 5 && sink.answered == 20)
        #expect(sink.stored.unrecordedMax == 0)
    }

    @Test func aStoppedRunLeavesWholeRequestsPending() async throws {
        let transport = ScriptedTransport(clock) { Self.good($0.body) }
        let observer = Reports()
        let run = try generator(clock, transport, concurrency: 2, observer: observer)
        let summary = await runWith(run, clock, source: source(100, by: 5), sink: sink) {
            await clock.sleep(.milliseconds(120))
            run.stop(.drain(deadline: nil))
        }
        #expect(summary.ending == .stopped)
        #expect(sink.answered == transport.counts.calls * 5 && sink.answered < 100)
    }

    /// Refusals before any success are held for each item, and nothing is counted twice.
    @Test func equalRefusalsStopTheRun() async throws {
        let transport = ScriptedTransport(clock) { _ in .error(400) }
        let summary = try await generator(clock, transport, concurrency: 4).run(source: source(400, by: 4), sink: sink)
        #expect(summary.ending == .failed && sink.stored.outcomes.isEmpty)
        #expect((32..<40).contains(transport.counts.calls))
    }

    @Test func refusedRequestsFailOnceOthersWork() async throws {
        let transport = ScriptedTransport(clock) { $0.number <= 3 ? .error(400) : Self.good($0.body) }
        let summary = try await generator(clock, transport, concurrency: 1).run(source: source(40, by: 4), sink: sink)
        #expect(summary.ending == .completed && sink.failed == 12 && sink.answered == 28 && sink.stored.doubles == 0)
    }

    @Test func aBrokenUpGroupIsAskedAlone() async throws {
        // The last batch holds a part of its request's items.
        let transport = ScriptedTransport(clock) { Self.good($0.body) }
        struct Cut: ItemSource {
            let base: Grouped
            func next() async throws(RetortError) -> [Item<Int>]? { try await base.next().map { Array($0.dropLast()) } }
        }
        let cut = Cut(base: source(8, by: 4, batch: 4))
        let summary = try await generator(clock, transport).run(source: cut, sink: sink)
        #expect(summary.ending == .completed && sink.answered == 6 && transport.counts.calls == 6)
    }
}
