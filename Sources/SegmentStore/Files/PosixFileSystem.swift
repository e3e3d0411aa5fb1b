public import Basics
import Glibc

/// The kernel's own file system.
public final class PosixFileSystem: FileSystem {
    private static let lockTriesMax = 10
    private static let lockPauseMicroseconds: UInt32 = 1000
    /// Maximum bytes of the text by which a lock's holder identifies itself.
    private static let holderBytesMax = 80

    let reserve = DescriptorReserve()

    public init() {}

    /// Reserves file descriptors for this file system, so that sockets cannot use up all: this many files can be open
    /// at once, whatever else the process opens. Throws if there are not enough.
    public func keepDescriptors(_ count: Int) throws(RetortError) { try reserve.keep(count) }

    /// Opens a path within the reserve, without blocking on a FIFO. Call `reserve.giveBack` once the descriptor is
    /// closed.
    private func descriptor(
        _ path: String, _ flags: Int32, code: RetortError.Code = .damagedData
    ) throws(RetortError) -> Int32 {
        reserve.take()
        while true {
            let descriptor = Glibc.open(path, flags | O_NONBLOCK | O_CLOEXEC, 0o644)
            if descriptor >= 0 { return descriptor }
            let number = errno
            if number == EINTR || number == EMFILE && reserve.takeAnother() { continue }
            reserve.giveBack()
            let isOdd = [ELOOP, ENXIO, ENODEV, EISDIR].contains(number)
            if isOdd, let kind = try FileKind.of(path), kind != .regular { throw kind.refusal(path, code) }
            throw RetortError.system(number, "open", path)
        }
    }

    public func open(_ path: String, _ mode: FileMode) throws(RetortError) -> any StoreFile {
        if mode == .createEmpty { try removeOld(path) }
        let flags =
            switch mode {
            case .read: O_RDONLY | O_NOFOLLOW
            case .readNamed: O_RDONLY
            case .readWrite: O_RDWR | O_NOFOLLOW
            case .createNew, .createEmpty: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
            }
        let code: RetortError.Code = mode == .readNamed ? .badInput : .damagedData
        return PosixFile(path: path, descriptor: try openRegular(path, flags, code: code), reserve: reserve)
    }

    /// Makes room for a new file by removing the name only; what it leads to is not changed.
    private func removeOld(_ path: String) throws(RetortError) {
        guard let kind = try FileKind.of(path) else { return }
        guard kind == .regular || kind == .link else { throw kind.refusal(path, .damagedData) }
        try remove(path)
    }

    public func createDirectory(_ path: String) throws(RetortError) {
        if mkdir(path, 0o755) == 0 { return try syncDirectory(Self.parent(of: path)) }
        let number = errno
        if number == EEXIST {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw RetortError.system(ENOTDIR, "mkdir", path)
            }
            return
        }
        guard number == ENOENT, Self.parent(of: path) != path else {
            throw RetortError.system(number, "mkdir", path)
        }
        try createDirectory(Self.parent(of: path))
        if mkdir(path, 0o755) != 0 && errno != EEXIST { throw RetortError.system(errno, "mkdir", path) }
        try syncDirectory(Self.parent(of: path))
    }

    /// The directory that a path's last part is in.
    static func parent(of path: String) -> String {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    public func entries(of directory: String) throws(RetortError) -> [String] {
        reserve.take()
        defer { reserve.giveBack() }
        guard let handle = opendir(directory) else {
            if errno == ENOENT { return [] }
            if errno == ENOTDIR {
                throw RetortError(.damagedData, "not a directory", at: directory, remedy: FileKind.remedy)
            }
            throw RetortError.system(errno, "opendir", directory)
        }
        defer { closedir(handle) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(handle) {
            // No name in a store has characters outside UTF-8.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            if let name, name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        // A truncated listing would look like one without the newest segments.
        if errno != 0 { throw RetortError.system(errno, "readdir", directory) }
        return names.sorted()
    }

    public func size(of path: String) throws(RetortError) -> Int? {
        var status = stat()
        if lstat(path, &status) == 0 { return Int(status.st_size) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw RetortError.system(errno, "lstat", path)
    }

    public func isRegular(_ path: String) throws(RetortError) -> Bool { try FileKind.of(path) == .regular }

    public func rename(_ source: String, to target: String) throws(RetortError) {
        if Glibc.rename(source, target) != 0 { throw RetortError.system(errno, "rename", source) }
    }

    public func remove(_ path: String) throws(RetortError) {
        if unlink(path) != 0 && errno != ENOENT { throw RetortError.system(errno, "unlink", path) }
    }

    public func removeDirectory(_ path: String) throws(RetortError) {
        if rmdir(path) != 0 && errno != ENOENT { throw RetortError.system(errno, "rmdir", path) }
    }

    public func syncDirectory(_ path: String) throws(RetortError) {
        let descriptor = try descriptor(path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor, reserve) }
        if fsync(descriptor) != 0 { throw RetortError.system(errno, "fsync", path) }
    }

    public func lock(_ path: String) throws(RetortError) -> any FileLock {
        let descriptor = try openRegular(path, O_RDWR | O_CREAT | O_NOFOLLOW)
        var tries = 0
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            tries += 1
            // A reader that asks for the writer holds the lock for an instant.
            if number == EINTR || number == EWOULDBLOCK && tries < Self.lockTriesMax {
                usleep(Self.lockPauseMicroseconds)
                continue
            }
            defer { close(descriptor, reserve) }
            guard number == EWOULDBLOCK else { throw RetortError.system(number, "flock", path) }
            throw RetortError(
                .busy, "another process is writing here", at: path, cause: "held by \(holderText(descriptor))",
                remedy: "Wait until it has ended, or choose another directory.")
        }
        let isShared = NetworkDisk.isUnder(descriptor)
        let text = Self.holder(withHost: isShared)
        writeHolder(text, descriptor)
        // Must be visible to other machines too.
        if isShared { fdatasync(descriptor) }
        return PosixLock(path: path, descriptor: descriptor, reserve: reserve, text: isShared ? text : nil)
    }

    public func lockShared(_ path: String) throws(RetortError) -> (any FileLock)? {
        let descriptor: Int32
        do throws(RetortError) {
            descriptor = try openRegular(path, O_RDONLY | O_NOFOLLOW)
        } catch {
            if error.code == .damagedData { throw error }
            return nil
        }
        while flock(descriptor, LOCK_SH | LOCK_NB) != 0 {
            let number = errno
            if number == EINTR { continue }
            defer { close(descriptor, reserve) }
            guard number == EWOULDBLOCK else { return nil }
            throw RetortError(
                .busy, "another process is writing here", at: path, cause: "held by \(holderText(descriptor))",
                remedy: "Wait until it has ended, or stop it.")
        }
        return PosixLock(path: path, descriptor: descriptor, reserve: reserve, text: nil)
    }

    /// Names this process, and its machine if other machines may ask.
    private static func holder(withHost: Bool) -> [UInt8] {
        var name = [CChar](repeating: 0, count: 65)
        guard withHost, gethostname(&name, name.count - 1) == 0 else { return Array("process \(getpid())\n".utf8) }
        let host = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.filter { (0x21..<0x7F).contains($0) }
        return Array("process \(getpid()) on ".utf8) + host + [0x0A]
    }

    /// Writes into the lock file which process holds it, unless the file has a second name: then it may belong to
    /// something else.
    private func writeHolder(_ text: [UInt8], _ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_nlink == 1 else { return }
        ftruncate(descriptor, 0)
        pwrite(descriptor, text, text.count, 0)
    }

    public func lockHolder(_ path: String) throws(RetortError) -> String? {
        guard try size(of: path) != nil else { return nil }
        let descriptor: Int32
        do throws(RetortError) {
            descriptor = try openRegular(path, O_RDONLY | O_NOFOLLOW)
        } catch {
            if error.code == .inputMissing { return nil }
            throw error
        }
        defer { close(descriptor, reserve) }
        // If a shared lock is granted, no writer holds the exclusive one; it is released at once.
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return nil }
        return holderText(descriptor)
    }

    /// The first line of the lock's file, if it is printable.
    private func holderText(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: Self.holderBytesMax)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let line = bytes.prefix(max(count, 0)).prefix { $0 != 0x0A }
        guard !line.isEmpty, line.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return "an unknown process" }
        return String(decoding: line, as: UTF8.self)
    }

    /// Opens only a regular file.
    private func openRegular(
        _ path: String, _ flags: Int32, code: RetortError.Code = .damagedData
    ) throws(RetortError) -> Int32 {
        let descriptor = try descriptor(path, flags, code: code)
        var status = stat()
        if fstat(descriptor, &status) == 0, FileKind(status) == .regular { return descriptor }
        close(descriptor, reserve)
        throw FileKind(status).refusal(path, code)
    }
}

/// The type of a file.
private enum FileKind: String {
    case regular = "a regular file"
    case link = "a symbolic link"
    case directory = "a directory"
    case fifo = "a FIFO"
    case socket = "a socket"
    case device = "a device"

    static let remedy = StoreLayout.foreignRemedy

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .regular
        case S_IFLNK: self = .link
        case S_IFDIR: self = .directory
        case S_IFIFO: self = .fifo
        case S_IFSOCK: self = .socket
        default: self = .device
        }
    }

    /// Nil if there is no such file. Links are not followed.
    static func of(_ path: String) throws(RetortError) -> FileKind? {
        var status = stat()
        if lstat(path, &status) == 0 { return FileKind(status) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw RetortError.system(errno, "lstat", path)
    }

    func refusal(_ path: String, _ code: RetortError.Code) -> RetortError {
        RetortError(
            code, "not a regular file", at: path, cause: "it is \(rawValue)",
            remedy: code == .damagedData ? Self.remedy : "Name a file.")
    }
}

private func close(_ descriptor: Int32, _ reserve: DescriptorReserve) {
    Glibc.close(descriptor)
    reserve.giveBack()
}

private final class PosixFile: StoreFile {
    let path: String
    private let descriptor: Int32
    private let reserve: DescriptorReserve

    init(path: String, descriptor: Int32, reserve: DescriptorReserve) {
        self.path = path
        self.descriptor = descriptor
        self.reserve = reserve
    }

    deinit { close(descriptor, reserve) }

    func size() throws(RetortError) -> Int {
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw RetortError.system(errno, "fstat", path) }
        return Int(status.st_size)
    }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(RetortError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw RetortError.system(errno, "read", path)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(RetortError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw RetortError.system(errno, "write", path)
            }
            if count == 0 { throw RetortError.system(EIO, "write", path) }
            done += count
        }
    }

    func truncate(to size: Int) throws(RetortError) {
        while ftruncate(descriptor, off_t(size)) != 0 {
            if errno != EINTR { throw RetortError.system(errno, "ftruncate", path) }
        }
    }

    func syncData() throws(RetortError) {
        while fdatasync(descriptor) != 0 {
            // An interrupted call is repeated; any other error is final.
            if errno != EINTR { throw RetortError.system(errno, "fdatasync", path) }
        }
    }

    func map() throws(RetortError) -> MappedBytes {
        let size = try size()
        if size == 0 { return MappedBytes(copying: []) }
        guard let address = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), address != MAP_FAILED else {
            throw RetortError.system(errno, "mmap", path)
        }
        return MappedBytes(
            UnsafeRawBufferPointer(start: address, count: size),
            release: { madvise(UnsafeMutableRawPointer(mutating: $0.baseAddress!), $0.count, MADV_DONTNEED) },
            dispose: { munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress!), $0.count) })
    }
}

private final class PosixLock: FileLock {
    private let path: String
    private let descriptor: Locked<Int32>
    private let reserve: DescriptorReserve
    /// The text that proves the lock by being written again; nil if the kernel alone keeps the lock.
    private let text: [UInt8]?

    init(path: String, descriptor: Int32, reserve: DescriptorReserve, text: [UInt8]?) {
        self.path = path
        self.descriptor = Locked(descriptor)
        self.reserve = reserve
        self.text = text
    }

    /// NFS rejects writes under a lock that the server has taken back, and to a removed file.
    func confirm() throws(RetortError) {
        guard let text else { return }
        let number = descriptor.withLock { held -> Int32? in
            guard held >= 0 else { return nil }
            while true {
                if pwrite(held, text, text.count, 0) == text.count, fdatasync(held) == 0 { return nil }
                let number = errno
                if number != EINTR { return number }
            }
        }
        guard let number, number != ENOSPC, number != EDQUOT else { return }
        throw RetortError(
            .io, "the lock of the store is lost: another machine may write it now", at: path,
            cause: String(cString: strerror(number)),
            remedy: "The file server has had no contact with this machine for too long. Run the same command again.")
    }

    deinit { release() }

    func release() {
        let held = descriptor.withLock { value in
            defer { value = -1 }
            return value
        }
        if held >= 0 { close(held, reserve) }
    }
}
