public import Basics
internal import JSONText

/// Runs the code of an answer on the row's tests, in a sandbox.
///
/// The same code with the same tests runs once; the result is cached. Some programs, selected by their hash, run twice,
/// to find tests whose results vary. The opinion's value identifies code and tests by a hash, so different verdicts on
/// one program can also be found later (`TestReport.flagged`).
public final class TestsVerifier: Verifier {
    public let name: String
    private let mode: SandboxMode
    private let seconds: Interval
    private let slots: Slots
    private let walls = Locked<Result<Walls, RetortError>?>(nil)
    private let results = Locked(ResultCache())
    private let parsers = ParserStock()

    /// One program of this many runs twice.
    private let repeatedOne: UInt64
    public static let repeatedOneOf: UInt64 = 16
    /// A program that took longer than this does not run a second time.
    private static let repeatedTimeMax = Interval.seconds(1)

    /// The default maximum time of one run of a program.
    public static let secondsDefault = Interval.seconds(10)

    /// - Parameters:
    ///   - workers: maximum programs at the same time.
    ///   - seconds: maximum time of one run of a program.
    ///   - repeatedOneOf: one program of this many runs twice.
    public init(
        name: String = "tests", workers: Int, seconds: Interval = secondsDefault, mode: SandboxMode,
        repeatedOneOf: UInt64 = repeatedOneOf
    ) {
        repeatedOne = max(1, repeatedOneOf)
        self.name = name
        self.mode = mode
        self.seconds = seconds
        slots = Slots(workers)
    }

    /// Checks whether programs can run on this machine. Throws `.configuration` if they cannot.
    public func check() async throws(RetortError) { _ = try await found() }

    public func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion {
        let walls = try await found()
        let tests = try parsers.with { parser throws(RetortError) in try RowTests(row: request.row, with: parser) }
        let text = String(decoding: request.text.prefix(CodeText.textBytesMax), as: UTF8.self)
        guard let program = TestedProgram(text, tests) else {
            return Opinion(pass: false, score: 0, feedback: "The answer holds no code.", value: TestReport.noCode.json)
        }
        let key = program.key
        if let known = results.withLock({ $0.known(key) }) { return known }
        let stop = ProgramStop()
        let runner = ProgramRunner(walls: walls, stop: stop)
        let seconds = seconds
        let isRepeated = key.low % repeatedOne == 0
        let result: Result<Opinion, RetortError> = await withTaskCancellationHandler {
            await slots.run {
                do throws(RetortError) {
                    let began = Instant.now
                    var opinion = try program.judge(runner, seconds: seconds)
                    guard isRepeated, Instant.now - began < Self.repeatedTimeMax else { return .success(opinion) }
                    let again = try program.judge(runner, seconds: seconds)
                    if let first = opinion.value, let second = again.value {
                        opinion.value = TestReport.flagged(
                            first, passes: opinion.pass, before: second, passed: again.pass)
                    }
                    return .success(opinion)
                } catch { return .failure(error) }
            }
        } onCancel: {
            stop.raise()
        }
        let opinion = try result.get()
        results.withLock { $0.add(opinion, key) }
        return opinion
    }

    private func found() async throws(RetortError) -> Walls {
        if let found = walls.withLock({ $0 }) { return try found.get() }
        let mode = mode
        let found: Result<Walls, RetortError> = await slots.run {
            do throws(RetortError) { return .success(try Walls.find(mode)) } catch { return .failure(error) }
        }
        walls.withLock { $0 = found }
        return try found.get()
    }
}

/// Results by program and tests.
struct ResultCache: Sendable {
    private var opinions: [Hash128: Opinion] = [:]

    /// Maximum programs in the cache; when it is full, it is emptied.
    static let entriesMax = 20_000

    /// Nil if the program must be run.
    func known(_ key: Hash128) -> Opinion? { opinions[key] }

    mutating func add(_ opinion: Opinion, _ key: Hash128) {
        if opinions.count >= Self.entriesMax { opinions.removeAll() }
        opinions[key] = opinion
    }
}
