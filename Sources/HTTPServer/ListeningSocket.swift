public import Basics
import Glibc

/// A TCP socket that listens on a numeric address.
public struct ListeningSocket: Sendable {
    public let descriptor: Int32
    public let port: UInt16
    public let isIPv6: Bool

    private static let backlog: Int32 = 4096

    /// Port 0 picks a free one. Throws a configuration error if the address is not numeric, not of this machine, or the
    /// port is in use.
    public init(host: String, port: UInt16) throws(RetortError) {
        let place = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host == "localhost" ? "127.0.0.1" : host, String(port), &hints, &found)
        guard status == 0, let address = found else {
            throw RetortError(
                .configuration, "not an address to listen on", at: place, cause: String(cString: gai_strerror(status)),
                remedy: "Give a numeric address of this machine, such as 127.0.0.1.")
        }
        defer { freeaddrinfo(found) }
        let family = address.pointee.ai_family
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, flags, 0)
        guard descriptor >= 0 else { throw .system(errno, "socket", place) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0,
            listen(descriptor, Self.backlog) == 0
        else {
            let number = errno
            close(descriptor)
            throw Self.refusal(number, host: host, port: port, place: place)
        }
        self.descriptor = descriptor
        self.port = Self.port(of: descriptor)
        isIPv6 = family == AF_INET6
    }

    private static func refusal(_ number: Int32, host: String, port: UInt16, place: String) -> RetortError {
        let cause = String(cString: strerror(number))
        switch number {
        case EADDRINUSE:
            return RetortError(
                .configuration, "port \(port) is in use", at: place, cause: cause,
                remedy: "Choose another port, or 0 for any free one.")
        case EACCES:
            return RetortError(
                .configuration, "port \(port) may not be used", at: place, cause: cause,
                remedy: "Choose a port above 1023, or 0 for any free one.")
        case EADDRNOTAVAIL:
            return RetortError(
                .configuration, "this machine does not have the address \(host)", at: place, cause: cause,
                remedy: "Listen on 127.0.0.1.")
        default: return .system(number, "bind", place)
        }
    }

    /// The port is at the same offset in the addresses of both families, in network byte order.
    private static func port(of descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { bytes in
            let address = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            guard getsockname(descriptor, address, &length) == 0 else { return 0 }
            return UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }
}
