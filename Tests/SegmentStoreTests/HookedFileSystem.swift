import Basics
import SegmentStore

/// Another file system with a hook that runs right after each sync of a file, on the syncing thread.
final class HookedFileSystem: FileSystem {
    private let base: any FileSystem
    let afterSync = Locked<(@Sendable (String) -> Void)?>(nil)
    /// A file server has given the locks to another machine.
    let hasLostLocks = Locked(false)

    init(_ base: any FileSystem) { self.base = base }

    func open(_ path: String, _ mode: FileMode) throws(RetortError) -> any StoreFile {
        HookedFile(try base.open(path, mode), self)
    }

    func createDirectory(_ path: String) throws(RetortError) { try base.createDirectory(path) }
    func entries(of directory: String) throws(RetortError) -> [String] { try base.entries(of: directory) }
    func size(of path: String) throws(RetortError) -> Int? { try base.size(of: path) }
    func isRegular(_ path: String) throws(RetortError) -> Bool { try base.isRegular(path) }
    func rename(_ source: String, to target: String) throws(RetortError) { try base.rename(source, to: target) }
    func remove(_ path: String) throws(RetortError) { try base.remove(path) }
    func removeDirectory(_ path: String) throws(RetortError) { try base.removeDirectory(path) }
    func syncDirectory(_ path: String) throws(RetortError) { try base.syncDirectory(path) }
    func lock(_ path: String) throws(RetortError) -> any FileLock { HookedLock(try base.lock(path), self) }
    func lockHolder(_ path: String) throws(RetortError) -> String? { try base.lockHolder(path) }
}

private final class HookedLock: FileLock {
    private let base: any FileLock
    private let files: HookedFileSystem

    init(_ base: any FileLock, _ files: HookedFileSystem) {
        self.base = base
        self.files = files
    }

    func release() { base.release() }

    func confirm() throws(RetortError) {
        if files.hasLostLocks.withLock({ $0 }) { throw RetortError(.io, "the lock is lost") }
    }
}

private final class HookedFile: StoreFile {
    private let base: any StoreFile
    private let files: HookedFileSystem

    init(_ base: any StoreFile, _ files: HookedFileSystem) {
        self.base = base
        self.files = files
    }

    var path: String { base.path }
    func size() throws(RetortError) -> Int { try base.size() }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(RetortError) -> Int {
        try base.read(at: offset, into: buffer)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(RetortError) {
        try base.write(bytes, at: offset)
    }

    func truncate(to size: Int) throws(RetortError) { try base.truncate(to: size) }

    func syncData() throws(RetortError) {
        try base.syncData()
        files.afterSync.withLock { $0 }?(path)
    }

    func map() throws(RetortError) -> MappedBytes { try base.map() }
}
