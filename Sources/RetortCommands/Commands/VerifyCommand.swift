import Basics
import CommandLine
import Dataset
import Distillation
import HashTree
import JSONText
import SegmentStore

/// `retort verify`: checks every checksum and count of a store.
enum VerifyCommand {
    static let spec = CommandSpec(
        "verify", summary: "check every checksum and count in a store",
        details: """
            Reads a snapshot and changes nothing, so it may run while a run is writing. --deep also reads every record: \
            each key has one success, each index entry its record, and all counts match the records. Of a run in stages each \
            stage is verified, and the chain: every record has one outcome in each stage that should have met it.
            """,
        examples: [
            ExampleSpec("retort verify runs/a", "checksums and counts"),
            ExampleSpec("retort verify runs/a --deep", "every record as well"),
            ExampleSpec("retort verify runs/a --deep --json", "for scripts"),
            ExampleSpec(
                "retort verify runs/all --manifest blocks.jsonl --root 5dc9da79...",
                "whether a copy is, byte by byte, what was merged"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the store directory")],
        options: [
            OptionSpec("deep", summary: "read every record"),
            OptionSpec("json", summary: "one JSON object"),
            OptionSpec(
                "manifest", kind: .path, valueName: "FILE",
                summary: "compare every block with the hashes that `retort merge` wrote"),
            OptionSpec(
                "root", kind: .string, valueName: "HASH",
                summary: "the root that the manifest must have: with it, the manifest need not be trusted either"),
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        if command.isGiven("manifest") || command.isGiven("root") { return try checkManifest(command) }
        let operand = command.operand("STORE")!
        let stores = try PipelineLayout.stores(of: operand)
        var ending = ExitCode.ok
        for store in stores {
            if stores.count > 1 || store != operand, !command.flag("json") {
                let output = DataOutput.standardOutput()
                try output.line(store)
                try output.flush()
            }
            let one = try verify(store, command, context)
            if one != .ok { ending = one }
        }
        guard let layout = try PipelineLayout.load(operand) else { return ending }
        let output = DataOutput.standardOutput()
        for proof in try layout.chain() {
            try output.line(command.flag("json") ? proof.json : "chain      " + proof.line)
        }
        try output.flush()
        return ending
    }

    private static func verify(
        _ root: String, _ command: ParsedCommand, _ context: CommandContext
    ) throws -> ExitCode {
        let progress = StoreWorkProgress(context.messages, isQuiet: command.flag("quiet"))
        let report = try StoreVerification.run(
            root, options: StoreAccess.options, deep: command.flag("deep"),
            progress: { progress($0) })
        let output = DataOutput.standardOutput()
        if command.flag("json") {
            try output.line(report.json)
        } else {
            for line in report.lines { try output.line(line) }
        }
        try output.flush()
        return report.isClean ? .ok : .badData
    }
}

extension VerifyCommand {
    private static func checkManifest(_ command: ParsedCommand) throws(RetortError) -> ExitCode {
        guard let path = command.stringIfSet("manifest"), !command.flag("deep") else {
            throw RetortError(
                .usage, "--root goes with --manifest, and --manifest does not go with --deep",
                remedy: "Verify twice: once with --deep, once with --manifest FILE.")
        }
        let expected = command.stringIfSet("root")
        let root = expected.flatMap { SHA256Digest($0) }
        if let expected, root == nil {
            throw RetortError(
                .usage, "--root \(CellWidth.sanitized(expected)) is not a SHA-256 hash",
                remedy: "It has 64 hexadecimal digits.")
        }
        let check = try ManifestCheck(command.operand("STORE")!, manifest: path, expected: root)
        let output = DataOutput.standardOutput()
        if command.flag("json") {
            try output.line(check.json)
        } else {
            for line in check.lines { try output.line(line) }
        }
        try output.flush()
        return check.isClean ? .ok : .badData
    }
}

extension VerificationReport {
    var lines: [String] {
        var lines = [
            "outcomes   \(equation)",
            "records    \(Human.count(records)) in \(Human.plural(blocks, "block")) of "
                + "\(Human.plural(segments, "segment")), \(Human.bytes(bytes))",
        ]
        if let part { lines.append("shard      " + part.text(rows)) }
        if let writer { lines.append("writer     \(writer)") }
        if unfinishedBytes + unfinishedJournalLines > 0 {
            lines.append(
                "unfinished \(Human.bytes(unfinishedBytes)) and \(Human.plural(unfinishedJournalLines, "journal line")) "
                    + "of interrupted writes; the next run completes them, nothing is lost")
        }
        if supersededRecords > 0 {
            lines.append(
                "superseded \(Human.plural(supersededRecords, "earlier outcome")): of rows that changed, or answers that "
                    + "no longer fit")
        }
        if isBeingRevised {
            lines.append(
                "unfinished records are being moved to superseded/; the next run, or the next check, completes that")
        }
        lines += problems.map { CellWidth.sanitized("\($0.kind.rawValue): \($0)") }
        let total = problemCounts.values.reduce(0, +)
        if total > problems.count { lines.append("and \(Human.count(total - problems.count)) more") }
        let kinds = problemCounts.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            Human.plural($0.value, $0.key.noun)
        }
        if isClean {
            lines.append(
                "clean      \(isDeep ? "every record was read" : "every checksum holds; --deep reads every record")")
        } else {
            lines.append("DAMAGED    \(kinds.joined(separator: ", ")). " + advice)
        }
        return lines
    }

    /// The command that fixes the problems.
    private var advice: String {
        let isReadable = !problems.contains { $0.kind == .manifest && !$0.isRepairable }
        if !isReadable { return "retort.json must be restored first; see above." }
        if problems.contains(where: { !$0.isRepairable }) {
            return "Move what is not a regular file out of the store, then verify again; no record is lost."
        }
        let place = ShellText.quoted(root)
        if [.block, .line, .duplicate].contains(where: { problemCounts[$0] != nil }) {
            return "Run `retort repair \(place)` to quarantine it; the next run sends the lost items again."
        }
        if problemCounts[.segment] != nil {
            return "Put the file back, or run `retort repair \(place)`; the next run sends the lost items again."
        }
        if problemCounts[.journal] != nil {
            return "Run `retort repair \(place)`; the next run sends the items of damaged lines again."
        }
        return "Run `retort repair \(place)`; no record is lost."
    }

    /// Counts are JSON numbers; an unknown one is null.
    var json: String {
        func number(_ value: UInt64?) -> String { value.map { String($0) } ?? "null" }
        var object = JSONLine()
        object.member("clean", isClean ? "true" : "false")
        object.member("deep", isDeep ? "true" : "false")
        object.member("inputs", number(inputs))
        object.member("done", number(done))
        object.member("failed", number(failed))
        object.member("pending", number(pending))
        object.text("shard", part?.shard.description ?? "")
        object.member("segments", String(segments))
        object.member("blocks", String(blocks))
        object.member("records", String(records))
        object.member("bytes", String(bytes))
        object.member("unfinished_bytes", String(unfinishedBytes))
        object.member("unfinished_journal_lines", String(unfinishedJournalLines))
        object.member("superseded", String(supersededRecords))
        object.member("being_revised", isBeingRevised ? "true" : "false")
        object.text("writer", writer ?? "")
        var counts = JSONLine()
        for (kind, count) in problemCounts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            counts.member(kind.rawValue, String(count))
        }
        object.member("problem_counts", counts.finished)
        var list = JSONList()
        for problem in problems { list.append(problem.json[...]) }
        object.member("problems", list.finished)
        return String(decoding: object.finished, as: UTF8.self)
    }
}

extension VerificationReport.Problem.Kind {
    /// What one of them is called.
    fileprivate var noun: String {
        switch self {
        case .hints: "hint log"
        case .index: "index file"
        case .entry: "index entry"
        case .counters: "count"
        case .journal: "journal line"
        case .manifest, .segment, .block, .line, .duplicate, .mark, .ledger: rawValue
        @unknown default: rawValue
        }
    }
}

extension VerificationReport.Problem {
    fileprivate var json: [UInt8] {
        var object = JSONLine()
        object.text("kind", kind.rawValue)
        object.text("place", place)
        object.text("lane", lane?.directoryName ?? "")
        object.member("segment", segment.map { String($0) } ?? "null")
        object.member("from_byte", range.map { String($0.lowerBound) } ?? "null")
        object.member("to_byte", range.map { String($0.upperBound) } ?? "null")
        object.member("keys", keys.map { String($0) } ?? "null")
        object.text("message", message)
        object.text("remedy", remedy)
        return object.finished
    }
}
