import Basics
import ModelAPI
public import ResponseGenerator
public import TestSupport

extension ManualClock: GeneratorClock {}

/// Items 0, 1, 2, ... in batches, each with its number as the prompt; counts the items handed out.
final class NumberSource: ItemSource {
    private let state: Locked<Int>
    private let count: Int
    private let batchCount: Int
    private let failure: RetortError?

    init(_ count: Int, batch: Int = 64, failure: RetortError? = nil) {
        self.count = count
        batchCount = batch
        self.failure = failure
        state = Locked(0)
    }

    var handedOut: Int { state.withLock { $0 } }

    func next() async throws(RetortError) -> [Item<Int>]? {
        let first = handedOut
        if first == count {
            if let failure { throw failure }
            return nil
        }
        let last = min(count, first + batchCount)
        state.withLock { $0 = last }
        return (first..<last).map { number in
            Item(
                request: ModelRequest(path: "/chat/completions", body: Array("\(number)".utf8)), context: number,
                estimatedTokens: 10)
        }
    }
}

/// Stores what it receives; a closure may reject a batch or report pressure.
final class MemorySink: OutcomeSink {
    struct State {
        var outcomes: [Int: Outcome<Int>] = [:]
        var rounds: [Outcome<Int>] = []
        /// The last noted amount of money without a record.
        var unrecordedMax = 0
        var batches: [Int] = []
        var doubles = 0
        var offers = 0
        var wakes: [@Sendable () -> Void] = []
    }

    private let state = Locked(State())
    private let answer: @Sendable (Int) throws(RetortError) -> SinkPressure

    /// - Parameter answer: called with the number of offers so far, from 1.
    init(_ answer: @escaping @Sendable (Int) throws(RetortError) -> SinkPressure = { _ in .open }) {
        self.answer = answer
    }

    func accept(_ batch: [Outcome<Int>]) throws(RetortError) -> SinkPressure {
        let offers = state.withLock { state in
            state.offers += 1
            return state.offers
        }
        let pressure = try answer(offers)
        state.withLock { state in
            state.batches.append(batch.count)
            for outcome in batch {
                if case .round = outcome.result {
                    state.rounds.append(outcome)
                    continue
                }
                if state.outcomes.updateValue(outcome, forKey: outcome.context) != nil { state.doubles += 1 }
            }
        }
        return pressure
    }

    func note(unrecordedMax nanodollars: Int) throws(RetortError) {
        state.withLock { $0.unrecordedMax = nanodollars }
    }

    func relieved(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.wakes.append(wake) } }

    var stored: State { state.withLock { $0 } }

    func count(where matches: (OutcomeResult) -> Bool) -> Int {
        stored.outcomes.values.count { matches($0.result) }
    }

    var answered: Int { count { if case .answer = $0 { true } else { false } } }
    var failed: Int { count { if case .failure = $0 { true } else { false } } }
}

/// Remembers every report.
final class Reports: ProgressObserver {
    private let state = Locked<[Progress]>([])
    private let react: @Sendable (Progress) -> Void

    init(_ react: @escaping @Sendable (Progress) -> Void = { _ in }) { self.react = react }

    func progress(_ progress: Progress) {
        state.withLock { $0.append(progress) }
        react(progress)
    }

    var all: [Progress] { state.withLock { $0 } }
}

/// Builds a generator in virtual time.
func generator(
    _ clock: ManualClock, _ transport: any ModelTransport, concurrency: Int = 8, observer: Reports? = nil,
    _ change: (inout GeneratorConfiguration) -> Void = { _ in }
) throws -> ResponseGenerator<Int> {
    var configuration = GeneratorConfiguration()
    configuration.concurrency = concurrency
    configuration.seed = 1
    change(&configuration)
    return try ResponseGenerator(
        configuration, transport: transport, clock: clock, executor: clock, observer: observer)
}

/// Runs a generator and, from the same virtual moment on, `meanwhile`.
func runWith(
    _ generator: ResponseGenerator<Int>, _ clock: ManualClock, source: any ItemSource<Int>, sink: MemorySink,
    meanwhile: @Sendable () async -> Void
) async -> RunSummary {
    await withTaskExecutorPreference(clock) {
        async let summary = generator.run(source: source, sink: sink)
        await meanwhile()
        return await summary
    }
}
