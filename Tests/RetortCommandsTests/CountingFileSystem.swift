import Basics
import SegmentStore

/// The real file system, which counts how often a file of some name is opened.
final class CountingFileSystem: FileSystem {
    private let base = PosixFileSystem()
    private let name: String
    private let count = Locked(0)

    init(_ name: String) { self.name = name }

    var openings: Int { count.withLock { $0 } }

    func open(_ path: String, _ mode: FileMode) throws(RetortError) -> any StoreFile {
        if path.hasSuffix(name) { count.withLock { $0 += 1 } }
        return try base.open(path, mode)
    }

    func createDirectory(_ path: String) throws(RetortError) { try base.createDirectory(path) }
    func entries(of directory: String) throws(RetortError) -> [String] { try base.entries(of: directory) }
    func size(of path: String) throws(RetortError) -> Int? { try base.size(of: path) }
    func rename(_ source: String, to target: String) throws(RetortError) { try base.rename(source, to: target) }
    func remove(_ path: String) throws(RetortError) { try base.remove(path) }
    func removeDirectory(_ path: String) throws(RetortError) { try base.removeDirectory(path) }
    func syncDirectory(_ path: String) throws(RetortError) { try base.syncDirectory(path) }
    func lock(_ path: String) throws(RetortError) -> any FileLock { try base.lock(path) }
    func lockHolder(_ path: String) throws(RetortError) -> String? { try base.lockHolder(path) }
}
