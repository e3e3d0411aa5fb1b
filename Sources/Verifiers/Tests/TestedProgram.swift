internal import Basics

/// The code of an answer and the tests that it must pass.
struct TestedProgram: Sendable {
    let code: String
    let language: ProgramLanguage
    let tests: RowTests

    /// Maximum bytes of a failure's text in the feedback.
    private static let feedbackBytesMax = 2000
    /// Maximum bytes of an input or output in the feedback.
    private static let shownBytesMax = 500

    /// Nil if the answer contains no code.
    init?(_ answer: String, _ tests: RowTests) {
        self.tests = tests
        switch tests {
        case .statements(let before, _, let name):
            guard let found = CodeText.find(in: answer, defining: name) else { return nil }
            code = before + found.code
            language = found.language
        case .runs:
            guard let found = CodeText.find(in: answer) else { return nil }
            (code, language) = found
        }
    }

    /// Equal for equal code and tests.
    var key: Hash128 {
        var bytes = Array("\(language.rawValue)\0\(code)\0".utf8)
        switch tests {
        case .statements(_, let statements, _): for text in statements { bytes += Array(text.utf8) + [0] }
        case .runs(let runs): for run in runs { bytes += Array("\(run.input)\0\(run.output)\0".utf8) }
        }
        return bytes.withUnsafeBytes { ContentHash.hash128($0) }
    }

    /// Runs the program. Throws for failures that the program did not cause. Blocks.
    func judge(_ runner: ProgramRunner, seconds: Interval) throws(RetortError) -> Opinion {
        guard let program = language.program else {
            throw RetortError(
                .configuration, "there is nothing that runs \(language.rawValue) here",
                remedy: "Type: apt-get install \(language.package).")
        }
        var limits = ProgramLimits()
        limits.time = seconds
        limits.processorSeconds = max(1, Int(min(seconds.seconds.rounded(.up), 1e6)))
        limits.memoryMebibytes = language.memoryMebibytes
        switch tests {
        case .statements(_, let statements, _):
            guard language == .python else {
                return opinion(.wrong, 0, of: statements.count, "The tests are in Python; the answer is not.")
            }
            return try judge(statements, runner, program, limits)
        case .runs(let runs): return try judge(runs, runner, program, limits)
        }
    }

    private func opinion(
        _ reason: TestReport.Reason, _ passed: Int, of count: Int, _ feedback: String?, _ time: Interval = .zero
    ) -> Opinion {
        let report = TestReport(
            reason: reason, passed: passed, tests: count, language: language, time: time,
            program: Hexadecimal.string(key.low))
        return Opinion(
            pass: reason == .passed, score: count == 0 ? 0 : Double(passed) / Double(count), feedback: feedback,
            value: report.json)
    }

    // MARK: Statements

    private func judge(
        _ statements: [String], _ runner: ProgramRunner, _ python: String, _ limits: ProgramLimits
    ) throws(RetortError) -> Opinion {
        let word = Hexadecimal.string(.random(in: 0 ... .max))
        var run = ProgramRun(
            command: PythonHarness.command(python),
            files: [
                .init(name: PythonHarness.programName, bytes: Array(code.utf8)),
                .init(name: PythonHarness.testsName, bytes: PythonHarness.tests(statements)),
            ])
        run.input = Array("\(word)\n".utf8)
        run.limits = limits
        let result = try runner.run(run)
        let said = String(decoding: result.output.prefix(statements.count * 32), as: UTF8.self)
        var passed = 0
        var rest = said[...]
        for number in statements.indices {
            let mark = "\(number) \(word)"
            if rest.hasPrefix(mark) {
                passed += 1
                rest = rest.dropFirst(mark.count)
            }
        }
        if passed == statements.count, result.ending != .tooMuchOutput {
            return opinion(.passed, passed, of: statements.count, nil, result.time)
        }
        let (reason, text) = failure(result, limits)
        return opinion(reason == .error ? .wrong : reason, passed, of: statements.count, text, result.time)
    }

    /// Why a program did not pass.
    private func failure(_ result: ProgramResult, _ limits: ProgramLimits) -> (TestReport.Reason, String) {
        switch result.ending {
        case .outOfTime: return (.time, "The program did not end within \(limits.time.seconds) s.")
        case .tooMuchOutput: return (.output, "The program wrote more than \(limits.outputBytesMax >> 20) MiB.")
        case .ended(.signalled(24)), .ended(.exited(128 + 24)), .ended(.exited(137)):
            if result.time.seconds >= Double(limits.processorSeconds) * 0.9 {
                return (.time, "The program used up its \(limits.processorSeconds) s of processor time.")
            }
            return (.error, "The program was killed: it used too much memory or ended itself.")
        case .ended(let status):
            let said = Self.end(of: result.errors.trimmingBlanks, Self.feedbackBytesMax)
            return (.error, said.isEmpty ? "The program \(status.words) before its tests were through." : said)
        }
    }

    private static func end(of text: String, _ bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        let bytes = Array(text.utf8.suffix(bytesMax))
        return "..." + String(decoding: bytes.drop { $0 & 0xC0 == 0x80 }, as: UTF8.self)
    }

    // MARK: Runs

    private func judge(
        _ runs: [RowTests.Run], _ runner: ProgramRunner, _ program: String, _ limits: ProgramLimits
    ) throws(RetortError) -> Opinion {
        let folder = runner.walls.programFolder
        var file = ProgramRun.File(name: language.fileName, bytes: Array(code.utf8))
        if language.isCompiled {
            var run = ProgramRun(command: language.compilation(program, folder), files: [file])
            run.limits = limits
            run.limits.time = max(limits.time, Self.compilationTime)
            run.limits.processorSeconds = max(limits.processorSeconds, Int(Self.compilationTime.seconds))
            let result = try runner.run(run)
            guard result.isSuccess else {
                let said = Self.end(of: result.errors.trimmingBlanks, Self.feedbackBytesMax)
                return opinion(.compilation, 0, of: runs.count, "The program does not compile:\n\(said)", result.time)
            }
            file = ProgramRun.File(name: "main", bytes: result.output, isExecutable: true)
        }
        var passed = 0
        var time = Interval.zero
        var failed: (reason: TestReport.Reason, text: String)?
        for (number, test) in runs.enumerated() {
            var run = ProgramRun(command: language.command(program, folder), files: [file])
            run.input = Array(test.input.utf8)
            run.limits = limits
            let result = try runner.run(run)
            time = time + result.time
            if result.isSuccess, OutputComparison.isEqual(result.output, Array(test.output.utf8)) {
                passed += 1
                continue
            }
            if failed == nil { failed = explanation(result, test, limits, "Test \(number + 1) of \(runs.count)") }
            // After one run that hits a limit the others are skipped.
            if !result.hasEnded { break }
            if time > Self.timeMax, number + 1 < runs.count {
                let text = "The first \(number + 1) of \(runs.count) tests took \(Int(Self.timeMax.seconds)) s."
                return opinion(.time, passed, of: runs.count, failed?.text ?? text, time)
            }
        }
        return opinion(failed?.reason ?? .passed, passed, of: runs.count, failed?.text, time)
    }

    private static let compilationTime = Interval.seconds(30)
    /// Maximum time of all runs of one program together.
    private static let timeMax = Interval.seconds(600)

    private func explanation(
        _ result: ProgramResult, _ test: RowTests.Run, _ limits: ProgramLimits, _ which: String
    ) -> (TestReport.Reason, String) {
        func shown(_ text: some Collection<UInt8>) -> String {
            let start = String(decoding: text.prefix(Self.shownBytesMax), as: UTF8.self)
            return text.count > Self.shownBytesMax ? start + "..." : start
        }
        let input = "\(which) failed.\nInput:\n\(shown(test.input.utf8))\n"
        guard result.isSuccess else {
            let (reason, text) = failure(result, limits)
            return (reason, input + text)
        }
        let expected = "Expected output:\n\(shown(test.output.utf8))\n"
        return (.wrong, input + expected + "Output:\n\(shown(result.output))")
    }
}

extension ProgramResult {
    /// Whether the program ended by itself.
    var hasEnded: Bool { if case .ended = ending { true } else { false } }
}
