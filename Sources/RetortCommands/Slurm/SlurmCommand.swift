import Basics
import CommandLine
import Distillation
import Glibc
import Reporting
import SegmentStore

/// `retort slurm`: a run as the tasks of a Slurm array.
enum SlurmCommand {
    static let shardsMax = 100_000

    static let spec = CommandSpec(
        "slurm", summary: "run one input as an array of Slurm tasks: submit, status, cancel, collect",
        details: """
            submit writes OUT/task.sh, limit.sh and merge.sh and hands them to sbatch: an array with a task for each shard, \
            a limiter that all tasks share if any limit is given, and a merge after them. All logs are in OUT/logs. A task \
            that meets its time limit, is preempted or loses its node continues where it was.

            A limiter that is a job can be preempted like any other; the tasks wait for it then. On a host that stays, start \
            `retort limit` by hand and give --limit-server.

            Where OUT is on a network's file system, or with --scratch DIR, each task keeps its store on its node's \
            disk and copies it to OUT/shard-K@NODE every minute and at its end. A task that continues elsewhere does \
            not send again what was copied. collect gathers what a lost node has kept, proves each copy by its \
            hashes, and may be repeated: --remove frees the nodes' disks, --merge merges all that is in OUT. (gather \
            is what it runs on a node.)

            The job file is one of run. Its limits and its --out are not used: give them here. Arrays larger than the site \
            allows are split.
            """,
        examples: [
            ExampleSpec(
                "retort slurm submit job.yaml --out runs/a --shards 64 --partition cpu --time 4:00:00 --rps 50",
                "64 tasks that share 50 requests per second"),
            ExampleSpec("retort slurm submit job.yaml --out runs/a --shards 64 --dry-run", "only print the scripts"),
            ExampleSpec("retort slurm status runs/a", "all shards in one table"),
            ExampleSpec("retort slurm collect runs/a --remove --merge", "what nodes have kept, then one store of all"),
            ExampleSpec("retort slurm cancel runs/a", "end all its jobs; submit again to continue"),
        ],
        operands: [
            OperandSpec(
                "WORK", .atLeastOne, kind: .path,
                summary: "submit and what `run` is given (a job file or prompts), or status, cancel or collect and OUT")
        ],
        options: [
            OptionSpec(
                "out", "o", kind: .path, valueName: "DIR", summary: "holds the shards' stores, scripts and logs"),
            OptionSpec("shards", kind: .integer(1...shardsMax), summary: "tasks that the input is divided among"),
            OptionSpec("partition", kind: .string, valueName: "NAME", summary: "the partition"),
            OptionSpec(
                "time", kind: .string, valueName: "TIME",
                summary: "time limit of each task, as sbatch takes it: 4:00:00"),
            OptionSpec("array-limit", kind: .integer(1...shardsMax), summary: "tasks that run at once"),
            OptionSpec(
                "sbatch", kind: .repeated(.string), valueName: "OPTION",
                summary: "a further option of sbatch, e.g. '--mem=2G'"),
            OptionSpec("name", kind: .string, summary: "names the jobs", default: "retort"),
            OptionSpec("rps", kind: .number(0.001...1_000_000), summary: "requests per second of all tasks together"),
            OptionSpec("rpm", kind: .number(0.01...100_000_000), summary: "requests per minute of all tasks together"),
            OptionSpec("tpm", kind: .number(1...100_000_000_000), summary: "tokens per minute of all tasks together"),
            OptionSpec(
                "max-cost", kind: .number(0...9_000_000), valueName: "DOLLARS",
                summary: "maximum cost of all tasks together"),
            OptionSpec(
                "limit-server", kind: .string, valueName: "HOST:PORT",
                summary: "a `retort limit` that runs already, e.g. on this host, in place of one as a job"),
            OptionSpec(
                "limit-token-file", kind: .path, valueName: "FILE", summary: "a file with the token that it requires"),
            OptionSpec(
                "scratch", kind: .string, valueName: "DIR",
                summary: "where tasks keep their stores on their nodes, '$TMPDIR' too; none: in OUT itself",
                details:
                    "By default \(SlurmScratch.defaultDirectory) where OUT is on a network's file system, else none."
            ),
            OptionSpec("remove", summary: "collect: remove from the nodes what is proven to be in OUT"),
            OptionSpec("merge", summary: "collect: then merge all stores of OUT into OUT/all"),
            OptionSpec("dry-run", summary: "print the scripts and submit nothing"),
            OptionSpec("json", summary: "status: one JSON object per shard"),
        ],
        exitCodes: [.notFound, .badData, .io, .incomplete, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let words = command.operands("WORK")
        let rest = Array(words.dropFirst())
        switch words[0] {
        case "submit": return try submit(command, rest, context)
        case "status":
            try SlurmStatus(try only(rest)).print(asJSON: command.flag("json"))
            return .ok
        case "cancel":
            let record = try SlurmRecord(of: try only(rest))
            guard !record.jobs.isEmpty else { return .ok }
            _ = try SlurmTools.output(["scancel"] + record.jobs)
            context.messages.line("cancelled: \(record.jobs.joined(separator: ", ")); submit again to continue")
            return .ok
        case "collect": return try collect(command, try only(rest), context)
        case "gather":
            guard rest.count == 2 else { throw RetortError(.usage, "gather takes a store and where it goes") }
            let output = DataOutput.standardOutput()
            try output.line(try SlurmCollect.copy(rest[0], to: rest[1], removes: command.flag("remove")))
            try output.flush()
            return .ok
        default:
            throw RetortError(
                .usage, "\(CellWidth.sanitized(words[0])) is not one of submit, status, cancel, collect",
                remedy: "`retort help slurm` shows examples.")
        }
    }

    private static func only(_ operands: [String]) throws(RetortError) -> String {
        guard operands.count == 1 else {
            throw RetortError(.usage, "one directory is wanted", remedy: "Name the --out of `retort slurm submit`.")
        }
        return operands[0]
    }

    private static func collect(
        _ command: ParsedCommand, _ out: String, _ context: CommandContext
    ) throws(RetortError) -> ExitCode {
        let collect = try SlurmCollect(out, removes: command.flag("remove"))
        let isWhole = try collect.run { context.messages.line($0) }
        guard command.flag("merge") else { return isWhole ? .ok : .incomplete }
        let merged = out + "/all"
        guard try RecordStore.manifest(of: merged) == nil else {
            context.messages.line("\(merged) is there already; to merge again remove it, or name another: retort merge")
            return isWhole ? .ok : .incomplete
        }
        let stores = try SlurmPlaces(out: out).stores().sorted { $0.key < $1.key }.flatMap(\.value)
        guard !stores.isEmpty else { throw RetortError(.notFound, "no task has begun a store", at: out) }
        let code = try MergeCommand.merge(stores, into: merged, command, context)
        return isWhole ? code : .incomplete
    }

    // MARK: Submitting

    private static func job(_ command: ParsedCommand, _ operands: [String]) throws(RetortError) -> SlurmJob {
        guard !operands.isEmpty else {
            throw RetortError(.usage, "nothing to run is named", remedy: "Name a job file or prompts after submit.")
        }
        guard let shards = command.integerIfSet("shards") else {
            throw RetortError(.usage, "--shards is missing", remedy: "Say among how many tasks to divide the input.")
        }
        var limits: [String] = []
        for name in ["rps", "rpm", "tpm", "max-cost"] {
            if let value = command.numberIfSet(name) { limits += ["--" + name, "\(value)"] }
        }
        let texts =
            [command.string("name")] + ["partition", "time"].compactMap { command.stringIfSet($0) }
            + command.strings("sbatch")
        for text in texts where text.isEmpty || text.contains(where: \.isNewline) {
            throw RetortError(.usage, "an option of sbatch is empty or has a line break")
        }
        var elsewhere: [String] = []
        for name in ["limit-server", "limit-token-file"] {
            if let value = command.stringIfSet(name) { elsewhere += ["--" + name, value] }
        }
        if !elsewhere.isEmpty, !limits.isEmpty {
            throw RetortError(
                .usage, "there are limits and a limiter that has its own", remedy: "Keep --limit-server or the limits.")
        }
        let out = try command.requiredString("out")
        let known = (try? SlurmRecord(of: out))?.key ?? ""
        return SlurmJob(
            name: command.string("name"), binary: try FullPath.ofProgram(), runArguments: operands,
            out: out, shards: shards, partition: command.stringIfSet("partition"),
            time: command.stringIfSet("time"), arrayLimit: command.integerIfSet("array-limit"),
            sbatch: command.strings("sbatch"), limits: limits, limiterElsewhere: elsewhere,
            scratch: try SlurmScratch.chosen(command.stringIfSet("scratch"), out: out),
            key: known.isEmpty ? Hexadecimal.string(.random(in: 0...UInt64.max)) : known)
    }

    private static func submit(
        _ command: ParsedCommand, _ operands: [String], _ context: CommandContext
    ) throws(RetortError) -> ExitCode {
        let job = try job(command, operands)
        var scripts = [("task.sh", job.taskScript), ("merge.sh", job.mergeScript)]
        if !job.limits.isEmpty { scripts.insert(("limit.sh", job.limiterScript), at: 0) }
        if command.flag("dry-run") {
            let output = DataOutput.standardOutput()
            for (name, text) in scripts { try output.line("# \(job.out)/\(name)\n\(text)") }
            for array in job.arrays(indexMax: SlurmTools.arrayIndexMax()) {
                let words = job.submission(array, script: "\(job.out)/task.sh")
                try output.line(words.map { ShellText.quoted($0) }.joined(separator: " "))
            }
            try output.flush()
            return .ok
        }
        let files = PosixFileSystem()
        try files.createDirectory(job.out)
        try files.createDirectory(job.logs)
        if job.scratch != nil { try files.createDirectory(SlurmPlaces(out: job.out).directory) }
        for (name, text) in scripts { try write(text, to: "\(job.out)/\(name)") }
        if !job.limits.isEmpty { try makeToken(job.token, files) }
        let record = try submit(job)
        context.messages.line(
            "submitted \(Human.plural(job.shards, "task")) as job \(record.arrays.map(\.job).joined(separator: ", "))"
                + (record.limiter.map { ", the limiter as \($0)" } ?? "")
                + (record.merge.map { ", the merge as \($0)" } ?? ""))
        context.messages.line("watch it: retort slurm status \(ShellText.quoted(job.out))")
        return .ok
    }

    private static func submit(_ job: SlurmJob) throws(RetortError) -> SlurmRecord {
        var record = SlurmRecord(shards: job.shards)
        (record.key, record.partition) = (job.key, job.partition)
        if !job.limits.isEmpty {
            record.limiter = try id(of: SlurmTools.output(["sbatch", "--parsable", "\(job.out)/limit.sh"]))
            try record.write(to: job.out)
        }
        for array in job.arrays(indexMax: SlurmTools.arrayIndexMax()) {
            let text = try SlurmTools.output(job.submission(array, script: "\(job.out)/task.sh"))
            record.arrays.append((try id(of: text), array.offset))
            // The submitted job is recorded first, whatever happens next.
            try record.write(to: job.out)
        }
        let after = record.arrays.map(\.job).joined(separator: ":")
        record.merge = try id(
            of: SlurmTools.output([
                "sbatch", "--parsable", "--dependency=afterany:\(after)",
                "--export=ALL,RETORT_LIMITER=\(record.limiter ?? "")", "\(job.out)/merge.sh",
            ]))
        try record.write(to: job.out)
        return record
    }

    /// `sbatch --parsable` prints the job id, at some sites followed by `;cluster`.
    private static func id(of text: String) throws(RetortError) -> String {
        let job = String(text.prefix { $0 != ";" && !$0.isWhitespace })
        guard SlurmRecord.isJob(job) else {
            throw RetortError(
                .configuration, "sbatch gave no job", cause: CellWidth.sanitized(String(text.prefix(200))))
        }
        return job
    }

    private static func write(_ text: String, to path: String) throws(RetortError) {
        let file = try OutputFile(path, replacing: true)
        try file.line(Array(text.utf8.dropLast()))
        try file.finish()
    }

    /// A random secret in a file that only the user can read.
    private static func makeToken(_ path: String, _ files: PosixFileSystem) throws(RetortError) {
        guard try files.size(of: path) == nil else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(errno, "open", path) }
        defer { close(descriptor) }
        let word = (0..<4).map { _ in Hexadecimal.string(UInt64.random(in: 0...UInt64.max)) }.joined() + "\n"
        let bytes = Array(word.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw .system(errno, "write", path) }
    }
}
