import Basics
import CommandLine
import Dataset
import Distillation
import Glibc
import SegmentStore

/// `retort list`: all runs in folders, a line each.
enum ListCommand {
    static let spec = CommandSpec(
        "list", summary: "all runs in a folder: state, progress, pace, time left, cost",
        details: """
            Looks for stores in the folders and the folders in them. With --json each store is one object on a line, as \
            `status --json` writes it, without percentiles.
            """,
        examples: [
            ExampleSpec("retort list runs", "every run in runs/"),
            ExampleSpec("retort list runs --json", "for scripts"),
        ],
        operands: [OperandSpec("FOLDER", .atLeastOne, kind: .path, summary: "folders that hold stores")],
        options: [OptionSpec("json", summary: "one JSON object for each store")],
        exitCodes: [.notFound, .io])

    /// Maximum depth of nested folders.
    private static let depthMax = 3
    static let storesMax = 1000

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        var roots: [String] = []
        for folder in command.operands("FOLDER") { try find(in: folder, depth: 0, &roots) }
        let output = DataOutput.standardOutput()
        guard !roots.isEmpty else {
            throw RetortError(
                .notFound, "no store is there", at: command.operands("FOLDER").joined(separator: ", "),
                remedy: "Name the folder that holds the directories given to --out.")
        }
        var rows: [[String]] = [["run", "state", "done", "failed", "pending", "pace", "left", "cost"]]
        for root in roots.sorted() {
            do throws(RetortError) {
                let status = try StoreStatus(root)
                if command.flag("json") { try output.line(status.json()) } else { rows.append(row(status)) }
            } catch {
                context.messages.line(context.messages.palette.yellow("warning: ") + error.description)
            }
        }
        if !command.flag("json") {
            for line in StatusComparison.aligned(rows) { try output.line(line) }
        }
        try output.flush()
        return .ok
    }

    /// A store is not searched.
    private static func find(in folder: String, depth: Int, _ roots: inout [String]) throws(RetortError) {
        guard roots.count < storesMax else { return }
        if access("\(folder)/retort.json", F_OK) == 0 { return roots.append(folder) }
        let names: [String]
        do throws(RetortError) {
            names = try PosixFileSystem().entries(of: folder)
        } catch {
            // A file or an unreadable folder is skipped; if the user named it, that is an error.
            if depth > 0 { return }
            throw error
        }
        guard depth < depthMax else { return }
        for name in names.sorted() where !name.hasPrefix(".") {
            var state = stat()
            let path = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
            guard lstat(path, &state) == 0, state.st_mode & S_IFMT == S_IFDIR else { continue }
            try find(in: path, depth: depth + 1, &roots)
        }
    }

    private static func row(_ status: StoreStatus) -> [String] {
        let left = status.state == .running ? status.run?.remainingSeconds.map(Quantity.duration(seconds:)) : nil
        return [
            status.root, status.state.rawValue, Human.count(status.done), Human.count(status.failed),
            status.pending.map(Human.count) ?? "-", status.rate.map(Human.rate) ?? "-", left ?? "-",
            status.cost.map(Human.dollars) ?? "-",
        ]
    }
}
