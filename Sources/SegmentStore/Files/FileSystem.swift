public import Basics

/// Every system call of the store, so that tests can replace the kernel.
///
/// Paths are plain strings. Errors name the call and the path (`RetortError.system`). Implementations are thread-safe;
/// one file is written by one thread at a time. Only regular files are opened, and never through a symbolic link:
/// anything else with the name of a store's file throws `.damagedData` at once.
public protocol FileSystem: AnyObject, Sendable {
    func open(_ path: String, _ mode: FileMode) throws(RetortError) -> any StoreFile
    /// Creates the directory and its parents, durably. An existing directory is not an error.
    func createDirectory(_ path: String) throws(RetortError)
    /// The names in a directory, sorted; empty if the directory does not exist.
    func entries(of directory: String) throws(RetortError) -> [String]
    /// The size of a file in bytes; nil if there is none. For a link, its own size.
    func size(of path: String) throws(RetortError) -> Int?
    /// Whether a regular file has that name: no link, directory, FIFO, socket or device.
    func isRegular(_ path: String) throws(RetortError) -> Bool
    /// Replaces `target` atomically.
    func rename(_ source: String, to target: String) throws(RetortError)
    /// Removes a file. A missing file is not an error.
    func remove(_ path: String) throws(RetortError)
    /// Removes an empty directory. A missing directory is not an error.
    func removeDirectory(_ path: String) throws(RetortError)
    /// Makes creations, renames and removals in a directory durable.
    func syncDirectory(_ path: String) throws(RetortError)
    /// Takes the exclusive lock of a file, or throws `.busy` naming the holder.
    func lock(_ path: String) throws(RetortError) -> any FileLock
    /// Takes a file's shared lock, which excludes writers and writes nothing, or throws `.busy` naming the writer. Nil
    /// if there is no such file, or it cannot be read.
    func lockShared(_ path: String) throws(RetortError) -> (any FileLock)?
    /// What the lock's holder wrote about itself; nil if the lock is free.
    func lockHolder(_ path: String) throws(RetortError) -> String?
}

public enum FileMode: Sendable {
    case read
    /// An existing file, for reading and writing.
    case readWrite
    /// A new file; fails if it exists.
    case createNew
    /// A new file that replaces an existing one of the name. The old one is not written to: it may have other names, or
    /// be a link.
    case createEmpty
    /// A file named by the user, for reading. Links are followed.
    case readNamed
}

/// One open file.
public protocol StoreFile: AnyObject, Sendable {
    var path: String { get }
    func size() throws(RetortError) -> Int
    /// Fills `buffer` from `offset`; returns fewer bytes only at the end of the file.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(RetortError) -> Int
    /// Writes all of `bytes` at `offset`. After an error any part may have been written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(RetortError)
    func truncate(to size: Int) throws(RetortError)
    /// Makes the file's data durable. After an error the file must not be synced again: the kernel may have dropped
    /// what it could not write and may report success the next time.
    func syncData() throws(RetortError)
    /// The whole file, read-only. The file must not shrink while the mapping lives.
    func map() throws(RetortError) -> MappedBytes
}

/// Held until it is released or its last reference goes.
public protocol FileLock: AnyObject, Sendable {
    func release()
    /// Throws `.io` if the lock was lost. A file server takes the lock back from a machine that it has not heard from
    /// for a while, and may give it to another one.
    func confirm() throws(RetortError)
}

extension FileLock {
    public func confirm() throws(RetortError) {}
}

/// Represents a lock that the caller holds and releases itself.
final class BorrowedLock: FileLock {
    func release() {}
}

/// Read-only bytes with a lifetime: a mapping, or memory.
public final class MappedBytes: @unchecked Sendable {
    public let bytes: UnsafeRawBufferPointer
    private let dispose: (UnsafeRawBufferPointer) -> Void
    private let release: ((UnsafeRawBufferPointer) -> Void)?

    /// `release` gives the memory of a range back until it is accessed again.
    public init(
        _ bytes: UnsafeRawBufferPointer, release: ((UnsafeRawBufferPointer) -> Void)? = nil,
        dispose: @escaping (UnsafeRawBufferPointer) -> Void
    ) {
        self.bytes = bytes
        self.release = release
        self.dispose = dispose
    }

    deinit { dispose(bytes) }

    /// Declares that a range, which begins at a page boundary, is not needed for now. It stays readable.
    public func letGo(_ range: Range<Int>) {
        if !range.isEmpty { release?(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    }

    /// A copy in memory.
    public convenience init(copying source: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(source.count, 1), alignment: 16)
        memory.copyBytes(from: source)
        self.init(UnsafeRawBufferPointer(rebasing: memory[..<source.count])) { _ in memory.deallocate() }
    }
}

extension StoreFile {
    func write(_ bytes: [UInt8], at offset: Int) throws(RetortError) { try write(bytes[...], at: offset) }

    func write(_ bytes: ArraySlice<UInt8>, at offset: Int) throws(RetortError) {
        let result: Result<Void, RetortError> = bytes.withUnsafeBytes { buffer in
            do throws(RetortError) { return .success(try write(buffer, at: offset)) } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Reads exactly `count` bytes at `offset`, or as many as there are.
    func read(at offset: Int, count: Int) throws(RetortError) -> [UInt8] {
        // The empty array that all threads share must not be written to, not even its count.
        guard count > 0 else { return [] }
        var failure: RetortError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(RetortError) {
                initialized = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
                initialized = 0
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

extension FileSystem {
    public func isRegular(_ path: String) throws(RetortError) -> Bool { try size(of: path) != nil }

    /// The text of a small file named by the user. Throws `.badInput` if it is not UTF-8.
    public func text(of path: String) throws(RetortError) -> String {
        let file = try open(path, .readNamed)
        let size = try file.size()
        guard size <= StoreLimits.textBytesMax else {
            throw RetortError(
                .badInput, "the file is too large", at: path,
                cause: "it has \(size) bytes, the maximum is \(StoreLimits.textBytesMax)")
        }
        guard let text = String(validating: try file.read(at: 0, count: size), as: UTF8.self) else {
            throw RetortError(.badInput, "the file is not UTF-8", at: path, remedy: "Save it in that encoding.")
        }
        return text
    }

    /// The whole file; nil if there is none. Throws `.damagedData` if it has more than `bytesMax` bytes.
    func contents(of path: String, bytesMax: Int) throws(RetortError) -> [UInt8]? {
        guard let file = try openIfThere(path) else { return nil }
        let size = try file.size()
        guard size <= bytesMax else {
            throw RetortError(
                .damagedData, "the file is larger than any of its kind", at: path,
                cause: "it has \(size) bytes, the maximum is \(bytesMax)")
        }
        return try file.read(at: 0, count: size)
    }

    /// A file for reading; nil if there is none.
    func openIfThere(_ path: String) throws(RetortError) -> (any StoreFile)? {
        guard try size(of: path) != nil else { return nil }
        do throws(RetortError) {
            return try open(path, .read)
        } catch {
            // Removed between the two calls, by a writer that merged it into something else.
            if error.code == .inputMissing { return nil }
            throw error
        }
    }

    /// Removes a file of the store. Anything else with its name stays.
    func removeRegular(_ path: String) throws(RetortError) {
        if try isRegular(path) { try remove(path) }
    }

    /// Replaces a file so that a crash leaves either the old content or the new one, whole.
    func replace(_ path: String, with bytes: [UInt8], in directory: String) throws(RetortError) {
        let temporary = path + ".tmp"
        do throws(RetortError) {
            let file = try open(temporary, .createEmpty)
            try file.write(bytes, at: 0)
            try file.syncData()
            try rename(temporary, to: path)
        } catch {
            // A file whose sync has failed is not used again, and a full disk needs the space.
            try? removeRegular(temporary)
            throw error
        }
        try syncDirectory(directory)
    }
}
