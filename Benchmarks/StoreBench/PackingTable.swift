import Basics
import Glibc
import SegmentStore

/// How fast a store takes lines, by the number of threads that help to compress.
struct PackingTable {
    let lines: StoredLines
    private static let rounds = 3

    func run() throws {
        print("| helping threads | lines, MB/s | CPU, MB/s |")
        print("| --- | --- | --- |")
        for threads in [0, 1, 2, 4, 8] where threads < max(2, ProcessorCount.now) { try measure(threads) }
    }

    private func measure(_ threads: Int) throws {
        var options = StoreOptions()
        options.packingThreadsMax = threads
        options.sync = .never
        let root = "/tmp/store-bench-\(getpid())-packing-\(threads)"
        var best = (cpu: Double.infinity, wall: Double.infinity)
        for _ in 0..<Self.rounds {
            let taken = try lines.fill(root, options)
            system("rm -rf \(root)")
            best = (min(best.cpu, taken.cpu), min(best.wall, taken.wall))
        }
        let megabytes = Double(lines.bytes) / 1e6
        print("| \(threads) | \(Int(megabytes / best.wall)) | \(Int(megabytes / best.cpu)) |")
    }
}
