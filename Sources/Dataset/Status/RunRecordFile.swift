import Glibc
import SegmentStore

/// `progress.json` of a store. Never needed: what cannot be written or read is as if it were not there.
package struct RunRecordFile {
    package static let name = "progress.json"
    /// A longer file is not one that was written here.
    package static let bytesMax = 256 << 10

    private let path: String

    package init(in root: String) { path = "\(root)/\(Self.name)" }

    /// Replaces the file as a whole. It need not survive a power cut, so it is not synced.
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

    /// The record; nil where there is no such file.
    package func read() -> RunRecord? {
        // A FIFO of that name must not hold anything up.
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
