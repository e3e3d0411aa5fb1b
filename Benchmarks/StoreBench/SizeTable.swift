import Basics
import Glibc
import SegmentStore

/// Block size times level: bytes of `responses/` against one `gzip -6` of the same lines, and the CPU it takes.
struct SizeTable {
    private let lines: [[UInt8]]
    private let path: String

    init(_ path: String) throws {
        guard let text = try PosixFileSystem().text(of: path) else { fatalError("no such file: \(path)") }
        self.path = path
        lines = text.split(separator: 0x0A).map { Array($0) }
    }

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
        let root = try fill("/tmp/store-bench-\(getpid())-lines", 256 << 10, 1).root
        let status = system("zcat \(root)/responses/*.gz > \(target) && gzip -6 -k \(target)")
        precondition(status == 0, "gzip failed")
        defer { system("rm -rf \(target) \(target).gz \(root)") }
        return try PosixFileSystem().size(of: target + ".gz") ?? 0
    }

    private func fill(_ root: String, _ blockBytes: Int, _ level: Int) throws -> (root: String, cpu: Double, raw: Int) {
        var options = StoreOptions()
        options.blockRawBytes = blockBytes
        options.compressionLevel = level
        let store = try RecordStore.create(root, job: [:], failureClasses: [], options: options)
        let records = lines.enumerated().map { number, line in
            NewRecord(
                key: RecordKey("q-\(number)"), status: .ok, attempts: 1, row: UInt64(number),
                fingerprint: UInt64(number) &* 0x9E37_79B9_7F4A_7C15, members: Array(line.dropFirst().dropLast()))
        }
        let cpu = processSeconds()
        for start in stride(from: 0, to: records.count, by: 64) {
            if try store.append(Array(records[start..<min(start + 64, records.count)])).isPressed { try store.sync() }
        }
        try store.close()
        return (root, processSeconds() - cpu, lines.reduce(0) { $0 + $1.count })
    }

    private func measure(_ blockBytes: Int, _ level: Int, _ gzip: Int) throws {
        let (root, cpu, raw) = try fill("/tmp/store-bench-\(getpid())-\(blockBytes)-\(level)", blockBytes, level)
        defer { system("rm -rf \(root)") }
        let sizes = try StoreReader(root).segmentSizes()[.responses] ?? []
        let bytes = sizes.reduce(0, +)
        let excess = (Double(bytes) / Double(gzip) - 1) * 100
        print("| \(blockBytes >> 10)K | \(level) | \(bytes) | \(decimal(excess))% | \(Int(Double(raw) / cpu / 1e6)) |")
    }
}

extension PosixFileSystem {
    fileprivate func text(of path: String) throws -> [UInt8]? {
        guard let size = try size(of: path) else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        _ = try bytes.withUnsafeMutableBytes { try open(path, .read).read(at: 0, into: $0) }
        return bytes
    }
}
