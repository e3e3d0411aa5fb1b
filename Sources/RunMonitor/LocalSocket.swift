import Basics
import Glibc

/// A Unix socket in a directory whose path may have any length: `sun_path` has room for 107 bytes, so the socket is
/// addressed by the directory's descriptor.
struct LocalSocket {
    private let directory: Int32
    private let name: String

    /// Throws where there is no such directory.
    init(in path: String, name: String) throws(RetortError) {
        directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .system(errno, "open", path) }
        self.name = name
    }

    /// Call once, when no further socket will be opened.
    func close() { _ = Glibc.close(directory) }

    /// Runs `call` with the socket's address.
    func withAddress(_ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("/proc/self/fd/\(directory)/\(name)".utf8)
        let isFitting = withUnsafeMutableBytes(of: &address.sun_path) { field in
            guard path.count < field.count else { return false }
            field.copyBytes(from: path)
            return true
        }
        guard isFitting else {
            errno = ENAMETOOLONG
            return -1
        }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    static func make() -> Int32 {
        socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    /// Removes a socket of that name, and no other kind of file.
    func remove() {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            return
        }
        unlinkat(directory, name, 0)
    }
}

/// Reads and writes lines over a socket, bounded in time and size.
enum SocketLine {
    static let bytesMax = 64 * 1024

    /// The next line without its end; nil if it does not arrive in time or is too long.
    static func read(_ descriptor: Int32, within time: Interval) -> [UInt8]? {
        let end = Instant.now + time
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            guard wait(descriptor, Int16(POLLIN), until: end) else { return nil }
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return nil }
            line += buffer[..<count]
            if let lineEnd = line.firstIndex(of: 0x0A) { return Array(line[..<lineEnd]) }
            guard line.count <= bytesMax else { return nil }
        }
    }

    /// False if the peer does not read it in time.
    @discardableResult
    static func write(_ line: [UInt8], to descriptor: Int32, within time: Interval) -> Bool {
        let end = Instant.now + time
        let bytes = line + [0x0A]
        var sent = 0
        while sent < bytes.count {
            guard wait(descriptor, Int16(POLLOUT), until: end) else { return false }
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private static func wait(_ descriptor: Int32, _ events: Int16, until end: Instant) -> Bool {
        while true {
            let left = (end - .now).nanoseconds / 1_000_000
            guard left > 0 else { return false }
            var polled = pollfd(fd: descriptor, events: events, revents: 0)
            let ready = poll(&polled, 1, Int32(clamping: left))
            if ready > 0 { return true }
            if ready < 0, errno != EINTR { return false }
        }
    }
}
