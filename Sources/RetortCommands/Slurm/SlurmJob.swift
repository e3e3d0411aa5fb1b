import Basics
import CommandLine
import SegmentStore

/// A run divided among the tasks of Slurm arrays: the scripts of its jobs. A value; nothing is written or submitted.
struct SlurmJob: Sendable, Hashable {
    var name: String
    /// The program's own path, and the arguments of `run` that precede the options below.
    var binary: String
    var runArguments: [String]
    var out: String
    var shards: Int
    var partition: String?
    var time: String?
    /// Maximum tasks of an array that run at once.
    var arrayLimit: Int?
    /// Further options of sbatch, one per line.
    var sbatch: [String]
    /// Options of the limiter that runs as its own job; empty: there is none.
    var limits: [String]
    /// Options by which tasks find a limiter that is not a job.
    var limiterElsewhere: [String] = []
    /// Where tasks keep their stores while they run; nil: in `out`.
    var scratch: SlurmScratch?
    /// Distinguishes this output's stores from others on a node's disk.
    var key = ""

    /// Seconds before the time limit in which requests in flight may finish, and seconds for closing the store.
    static let drainSeconds = 300
    static let signalSeconds = drainSeconds + 60
    /// How often a task is requeued because it has work left.
    static let requeuesMax = 100

    func store(_ shard: Int) -> String { "\(out)/shard-\(shard)" }
    var address: String { out + "/limit.address" }
    var token: String { out + "/limit.token" }
    var merged: String { out + "/all" }
    var logs: String { out + "/logs" }

    /// An array of tasks: shards `offset + 1` to `offset + count`.
    struct Array: Sendable, Hashable {
        var offset: Int
        var count: Int
    }

    /// The arrays for a site whose largest array index is `indexMax`.
    func arrays(indexMax: Int) -> [Array] {
        stride(from: 0, to: shards, by: max(1, indexMax)).map {
            Array(offset: $0, count: min(max(1, indexMax), shards - $0))
        }
    }

    /// The arguments of sbatch for an array.
    func submission(_ array: Array, script: String) -> [String] {
        let limit = arrayLimit.map { "%\($0)" } ?? ""
        return [
            "sbatch", "--parsable", "--array=1-\(array.count)\(limit)",
            "--export=ALL,RETORT_SHARD_OFFSET=\(array.offset)", script,
        ]
    }

    private func heading(_ part: String, log: String, _ options: [String]) -> [String] {
        var lines = ["#!/bin/bash", "#SBATCH --job-name=\(name)-\(part)", "#SBATCH --output=\(logs)/\(log)"]
        lines += ["#SBATCH --open-mode=append"] + options.map { "#SBATCH \($0)" }
        if let partition { lines.append("#SBATCH --partition=\(partition)") }
        if let time { lines.append("#SBATCH --time=\(time)") }
        return lines + sbatch.map { "#SBATCH \($0)" }
    }

    private static func words(_ words: [String]) -> String { words.map { ShellText.quoted($0) }.joined(separator: " ") }

    /// A shell test that the task's store has nothing pending.
    var isDoneTest: String { "\(ShellText.quoted(binary)) status \"$store\" --json | grep -q '\"pending\":0,'" }

    /// Each task runs one shard. However it ended, it resumes from its store.
    var taskScript: String {
        var lines = heading("shards", log: "shard-%A_%a.log", ["--requeue", "--signal=B:TERM@\(Self.signalSeconds)"])
        lines += [
            "",
            "shard=$((${RETORT_SHARD_OFFSET:-0} + SLURM_ARRAY_TASK_ID))",
            "store=\(ShellText.quoted(out))/shard-$shard",
            "echo \"shard $shard of \(shards) on $(hostname), start $((${SLURM_RESTART_COUNT:-0} + 1))\"",
        ]
        if let scratch { lines += scratch.beginning(self) }
        lines += [
            "# What other stores of this shard have is not sent again.",
            "siblings=()",
            "for other in \(ShellText.quoted(out))/shard-$shard \(ShellText.quoted(out))/shard-$shard@*; do",
            "    [ \"$other\" = \"$store\" ] || [ \"$other\" = \"$copy\" ] || [ ! -e \"$other/retort.json\" ] \\",
            "        || siblings+=(--siblings \"$other\")",
            "done",
            "",
            run + " &",
            "child=$!",
            "# Slurm sends TERM before the time limit and before it preempts: no new request goes out, those in flight end.",
            "trap 'kill -TERM \"$child\" 2>/dev/null' TERM",
            "while kill -0 \"$child\" 2>/dev/null; do wait \"$child\"; status=$?; done",
        ]
        if let scratch { lines += scratch.end(self) }
        lines += [
            "",
            "# 75 and 130: stopped early. While something is pending, the task goes back into the queue.",
            "if [ \"$status\" = 75 ] || [ \"$status\" = 130 ] || [ \"$status\" = 73 ]; then",
            "    if ! \(isDoneTest) && [ \"${SLURM_RESTART_COUNT:-0}\" -lt \(Self.requeuesMax) ]; then",
            "        scontrol requeue \"${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}\"",
            "    fi",
            "fi",
            "exit \"$status\"",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private var run: String {
        var run = Self.words([binary, "run"] + runArguments)
        run += " --shard \"$shard/\(shards)\" --out \"$store\" \"${siblings[@]}\" --drain-timeout \(Self.drainSeconds)s"
        run += " --progress plain"
        if !limits.isEmpty {
            run += " --limit-server \(ShellText.quoted("@" + address)) --limit-token-file \(ShellText.quoted(token))"
        } else if !limiterElsewhere.isEmpty {
            run += " " + Self.words(limiterElsewhere)
        }
        return run
    }

    /// The limiter: it writes its address to a file, which tasks read again when they lose the connection.
    var limiterScript: String {
        let options = Self.words(limits + ["--token-file", token, "--state", out + "/limit.state"])
        let lines =
            heading("limit", log: "limit.log", ["--requeue"]) + [
                "",
                "trap 'kill \"$child\" 2>/dev/null; exit 0' TERM",
                "# Should it die it begins again, and knows the money that it had given.",
                "while :; do",
                "    \(ShellText.quoted(binary)) limit --listen 0.0.0.0:0 \(options) \\",
                "        > >(sed -u \"s/^0\\.0\\.0\\.0:/$(hostname):/\" > \(ShellText.quoted(address))) &",
                "    child=$!",
                "    wait \"$child\" && exit",
                "    sleep 1",
                "done",
            ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// The merge, after all tasks have ended.
    var mergeScript: String {
        var lines = heading("merge", log: "merge.log", [])
        lines.append("")
        if !limits.isEmpty { lines.append("scancel \"$RETORT_LIMITER\"") }
        lines += [
            "stores=()",
            "for manifest in \(ShellText.quoted(out))/shard-*/retort.json; do stores+=(\"${manifest%/retort.json}\"); done",
            "exec \(ShellText.quoted(binary)) merge \"${stores[@]}\" --out \(ShellText.quoted(merged))",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}
