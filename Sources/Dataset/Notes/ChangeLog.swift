import Basics
import Glibc
import JSONText

/// `changes.jsonl` in a store: changes made to its running runs, for the report. Optional: a line that cannot be
/// written is left out.
package struct ChangeLog: Sendable {
    package static let name = "changes.jsonl"
    /// A longer file gets no further lines and is read only up to here.
    package static let bytesMax = 1 << 20

    package struct Change: Sendable, Hashable {
        /// Seconds since 1970.
        package var time: Int
        package var text: String
    }

    private let path: String

    package init(in store: String) { path = "\(store)/\(Self.name)" }

    package func append(_ text: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var state = stat()
        guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG, state.st_size < Self.bytesMax else {
            return
        }
        let line =
            JSONTree.object([
                JSONTree.Member("time", .integer(Int(wallClockSeconds()))),
                JSONTree.Member("change", .text(RunRecord.cut(text))),
            ]).line + [0x0A]
        _ = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    /// All changes, oldest first. Invalid lines are skipped.
    package func read() -> [Change] {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var state = stat()
        guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG else { return [] }
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.bytesMax) { buffer, count in
            count = max(0, Glibc.read(descriptor, buffer.baseAddress, Self.bytesMax))
        }
        let parser = JSONParser()
        return bytes.split(separator: 0x0A).compactMap { line in
            guard let root = try? parser.parse(Array(line)).root, let time = root["time"]?.int,
                let text = root["change"]?.string
            else { return nil }
            return Change(time: time, text: RunRecord.cut(text))
        }
    }
}
