import Basics
import Glibc
import JSONText
import SegmentStore

/// The latest records, as far as they are still in a lane's journal. Only for display: unreadable data is ignored.
package struct JournalTail {
    /// Maximum bytes that are read.
    private static let bytesMax = 64 << 10

    package let lines: [[UInt8]]

    package init(of root: String, _ lane: String) {
        let folder = "\(root)/\(lane)"
        let names = (try? PosixFileSystem().entries(of: folder)) ?? []
        // All names have the same length, so they sort like their numbers.
        let newest = names.filter { $0.hasPrefix("journal-") && $0.hasSuffix(".jsonl") }.max()
        lines = newest.map { Self.read("\(folder)/\($0)") } ?? []
    }

    private static func read(_ path: String) -> [[UInt8]] {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var state = stat()
        guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG else { return [] }
        let from = max(0, state.st_size - bytesMax)
        let bytes = [UInt8](unsafeUninitializedCapacity: bytesMax) { buffer, count in
            count = max(0, pread(descriptor, buffer.baseAddress, bytesMax, from))
        }
        // The first line may be incomplete, and preallocated space is zeros.
        return bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
            .dropFirst(from > 0 ? 1 : 0).filter { $0.first == UInt8(ascii: "{") && $0.last == UInt8(ascii: "}") }
            .map { Array($0) }
    }
}
