package import Basics
package import CommandLine
package import SegmentStore

/// The options that divide one input among many runs.
package enum ShardOptions {
    package static let group = "Many machines"

    package static let options: [OptionSpec] = [
        OptionSpec(
            "shard", kind: .string, valueName: "K/N",
            summary: "send only the rows that fall to shard K of N, from 1; auto/N takes K from the scheduler",
            details: """
                Rows are divided by the hash of their id, or of their prompt, so that each of N runs with a store of \
                its own takes an equal part, in any order. auto reads SLURM_ARRAY_TASK_ID (an array from 1) or \
                JOB_COMPLETION_INDEX (from 0); without /N it reads SLURM_ARRAY_TASK_COUNT.
                """, group: group, once: true),
        OptionSpec(
            "siblings", kind: .repeated(.path), valueName: "STORES",
            summary: "leave out items with an outcome in these other stores, e.g. 'runs/shard-*'",
            details: """
                For a changed N: the stores of the earlier division are only read, also while others write them. \
                The input is then read from its start.
                """, group: group),
    ]

    /// The variables of schedulers with the task's index and the number of tasks. Slurm counts from its array's first
    /// index.
    private static let slurmTask = "SLURM_ARRAY_TASK_ID"
    private static let slurmCount = "SLURM_ARRAY_TASK_COUNT"
    private static let kubernetesIndex = "JOB_COMPLETION_INDEX"

    package static func shard(_ command: ParsedCommand, environment: [String: String]) throws(RetortError) -> Shard? {
        guard let text = command.stringIfSet("shard") else { return nil }
        if command.isGiven("skip") || command.isGiven("limit") {
            throw RetortError(
                .usage, "--shard takes rows of the whole input",
                remedy: "Leave --skip and --limit out, or try a few rows first without --shard.")
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, parts.count == 2 || text == "auto" else { throw malformed(text) }
        let count = try parts.count == 2 ? parts[1] : variable(slurmCount, environment)
        let number = try first == "auto" ? automaticNumber(environment) : Int(first)
        guard let number, let count = Int(count), let shard = Shard(number, of: count) else { throw malformed(text) }
        return shard
    }

    private static func automaticNumber(_ environment: [String: String]) throws(RetortError) -> Int? {
        if let task = environment[slurmTask], !task.isEmpty { return Int(task) }
        let index = try variable(kubernetesIndex, environment)
        return Int(index).flatMap { $0 < Shard.countMax ? $0 + 1 : nil }
    }

    private static func variable(_ name: String, _ environment: [String: String]) throws(RetortError) -> String {
        if let value = environment[name], !value.isEmpty { return value }
        throw RetortError(
            .usage, "--shard auto finds no \(name) in the environment",
            remedy: "Run it as a task of a Slurm array or an indexed job, or say --shard K/N.")
    }

    private static func malformed(_ text: String) -> RetortError {
        RetortError(
            .usage, "--shard \(CellWidth.sanitized(text)) is not a shard",
            remedy: "Give K/N with K from 1 to N and N at most \(Shard.countMax), e.g. --shard 3/64.")
    }
}
