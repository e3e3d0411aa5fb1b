import Basics
import CommandLine
import Distillation

/// Where tasks keep their stores while they run, if not in `OUT`: a directory on the node's own disk.
///
/// Each node has its own store for a shard, so two machines never write to one store. Outcomes copied from other nodes
/// are looked up (`--siblings`), not sent again.
struct SlurmScratch: Sendable, Hashable {
    /// The path in shell double quotes.
    let quoted: String

    /// The default directory if the output is on a network file system and none was named.
    static let defaultDirectory = "/tmp"
    /// Seconds between two copies: the answers of at most this time are lost with a node.
    static let copySeconds = 60

    /// Variables in the path are expanded on the node. Throws `.usage` if it contains anything else that a shell would
    /// interpret.
    init(_ path: String) throws(RetortError) {
        let isPlain = path.utf8.allSatisfy { $0 >= 0x20 && !"\"\\`()\u{7F}".utf8.contains($0) } && !path.isEmpty
        guard isPlain, path.hasPrefix("/") || path.hasPrefix("$") else {
            throw RetortError(
                .usage, "--scratch \(CellWidth.sanitized(path)) is not a directory on a node",
                remedy: "Name an absolute path, e.g. /tmp or '$TMPDIR', or none.")
        }
        quoted = "\"\(path)\""
    }

    /// The requested scratch: a directory, `none`, or, by default, a directory if `out` is on a network file system.
    static func chosen(_ text: String?, out: String) throws(RetortError) -> SlurmScratch? {
        if text == "none" { return nil }
        if let text { return try SlurmScratch(text) }
        return MountCheck.networkType(at: out) == nil ? nil : try SlurmScratch(defaultDirectory)
    }

    /// Lines of the task's script before the run: they set `store` and start the copying.
    func beginning(_ job: SlurmJob) -> [String] {
        let out = ShellText.quoted(job.out)
        let retort = ShellText.quoted(job.binary)
        return [
            "# The store is on this node's disk and is copied to the output again and again. Each node has its own.",
            "node=${SLURMD_NODENAME:-$(hostname)}",
            "scratch=\(quoted)/retort-$(id -u)",
            "mkdir -p -m 700 \"$scratch\" && [ -O \"$scratch\" ] || { echo \"$scratch is not ours\" >&2; exit 74; }",
            "store=$scratch/\(job.key)/$node/shard-$shard",
            "copy=\(out)/shard-$shard@$node",
            "place=\(out)/places/shard-$shard@$node",
            "mkdir -p \"${store%/*}\" && echo \"$store\" > \"$place\" || exit 74",
            "# A disk that was cleared gets back what had been copied.",
            "if [ ! -e \"$store/retort.json\" ] && [ -e \"$copy/retort.json\" ]; then",
            "    \(retort) copy \"$copy\" \"$store\" || exit 74",
            "fi",
            "\(retort) copy \"$store\" \"$copy\" --every \(Self.copySeconds)s --quiet &",
            "copier=$!",
        ]
    }

    /// Lines after the run, which has set `status`. A complete store is moved; one with work left stays, since the task
    /// may return to this node.
    func end(_ job: SlurmJob) -> [String] {
        let retort = ShellText.quoted(job.binary)
        return [
            "kill \"$copier\" && wait \"$copier\"",
            "if \(job.isDoneTest); then",
            "    \(retort) copy \"$store\" \"$copy\" --verify --move && rm -f \"$place\" && store=$copy || failed=1",
            "else",
            "    [ ! -e \"$store/retort.json\" ] || \(retort) copy \"$store\" \"$copy\" || failed=1",
            "fi",
            "if [ -n \"$failed\" ]; then",
            "    echo \"$store on $node is not copied as it is; retort slurm collect gathers it\" >&2",
            "    [ \"$status\" != 0 ] || status=74",
            "fi",
        ]
    }
}
