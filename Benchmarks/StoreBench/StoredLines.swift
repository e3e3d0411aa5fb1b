import Basics
import Glibc
import SegmentStore

/// The lines of a JSONL file, as records of a store.
struct StoredLines {
    private let records: [NewRecord]
    /// Of all lines.
    let bytes: Int

    init(_ path: String) throws {
        guard let text = try PosixFileSystem().text(of: path) else { fatalError("no such file: \(path)") }
        let lines = text.split(separator: 0x0A)
        bytes = lines.reduce(0) { $0 + $1.count }
        records = lines.enumerated().map { number, line in
            NewRecord(
                key: RecordKey("q-\(number)"), status: .ok, attempts: 1, row: UInt64(number),
                fingerprint: UInt64(number) &* 0x9E37_79B9_7F4A_7C15, members: Array(line.dropFirst().dropLast()))
        }
    }

    /// Appends them to a new store and closes it. The seconds that it took.
    func fill(_ root: String, _ options: StoreOptions) throws -> (cpu: Double, wall: Double) {
        let store = try RecordStore.create(root, job: [:], failureClasses: [], options: options)
        let (cpu, wall) = (processSeconds(), wallSeconds())
        for start in stride(from: 0, to: records.count, by: 64) {
            if try store.append(Array(records[start..<min(start + 64, records.count)])).isPressed { try store.sync() }
        }
        try store.close()
        return (processSeconds() - cpu, wallSeconds() - wall)
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
