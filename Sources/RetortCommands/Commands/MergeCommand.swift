import Basics
import CommandLine
import Dataset
import Distillation
import SegmentStore

/// `retort merge`: combines several stores into one.
enum MergeCommand {
    static let spec = CommandSpec(
        "merge", summary: "combine several stores into a new one",
        details: """
            A success is preferred to a failure; of two successes, or of two failures, the merge keeps that of the store \
            named first. Whole blocks are copied, not recompressed. The merged store appears as a whole or not at all.

            The sources are only read, journals of a killed run included, so they may be on a read-only disk. A store \
            that a run is writing is refused: stop the run, or wait for its end.

            Rows without ids get ids from their text, so that rows of two inputs may share one. Such records are of one \
            row if their stores have a common origin: a store and its copies, continuations and merges, or stores of \
            the same input. Otherwise both are kept, the later one under the id's next free number (-1, -2, ...). Ids \
            that the rows give themselves always mean the same row.

            Of stores that `run --shard` has made the merge proves the whole: by the row numbers of the records, that every \
            row of the input has its outcome, exactly once. OUT/blocks.jsonl then lists a SHA-256 hash of each block and \
            the root of the tree of them; `retort verify --manifest` holds any copy of the store, and the shards, to it.
            """,
        examples: [
            ExampleSpec("retort merge runs/a runs/b --out runs/all", "two stores with the same settings"),
            ExampleSpec("retort merge runs/shard-* --out runs/all", "all shards of an input, proven to be all of it"),
            ExampleSpec(
                "retort merge runs/old runs/new --out runs/all --allow-different-jobs", "answers of two models together"
            ),
        ],
        operands: [
            OperandSpec(
                "STORE", .atLeastOne, kind: .path, summary: "the store directories; no run may be writing to them")
        ],
        options: [
            OptionSpec(
                "out", "o", kind: .path, valueName: "DIR", summary: "the new store; must not exist, or be empty"),
            OptionSpec("allow-different-jobs", summary: "merge stores whose models or parameters differ"),
            OptionSpec(
                "manifest", kind: .path, valueName: "FILE",
                summary: "where the list of block hashes goes; of shards OUT/blocks.jsonl by default"),
        ],
        exitCodes: [.notFound, .badData, .io, .busy, .incomplete, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let different = command.flag("allow-different-jobs")
        return try merge(
            command.operands("STORE"), into: try command.requiredString("out"), command, context,
            manifest: command.stringIfSet("manifest"), allowDifferentJobs: different)
    }

    /// Merges, proves that shards are complete, and prints a summary.
    static func merge(
        _ stores: [String], into out: String, _ command: ParsedCommand, _ context: CommandContext,
        manifest: String? = nil, allowDifferentJobs: Bool = false
    ) throws(RetortError) -> ExitCode {
        let progress = StoreWorkProgress(context.messages, isQuiet: command.flag("quiet"))
        for store in stores { try BatchGuard.checkSource(store) }
        let proof = try MergeProof(stores, manifest: manifest, in: out)
        var result = MergeProof.Result(lines: [], holds: true)
        // The proof becomes visible together with the store, even if this process is killed.
        let report = try StoreMerge.run(
            stores, into: out, options: StoreAccess.options, allowDifferentJobs: allowDifferentJobs,
            generatedID: GeneratedNames.base(ofRecord:), progress: { progress($0) },
            beforePublishing: { root throws(RetortError) in
                result = try proof.finish(root)
                return result.input
            })
        if !command.flag("quiet") {
            for line in report.lines(out) + result.lines { context.messages.line(line) }
        }
        return result.holds ? .ok : .incomplete
    }
}

extension MergeReport {
    func lines(_ out: String) -> [String] {
        var lines = sources.map { source in
            let kept = source.taken + source.failed
            var text = "\(source.root): \(Human.plural(kept, "record")) kept"
            if source.failed > 0 { text += " (\(Human.plural(source.failed, "failure")))" }
            if source.renamed > 0 {
                text +=
                    ", \(Human.count(source.renamed)) of them under a new id (another store has a row of the same text)"
            }
            if source.superseded > 0 {
                text += ", \(Human.count(source.superseded)) dropped (another store has the row)"
            }
            return text
                + "; \(Human.plural(source.blocksCopied, "block")) copied, \(Human.count(source.blocksReencoded)) recompressed"
        }
        lines.append(
            "\(out): \(Human.count(Int(counters.done))) done, \(Human.count(Int(counters.failed))) failed, "
                + Human.bytes(bytes))
        return lines
    }
}
