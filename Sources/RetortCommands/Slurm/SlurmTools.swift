import Basics
import CommandLine
import Glibc

/// Slurm's own commands, run as they are.
enum SlurmTools {
    static let outputBytesMax = 16 << 20

    /// The output of a command. Throws `.configuration` if it fails or does not exist.
    static func output(_ words: [String]) throws(RetortError) -> String {
        let command = words.map { ShellText.quoted($0) }.joined(separator: " ")
        guard let pipe = popen(command, "re") else { throw .system(errno, "popen", command) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < outputBytesMax {
            let count = fread(&buffer, 1, buffer.count, pipe)
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        let status = pclose(pipe)
        guard status == 0 else {
            throw RetortError(
                .configuration, "\(words[0]) failed", cause: "`\(command)` ended with status \(status >> 8)",
                remedy: "Run this on a host that has Slurm's commands; --dry-run prints the scripts without them.")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The largest array index of this cluster.
    static func arrayIndexMax() -> Int {
        let config = (try? output(["scontrol", "show", "config"])) ?? ""
        for line in config.split(separator: "\n") where line.hasPrefix("MaxArraySize") {
            if let size = line.split(separator: "=").last.flatMap({ Int($0.filter { !$0.isWhitespace }) }), size > 1 {
                return size - 1
            }
        }
        return 1000
    }

    /// State and node of each task of some jobs, by `ARRAY_TASK`; empty if Slurm has forgotten them.
    static func tasks(of jobs: [String]) -> [String: (state: String, node: String)] {
        guard !jobs.isEmpty,
            let text = try? output([
                "squeue", "--noheader", "--array", "--jobs=" + jobs.joined(separator: ","), "--format=%i|%T|%N",
            ])
        else { return [:] }
        var tasks: [String: (state: String, node: String)] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            if fields.count == 3 { tasks[fields[0]] = (fields[1].lowercased(), fields[2]) }
        }
        return tasks
    }
}
