import Basics
import CommandLine
import Distillation
import Glibc
import HashTree
import SegmentStore

/// Collects stores left on the nodes' disks: each is copied to `OUT` and verified by its hashes. Repeating it copies
/// only new records.
struct SlurmCollect {
    private let places: SlurmPlaces
    private let record: SlurmRecord
    private let removes: Bool

    /// Seconds that a node may take to find room for a copying task.
    static let patienceSeconds = 60

    init(_ out: String, removes: Bool) throws(RetortError) {
        places = SlurmPlaces(out: out)
        record = try SlurmRecord(of: out)
        self.removes = removes
    }

    /// False if a store could not be collected. `say` is called with a line for each.
    func run(_ say: (String) -> Void) throws(RetortError) -> Bool {
        let all = try places.all()
        if all.isEmpty { say("nothing is left on the nodes' disks") }
        var isWhole = true
        for place in all {
            let name = SlurmPlaces.copyName(place.shard, place.node)
            do throws(RetortError) {
                say("\(name): \(try gather(place))")
                if removes { try PosixFileSystem().remove(place.file) }
            } catch {
                isWhole = false
                say("\(name): still at \(place.path) on \(place.node): \(error)")
            }
        }
        return isWhole
    }

    private func gather(_ place: SlurmPlaces.Place) throws(RetortError) -> String {
        if Self.isHere(place.node) { return try Self.copy(place.path, to: places.copy(place), removes: removes) }
        var words = [
            "srun", "--quiet", "--nodes=1", "--ntasks=1", "--nodelist=\(place.node)",
            "--immediate=\(Self.patienceSeconds)", "--job-name=retort-collect",
        ]
        if let partition = record.partition { words.append("--partition=\(partition)") }
        words += [try FullPath.ofProgram(), "slurm", "gather", place.path, try FullPath.of(places.copy(place))]
        if removes { words.append("--remove") }
        return String(try SlurmTools.output(words).prefix { $0 != "\n" })
    }

    /// On the node itself: copies, verifies and prints a summary.
    static func copy(_ path: String, to target: String, removes: Bool) throws(RetortError) -> String {
        do throws(RetortError) { return try CopiedStore.proven(path, target, moves: removes).text } catch {
            guard error.code == .notFound else { throw error }
        }
        // A task that has moved its store, or has not begun one, leaves nothing there.
        return "nothing is there any more"
    }

    private static func isHere(_ node: String) -> Bool {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return false }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name == node || name.hasPrefix(node + ".")
    }
}

/// Paths that are valid on every machine with the same mounts.
enum FullPath {
    static func ofProgram() throws(RetortError) -> String {
        guard let resolved = realpath("/proc/self/exe", nil) else { throw .system(errno, "realpath", "/proc/self/exe") }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    static func of(_ path: String) throws(RetortError) -> String {
        if path.hasPrefix("/") { return path }
        guard let here = getcwd(nil, 0) else { throw .system(errno, "getcwd", ".") }
        defer { free(here) }
        return String(cString: here) + "/" + path
    }
}
