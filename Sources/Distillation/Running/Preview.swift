package import Basics
package import CommandLine
import Dataset
import Glibc
import JSONText
import PromptSource
import ResponseGenerator
import SegmentStore

/// `run --preview N`: sends some rows spread over the input and shows their answers, their cost, and an estimate for
/// all rows. Nothing is kept unless `--keep` is given.
package struct Preview {
    package static let group = "Input and output"

    package static let options: [OptionSpec] = [
        OptionSpec(
            "preview", kind: .integer(1...1000), valueName: "N",
            summary: "send N rows spread over the input, show prompts and answers, and store nothing", group: group
        ).main,
        OptionSpec(
            "keep", summary: "with --preview: store the answers, so that the run continues from them", group: group),
    ]

    /// Maximum rows counted to spread the sample.
    private static let rowsCountedMax: UInt64 = 1_000_000
    /// Maximum lines shown of each text.
    private static let linesMax = 24

    package let settings: RunSettings
    package let count: Int
    package let isKept: Bool

    /// A preview is too short to be watched.
    private static let lacking = ["listen", "log", "notify", "detach", "otlp"]

    /// Nil without `--preview`. Throws `.usage` for `--keep` alone, and together with options for watching a run.
    package init?(_ command: ParsedCommand, _ settings: RunSettings) throws(RetortError) {
        guard let count = command.integerIfSet("preview") else {
            if command.flag("keep") {
                throw RetortError(
                    .usage, "--keep is of --preview", at: "--keep", remedy: "Add --preview N, or leave it out.")
            }
            return nil
        }
        // A variable for all programs says nothing of this one.
        for name in Self.lacking where command.isGiven(name) && command.source(of: name) != .environment {
            throw RetortError(
                .usage, "--preview cannot be watched", at: "--\(name)", remedy: "Leave --\(name) or --preview out.")
        }
        (self.settings, self.count, isKept) = (settings, count, command.flag("keep"))
    }

    package func run(_ messages: MessageStream, _ terminal: Terminal) async throws(RetortError) -> ExitCode {
        let input = try RunInput.resolve(settings)
        guard input.isRepeatable else {
            throw RetortError(
                .usage, "--preview needs an input that can be read again", at: input.files.first?.displayName,
                remedy: "Write the rows into a file first.")
        }
        var trial = settings
        trial.rows.picked = try Self.spread(count, over: rows(input), settings.rows)
        let folder = isKept ? nil : try TemporaryFolder()
        defer { folder?.remove() }
        if let folder { trial.out = folder.path + "/store" }
        let session = RunSession(settings: trial, messages: messages, isQuiet: true)
        let result = try await session.run()
        let reader = try StoreReader(trial.out, options: StoreAccess.options)
        let output = DataOutput.standardOutput()
        let width = terminal.isTerminal ? terminal.width : Self.widthElsewhere
        for line in try lines(of: reader, trial.rows.picked, width) { try output.line(line) }
        if let error = result.summary.error { throw error }
        var plan = try RunPlan(settings)
        plan.measure(by: try StoreMeasurements(reader))
        try output.line("all of the input, as these answers suggest:")
        for line in plan.lines(settings) { try output.line("  " + line) }
        try output.flush()
        messages.line(
            isKept
                ? "the answers are in \(settings.out)"
                : "nothing was stored; --keep stores the answers, and without --preview the run begins")
        return result.summary.progress.failed > 0 ? .incomplete : .ok
    }

    private static let widthElsewhere = 120

    /// The number of rows of the whole input, as far as they are counted.
    private func rows(_ input: InputSet) throws(RetortError) -> UInt64 {
        if let rows = input.rowCount { return rows }
        if input.isStore, let rows = settings.rows.total(of: input) { return rows }
        let reader = RangedRows(input)
        while reader.rows < Self.rowsCountedMax, try reader.next() != nil {}
        return reader.rows
    }

    /// The row numbers in the middle of `count` equal parts.
    package static func spread(_ count: Int, over rows: UInt64, _ range: RowRange) throws(RetortError) -> [UInt64] {
        let taken = range.count(of: rows)
        guard taken > 0 else { throw RetortError(.badInput, "the input has no rows to preview") }
        let parts = min(UInt64(count), taken)
        return (0..<parts).map { part in
            let (whole, rest) = taken.quotientAndRemainder(dividingBy: parts)
            return range.start + part * whole + min(part, rest) + (whole - 1) / 2
        }
    }

    // MARK: Showing

    private func lines(of reader: StoreReader, _ picked: [UInt64], _ width: Int) throws(RetortError) -> [String] {
        let parser = JSONParser()
        var shown: [(row: UInt64, sample: Int, lines: [String])] = []
        let rows = Set(picked)
        for lane in [Lane.responses, .failures] {
            try reader.forEach(lane) { (record) throws(RetortError) in
                guard rows.contains(record.head.row), let root = try? parser.parse(record.line).root else { return }
                let view = RecordView(root)
                shown.append(
                    (record.head.row, Int(record.head.key.sample), Self.lines(of: view, record.head, width)))
            }
        }
        shown.sort { ($0.row, $0.sample) < ($1.row, $1.sample) }
        return shown.flatMap(\.lines)
    }

    private static func lines(of view: RecordView, _ head: RecordHead, _ width: Int) -> [String] {
        var facts = ["row \(head.row + 1)", CellWidth.sanitized(String(decoding: head.key.id, as: UTF8.self))]
        let answer: String
        if view.isSuccess {
            facts.append(view.text(.finishReason))
            answer = [view.text(.reasoning), view.text(.response), view.text(.toolCalls)].filter { !$0.isEmpty }
                .joined(separator: "\n---\n")
        } else {
            facts.append("failed")
            answer = view.text(.error)
        }
        facts.append("\(view.usage(.prompt)) tokens in, \(view.usage(.completion)) out")
        if let cost = view.cost { facts.append(Human.dollars(Double(cost) / 1e9)) }
        facts.append("\(view.integer(.latency)) ms")
        return [facts.filter { !$0.isEmpty }.joined(separator: ", ")]
            + SideBySide.lines(prompt(view), answer, width: width, linesMax: linesMax) + [""]
    }

    private static func prompt(_ view: RecordView) -> String {
        if view.isCompletion {
            let suffix = view.text(.suffix)
            return view.text(.prompt) + (suffix.isEmpty ? "" : "[gap]" + suffix)
        }
        let turns = view.member(.messages)?.elements ?? []
        return turns.map { "\($0["role"]?.string ?? ""): \($0["content"]?.string ?? "")" }.joined(separator: "\n")
    }
}

/// A temporary directory.
package struct TemporaryFolder {
    package let path: String

    package init() throws(RetortError) {
        let parent = ProcessStart.environment()["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var name = Array((parent + "/retort-preview-XXXXXX").utf8CString)
        guard mkdtemp(&name) != nil else { throw RetortError.system(errno, "mkdtemp", parent) }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Maximum depth of directories that are removed.
    private static let depthMax = 8

    /// Removes it with its content; links are removed, not followed.
    package func remove() { Self.remove(path, depth: 0) }

    private static func remove(_ path: String, depth: Int) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR, depth < depthMax, let stream = opendir(path) else {
            unlink(path)
            return
        }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(stream)
        for name in names { remove(path + "/" + name, depth: depth + 1) }
        rmdir(path)
    }
}
