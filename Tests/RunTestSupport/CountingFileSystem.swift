package import Basics
package import SegmentStore

/// The real file system, counting how often a file with a given name is opened.
package final class CountingFileSystem: FileSystem {
    private let base = PosixFileSystem()
    private let name: String
    private let count = Locked(0)

    package init(_ name: String) { self.name = name }

    package var openings: Int { count.withLock { $0 } }

    package func open(_ path: String, _ mode: FileMode) throws(RetortError) -> any StoreFile {
        if path.hasSuffix(name) { count.withLock { $0 += 1 } }
        return try base.open(path, mode)
    }

    package func createDirectory(_ path: String) throws(RetortError) { try base.createDirectory(path) }
    package func entries(of directory: String) throws(RetortError) -> [String] { try base.entries(of: directory) }
    package func size(of path: String) throws(RetortError) -> Int? { try base.size(of: path) }
    package func rename(_ source: String, to target: String) throws(RetortError) { try base.rename(source, to: target) }
    package func remove(_ path: String) throws(RetortError) { try base.remove(path) }
    package func removeDirectory(_ path: String) throws(RetortError) { try base.removeDirectory(path) }
    package func syncDirectory(_ path: String) throws(RetortError) { try base.syncDirectory(path) }
    package func lock(_ path: String) throws(RetortError) -> any FileLock { try base.lock(path) }
    package func lockHolder(_ path: String) throws(RetortError) -> String? { try base.lockHolder(path) }
}
