import Glibc
import SegmentStore

/// `progress.json` of a store. Optional: errors of reading and writing are ignored.
package struct RunRecordFile {
    package static let name = "progress.json"
    /// A longer file was not written here.
    package static let bytesMax = 256 << 10

    private let path: String

    package init(in root: String) { path = "\(root)/\(Self.name)" }

    /// Replaces the file atomically. It need not survive a power cut, so it is not synced.
    package func write(_ record: RunRecord) {
        let bytes = record.json
        let temporary = "\(path).\(getpid()).tmp"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        if count != bytes.count || rename(temporary, path) != 0 { unlink(temporary) }
    }

    /// The record; nil if there is no such file.
    package func read() -> RunRecord? {
        // Opening must not block on a FIFO of that name.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var state = stat()
        guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG, state.st_size <= Self.bytesMax else {
            return nil
        }
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.bytesMax) { buffer, count in
            count = max(0, Glibc.read(descriptor, buffer.baseAddress, Self.bytesMax))
        }
        return RunRecord(bytes)
    }
}
