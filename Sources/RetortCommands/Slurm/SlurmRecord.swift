import Basics
import Dataset
import Glibc
import JSONText
import Reporting

/// What was submitted: `slurm.json` beside the shards.
struct SlurmRecord {
    var shards: Int
    /// Job ids of the arrays, each with the number of shards before it, in order.
    var arrays: [(job: String, offset: Int)] = []
    var limiter: String?
    var merge: String?
    /// The partition of the tasks, for jobs that collect stores from their nodes.
    var partition: String?
    /// Distinguishes this output's stores from others on a node's disk: 16 hexadecimal digits.
    var key = ""

    static func path(_ out: String) -> String { out + "/slurm.json" }

    var jobs: [String] { arrays.map(\.job) + [limiter, merge].compactMap { $0 } }

    func write(to out: String) throws(RetortError) {
        var line = JSONLine()
        line.member("shards", String(shards))
        var list = JSONList()
        for array in arrays {
            var entry = JSONLine()
            entry.text("job", array.job)
            entry.member("offset", String(array.offset))
            list.append(entry.finished[...])
        }
        line.member("arrays", list.finished)
        line.text("limiter", limiter ?? "")
        line.text("merge", merge ?? "")
        line.text("partition", partition ?? "")
        line.text("key", key)
        let file = try OutputFile(Self.path(out), replacing: true)
        try file.line(line.finished)
        try file.finish()
    }

    /// Throws `.notFound` if nothing was submitted, `.badInput` for an invalid file.
    init(of out: String) throws(RetortError) {
        let text: String
        do throws(RetortError) { text = try TextFile.read(Self.path(out)) } catch {
            guard error.code == .inputMissing else { throw error }
            throw RetortError(
                .notFound, "nothing was submitted from here", at: out,
                remedy: "Name the --out of `retort slurm submit`.")
        }
        guard let root = try? JSONParser().parse(Array(text.utf8)).root, let shards = root["shards"]?.int,
            (1...SlurmCommand.shardsMax).contains(shards)
        else { throw RetortError(.badInput, "not what `retort slurm submit` writes", at: Self.path(out)) }
        self.shards = shards
        for entry in root["arrays"]?.elements.map({ $0 }) ?? [] {
            if let job = entry["job"]?.string, Self.isJob(job), let offset = entry["offset"]?.int {
                arrays.append((job, offset))
            }
        }
        limiter = root["limiter"]?.string.flatMap { Self.isJob($0) ? $0 : nil }
        merge = root["merge"]?.string.flatMap { Self.isJob($0) ? $0 : nil }
        // It becomes part of paths on nodes.
        if let text = root["key"]?.string, Hexadecimal.parse(Array(text.utf8)) != nil { key = text }
        partition = root["partition"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    init(shards: Int) { self.shards = shards }

    static func isJob(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } }

    /// Slurm's name for a shard's task.
    func task(ofShard shard: Int) -> String? {
        arrays.last { $0.offset < shard }.map { "\($0.job)_\(shard - $0.offset)" }
    }
}
