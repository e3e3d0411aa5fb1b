public import Basics
internal import Glibc

/// A limiter's address: HOST:PORT, with or without `tcp://` before it; @FILE containing one, which is read again
/// whenever the connection is lost; or a file on this machine that is itself the limiter.
public enum LimitAddress: Sendable, Hashable {
    case server(host: String, port: String)
    case addressFile(String)
    case file(String)

    /// Throws `.usage` for any other text.
    public init(_ text: String) throws(RetortError) {
        if text.hasPrefix("file:") {
            let path = String(text.dropFirst("file:".count))
            guard !path.isEmpty else { throw Self.malformed(text) }
            self = .file(path)
            return
        }
        if text.hasPrefix("@"), text.count > 1 {
            self = .addressFile(String(text.dropFirst()))
            return
        }
        let address = text.hasPrefix("tcp://") ? text.dropFirst("tcp://".count) : text[...]
        guard let colon = address.lastIndex(of: ":") else { throw Self.malformed(text) }
        var host = String(address[..<colon])
        let port = String(address[address.index(after: colon)...])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.contains("/"), UInt16(port) != nil else { throw Self.malformed(text) }
        self = .server(host: host, port: port)
    }

    private static func malformed(_ text: String) -> RetortError {
        RetortError(
            .usage, "no address of a limiter: \(text.prefix(200))",
            remedy:
                "Say HOST:PORT as `retort limit --listen` prints it, @FILE that holds it, or file:PATH on one machine.")
    }
}

/// The sockets of server and client.
enum LimitSocket {
    /// A listening socket, and its port.
    static func listening(host: String, port: String) throws(RetortError) -> (descriptor: Int32, port: UInt16) {
        try withAddresses(host, port, passive: true) { (info) throws(RetortError) in
            let descriptor = try open(info, host, port)
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            guard bind(descriptor, info.pointee.ai_addr, info.pointee.ai_addrlen) == 0, listen(descriptor, 1024) == 0
            else {
                let error = RetortError.system(errno, "bind", "\(host):\(port)")
                close(descriptor)
                throw error
            }
            setFlags(descriptor)
            return (descriptor, boundPort(descriptor))
        }
    }

    /// A connected socket. Reads and writes block, at most for `timeout`.
    static func connected(host: String, port: String, timeout: Interval) throws(RetortError) -> Int32 {
        try withAddresses(host, port, passive: false) { (info) throws(RetortError) in
            let descriptor = try open(info, host, port)
            var limit = timeval(tv_sec: Int(timeout.seconds), tv_usec: Int(timeout.nanoseconds % 1_000_000_000 / 1000))
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
            }
            var yes: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
            guard connect(descriptor, info.pointee.ai_addr, info.pointee.ai_addrlen) == 0 else {
                let error = RetortError.system(errno, "connect", "\(host):\(port)")
                close(descriptor)
                throw error
            }
            return descriptor
        }
    }

    static func setFlags(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func open(
        _ info: UnsafeMutablePointer<addrinfo>, _ host: String, _ port: String
    ) throws(RetortError) -> Int32 {
        let kind = info.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(info.pointee.ai_family, kind, info.pointee.ai_protocol)
        guard descriptor >= 0 else { throw .system(errno, "socket", "\(host):\(port)") }
        return descriptor
    }

    /// Tries each address of the name, and throws the error of the last one.
    private static func withAddresses<Result>(
        _ host: String, _ port: String, passive: Bool,
        _ body: (UnsafeMutablePointer<addrinfo>) throws(RetortError) -> Result
    ) throws(RetortError) -> Result {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = passive ? AI_PASSIVE : 0
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host.isEmpty ? nil : host, port, &hints, &list)
        guard status == 0 else {
            throw RetortError(
                .io, "the name cannot be resolved", at: "\(host):\(port)", cause: String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(list) }
        var last = RetortError(.io, "the name has no address", at: "\(host):\(port)")
        var next = list
        while let info = next {
            do throws(RetortError) { return try body(info) } catch { last = error }
            next = info.pointee.ai_next
        }
        throw last
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16 {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard status == 0 else { return 0 }
        // The port is at the same offset in the addresses of both families.
        return withUnsafeBytes(of: &address) { UInt16($0[2]) << 8 | UInt16($0[3]) }
    }
}
