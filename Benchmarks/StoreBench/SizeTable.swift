import Basics
import Glibc
import SegmentStore

/// Block size times level: bytes of `responses/` against one `gzip -6` of the same lines, and the CPU it takes.
struct SizeTable {
    let lines: StoredLines

    func run() throws {
        let gzip = try gzipBytes()
        print("| block | level | bytes | against gzip -6 | CPU, MB/s |")
        print("| --- | --- | --- | --- | --- |")
        for blockBytes in [128 << 10, 256 << 10, 512 << 10, 1 << 20] {
            for level in 5...9 { try measure(blockBytes, level, gzip) }
        }
    }

    private func gzipBytes() throws -> Int {
        let target = "/tmp/store-bench-\(getpid()).jsonl"
        var options = StoreOptions()
        options.compressionLevel = 1
        let root = "/tmp/store-bench-\(getpid())-lines"
        _ = try lines.fill(root, options)
        let status = system("zcat \(root)/responses/*.gz > \(target) && gzip -6 -k \(target)")
        precondition(status == 0, "gzip failed")
        defer { system("rm -rf \(target) \(target).gz \(root)") }
        return try PosixFileSystem().size(of: target + ".gz") ?? 0
    }

    private func measure(_ blockBytes: Int, _ level: Int, _ gzip: Int) throws {
        var options = StoreOptions()
        options.blockRawBytes = blockBytes
        options.compressionLevel = level
        let root = "/tmp/store-bench-\(getpid())-\(blockBytes)-\(level)"
        let cpu = try lines.fill(root, options).cpu
        defer { system("rm -rf \(root)") }
        let sizes = try StoreReader(root).segmentSizes()[.responses] ?? []
        let bytes = sizes.reduce(0, +)
        let excess = (Double(bytes) / Double(gzip) - 1) * 100
        let rate = Int(Double(lines.bytes) / cpu / 1e6)
        print("| \(blockBytes >> 10)K | \(level) | \(bytes) | \(decimal(excess))% | \(rate) |")
    }
}
