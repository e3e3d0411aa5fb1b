import Basics
import ModelAPI
import TestSupport
import Testing

@testable import ResponseGenerator

/// A server that bills every answer, and records that survive the runs: over any number of runs, retries, lost answers
/// and kills, the bill never exceeds what the records and the mark state, and never the limit.
@Suite struct BooksTests {
    private static let costMax = 1000
    private static let items = 60
    /// Never used: each answer states its cost or has no usage.
    private static let price = TokenPrice(input: 1, cachedInput: 1, output: 1)

    /// What is on disk, and what the server has billed.
    private struct Books {
        var billed = 0
        var recorded = 0
        var unrecordedMax = 0
        /// Items with an outcome.
        var done: Set<Int> = []
        /// The process was killed: nothing reaches the disk any more.
        var isDead = false
        var faults: [String] = []

        mutating func check(_ limit: Int) {
            guard !isDead else { return }
            if billed > recorded + unrecordedMax {
                faults.append("billed \(billed), recorded \(recorded), noted \(unrecordedMax)")
            }
            if billed > limit { faults.append("billed \(billed) of \(limit)") }
        }
    }

    private struct Disk: OutcomeSink {
        let books: Locked<Books>

        func accept(_ batch: [Outcome<Int>]) throws(RetortError) -> SinkPressure {
            books.withLock { books in
                guard !books.isDead else { return }
                for outcome in batch {
                    books.recorded += Self.cost(of: outcome.result)
                    switch outcome.result {
                    case .round, .opinion: continue
                    case .answer, .failure: break
                    }
                    if !books.done.insert(outcome.context).inserted { books.faults.append("a second outcome") }
                }
            }
            return .open
        }

        private static func cost(of result: OutcomeResult) -> Int {
            let bill: Bill? =
                switch result {
                case .answer(let answer): Bill(answer)
                case .failure(let failure): failure.bill
                case .round(let round): round.failure.bill
                case .opinion: nil
                }
            return bill?.nanodollars(at: BooksTests.price) ?? 0
        }

        func note(unrecordedMax nanodollars: Int) throws(RetortError) {
            books.withLock { if !$0.isDead { $0.unrecordedMax = nanodollars } }
        }
    }

    private struct Source: ItemSource {
        let left: Locked<[Int]>

        func next() async throws(RetortError) -> [Item<Int>]? {
            let batch = left.withLock { left in
                defer { left.removeFirst(min(7, left.count)) }
                return Array(left.prefix(7))
            }
            if batch.isEmpty { return nil }
            return batch.map {
                Item(
                    request: ModelRequest(path: "", body: Array("\($0)".utf8)), context: $0,
                    costMax: BooksTests.costMax,
                    price: BooksTests.price)
            }
        }
    }

    private static func body(_ finish: String, cost: Int, saysCost: Bool) -> [UInt8] {
        let usage = saysCost ? #","usage":{"prompt_tokens":1,"cost":\#(Double(cost) / 1e9)}"# : ""
        return Array(#"{"choices":[{"message":{"content":"x"},"finish_reason":"\#(finish)"}]\#(usage)}"#.utf8)
    }

    /// Whether the server bills a request, and whether the client receives the answer.
    private static func reply(
        _ random: inout SeededGenerator, _ books: inout Books, losesAnswers: Bool
    ) -> ScriptedTransport.Reply {
        let latency = Interval.milliseconds(Int64.random(in: 0...300, using: &random))
        let cost = Int.random(in: 0...costMax, using: &random)
        func answered(_ finish: String, saysCost: Bool = true) -> ScriptedTransport.Reply {
            books.billed += cost
            let body = Self.body(finish, cost: cost, saysCost: saysCost)
            return .init(.success(ModelReply(status: 200, body: body, latency: latency)), latency: latency)
        }
        switch Int.random(in: 0..<(losesAnswers ? 14 : 10), using: &random) {
        case 0...4: return answered("stop")
        case 5: return answered("abort")
        case 6: return answered("content_filter")
        case 7: return .error(429, latency: latency)
        case 8: return .error(500, latency: latency)
        case 9: return .init(.failure(TransportFailure(.connection, "refused", stage: .unconnected)))
        case 10: return answered("stop", saysCost: false)
        case 11:
            books.billed += cost
            return .broken(.timeout, latency: latency)
        case 12:
            books.billed += cost
            return .broken(.connection, latency: latency)
        default:
            books.billed += cost
            return .init(.success(ModelReply(status: 200, body: Array("{".utf8), latency: latency)), latency: latency)
        }
    }

    /// One run of the process: until its input or budget ends, or it is killed at a chosen request.
    private func live(
        _ books: Locked<Books>, _ random: Locked<SeededGenerator>, limit: Int, losesAnswers: Bool
    ) async throws -> RunSummary {
        let clock = ManualClock()
        let dies = random.withLock { Int.random(in: 1...120, using: &$0) }
        let process = Locked<ResponseGenerator<Int>?>(nil)
        let transport = ScriptedTransport(clock) { call in
            let (reply, isDead) = books.withLock { books in
                if call.number == dies { books.isDead = true }
                if books.isDead { return (ScriptedTransport.Reply.broken(.cancelled), true) }
                let reply = random.withLock { Self.reply(&$0, &books, losesAnswers: losesAnswers) }
                books.check(limit)
                return (reply, false)
            }
            if isDead { process.withLock { $0 }?.stop(.now) }
            return reply
        }
        let (left, spent, uncertain) = books.withLock { books in
            books.isDead = false
            books.check(limit)
            return ((0..<Self.items).filter { !books.done.contains($0) }, books.recorded, books.unrecordedMax)
        }
        let generator = try ResponseGeneratorTests.generator(clock, transport, concurrency: 12) {
            $0.budget = Budget(limit: limit, spent: spent, uncertain: uncertain)
            $0.attemptsMax = 3
            $0.refusalsMax = 0
        }
        process.withLock { $0 = generator }
        return await generator.run(source: Source(left: Locked(left)), sink: Disk(books: books))
    }

    private func campaign(seed: UInt64, limit: Int, losesAnswers: Bool) async throws -> Books {
        let books = Locked(Books())
        let random = Locked(SeededGenerator(seed: seed))
        for _ in 0..<30 {
            let summary = try await live(books, random, limit: limit, losesAnswers: losesAnswers)
            let isDead = books.withLock { $0.isDead }
            if !isDead, summary.ending == .completed || summary.error?.code == .incomplete { break }
        }
        return books.withLock { $0 }
    }

    @Test(arguments: UInt64(1)...60)
    func theCapHoldsAndTheBooksCoverTheBill(seed: UInt64) async throws {
        let books = try await campaign(seed: seed, limit: 12_000 + Int(seed) * 900, losesAnswers: seed % 2 == 0)
        #expect(books.faults.isEmpty, "seed \(seed): \(books.faults.prefix(3))")
        #expect(books.recorded <= books.billed)
        #expect(books.billed <= books.recorded + books.unrecordedMax)
    }

    /// Without kills and lost answers nothing is uncertain.
    @Test func whatIsBilledIsWhatIsRecorded() async throws {
        for seed in UInt64(1)...20 {
            let books = Locked(Books())
            let random = Locked(SeededGenerator(seed: seed))
            let clock = ManualClock()
            let transport = ScriptedTransport(clock) { _ in
                random.withLock { random in books.withLock { Self.reply(&random, &$0, losesAnswers: false) } }
            }
            let generator = try ResponseGeneratorTests.generator(clock, transport, concurrency: 12) {
                $0.budget = Budget(limit: .max)
                $0.refusalsMax = 0
            }
            let summary = await generator.run(
                source: Source(left: Locked(Array(0..<Self.items))), sink: Disk(books: books))
            let end = books.withLock { $0 }
            #expect(summary.ending == .completed && end.done.count == Self.items)
            #expect(end.billed == end.recorded && end.unrecordedMax == 0, "seed \(seed)")
        }
    }
}
