import Basics

/// Room that an open store holds on the disk, so that a journal which has filled it can still be put into a segment and
/// removed. A file of zeros in the index's directory; nobody minds its loss.
struct DiskReserve {
    private let path: String
    private let files: any FileSystem
    private let bytes: Int

    /// `bytes` must hold a block that does not compress.
    init(_ context: StoreContext, bytes: Int) {
        path = context.layout.reserve
        files = context.files
        self.bytes = bytes
    }

    /// Holds the room, if it is there.
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
