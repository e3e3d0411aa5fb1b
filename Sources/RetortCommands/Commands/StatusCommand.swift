import Basics
import CommandLine
import JSONText
import SegmentStore

/// `retort status`: how far a run is, also while it writes.
enum StatusCommand {
    static let spec = CommandSpec(
        "status", summary: "counts, failures, tokens and size of a run, also while it writes",
        details: """
            With --watch the state is shown again and again: redrawn in place on a terminal, a line each time elsewhere, \
            a JSON object a line with --json. Ctrl-C ends the watch, not the run.
            """,
        examples: [
            ExampleSpec("retort status runs/a", "for people"),
            ExampleSpec("retort status runs/a --json", "for scripts"),
            ExampleSpec("retort status runs/a --watch --every 5s", "until the run has ended"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run")],
        options: [
            OptionSpec("json", summary: "one JSON object"),
            OptionSpec("watch", "w", summary: "show it again and again until the run has ended"),
            OptionSpec(
                "every", kind: .duration(StatusWatch.intervalRange), valueName: "INTERVAL",
                summary: "the time between two looks; implies --watch", default: "2s"),
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    /// Runs a task that a signal cancels. The signal is listened to before the task begins: it may print at once.
    private static func untilSignal(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let state = Locked<(task: Task<Void, any Error>?, isRaised: Bool)>((nil, false))
        SignalWatcher.onSignal { _ in
            state.withLock { state in
                state.isRaised = true
                state.task?.cancel()
            }
        }
        let task = Task { try await work() }
        state.withLock { state in
            state.task = task
            if state.isRaised { task.cancel() }
        }
        try await task.value
    }

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let root = command.operand("STORE")!
        if command.flag("watch") || command.isGiven("every") {
            let watch = StatusWatch(
                root: root, interval: command.duration("every"), asJSON: command.flag("json"),
                terminal: .standardOutput(environment: context.environment))
            try await untilSignal { try await watch.run() }
            return .ok
        }
        let status = try StoreStatus(root)
        let output = DataOutput.standardOutput()
        if command.flag("json") {
            try output.line(status.json)
        } else {
            for line in status.lines { try output.line(line) }
        }
        try output.flush()
        return .ok
    }
}

/// What there is to say of a store without reading its records.
struct StoreStatus {
    private let reader: StoreReader
    let writer: String?
    private let sizes: [Lane: [Int]]
    /// Answers that gave way to those of changed rows.
    private let superseded: SupersededCount

    init(_ root: String) throws(RetortError) {
        reader = try StoreReader(root, options: StoreAccess.options)
        writer = try reader.writer()
        sizes = try reader.segmentSizes()
        superseded = try reader.superseded(.responses)
    }

    var done: Int { Int(reader.counters.done) }
    var failed: Int { Int(reader.counters.failed) }
    var pending: Int? { reader.pending }
    private var items: Int? { reader.items }

    private var pendingText: String {
        if let pending { return Human.count(pending) }
        return items == nil
            ? "not known: the input was not read to its end yet"
            : "not known: there are records of other inputs too; the run itself tells"
    }

    private var failureClasses: [(name: String, count: Int)] {
        reader.counters.failedByClass.enumerated().filter { $0.element > 0 }.map { index, count in
            (reader.failureClasses.name(UInt8(index)), Int(count))
        }
    }

    private func tally(_ place: RecordTallies.Place) -> Int { Int(clamping: reader.counters.tallies[place.rawValue]) }

    var lines: [String] {
        let counters = reader.counters
        var lines = ["done       \(Human.count(Int(counters.done)))"]
        lines.append("failed     \(Human.count(Int(counters.failed)))")
        for (name, count) in failureClasses { lines.append("           \(Human.count(count)) \(name)") }
        lines.append("pending    \(pendingText)")
        lines.append("tokens     \(Human.count(tally(.prompt))) in, \(Human.count(tally(.completion))) out")
        if let cost = Pricing.cost(of: counters) { lines.append("cost       \(Human.dollars(cost))") }
        if tally(.truncated) > 0 { lines.append("truncated  \(Human.count(tally(.truncated)))") }
        if counters.done > 0 {
            let mean = Interval.milliseconds(Int64(tally(.latency) / Int(counters.done)))
            lines.append("latency    \(Human.duration(mean)) on average")
        }
        for lane in Lane.allCases {
            let files = sizes[lane] ?? []
            guard !files.isEmpty else { continue }
            let name = lane.directoryName + String(repeating: " ", count: 11 - lane.directoryName.count)
            let segments = files.count == 1 ? "1 segment" : "\(Human.count(files.count)) segments"
            lines.append("\(name)\(segments), \(Human.bytes(files.reduce(0, +)))")
        }
        if superseded.records > 0 {
            let answers = superseded.records == 1 ? "1 answer" : "\(Human.count(superseded.records)) answers"
            lines.append("superseded \(answers) to rows that have changed since, \(Human.bytes(superseded.bytes))")
        }
        lines.append("writer     \(writer ?? "none")")
        if let url = ServerNote.url(in: reader.manifest) { lines.append("server     \(url)") }
        let job = reader.manifest.job.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        lines.append("job        \(job.joined(separator: ", "))")
        for damage in reader.damage {
            lines.append("damaged    \(damage.lane.directoryName) segment \(damage.segment): \(damage.reason)")
        }
        return lines
    }

    var json: String {
        var bytes: [UInt8] = []
        func text(_ text: String) { bytes.append(contentsOf: text.utf8) }
        text("{\"done\":\(reader.counters.done),\"failed\":\(reader.counters.failed)")
        text(",\"pending\":\(pending.map(String.init) ?? "null"),\"items\":\(items.map(String.init) ?? "null")")
        text(",\"failed_by_class\":{")
        text(failureClasses.map { "\"\($0.name)\":\($0.count)" }.joined(separator: ","))
        text("}")
        for (number, name) in reader.manifest.tallies.enumerated() {
            text(",\"\(name)\":\(reader.counters.tallies[number])")
        }
        for lane in Lane.allCases {
            let files = sizes[lane] ?? []
            text(",\"\(lane.directoryName)\":{\"segments\":\(files.count),\"bytes\":\(files.reduce(0, +))}")
        }
        text(",\"superseded\":{\"records\":\(superseded.records),\"bytes\":\(superseded.bytes)}")
        text(",\"damaged\":\(reader.damage.count),\"writer\":")
        JSONString.append(writer ?? "", to: &bytes)
        text(",\"base_url\":")
        JSONString.append(ServerNote.url(in: reader.manifest) ?? "", to: &bytes)
        text(",\"job\":{")
        for (index, (key, value)) in reader.manifest.job.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { text(",") }
            JSONString.append(key, to: &bytes)
            text(":")
            JSONString.append(value, to: &bytes)
        }
        text("}}")
        return String(decoding: bytes, as: UTF8.self)
    }
}
