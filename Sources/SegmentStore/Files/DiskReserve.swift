import Basics

/// Disk space that an open store reserves, so that a journal that has filled the disk can still be moved to a segment
/// and removed. A file of zeros in the index's directory, which may be lost.
struct DiskReserve {
    private let path: String
    private let files: any FileSystem
    private let bytes: Int

    /// `bytes` must be enough for a block that does not compress.
    init(_ context: StoreContext, bytes: Int) {
        path = context.layout.reserve
        files = context.files
        self.bytes = bytes
    }

    /// Reserves the space, if it is available.
    func hold() {
        do throws(RetortError) {
            if try files.size(of: path) == bytes { return }
            try files.open(path, .createEmpty).write([UInt8](repeating: 0, count: bytes), at: 0)
        } catch {
            release()
        }
    }

    func release() { try? files.remove(path) }
}
