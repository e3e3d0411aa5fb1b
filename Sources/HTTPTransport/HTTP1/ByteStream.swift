internal import Glibc

/// The result of one read or write.
enum ByteFlow {
    /// More than none.
    case bytes(Int)
    /// None for now: try again when the socket is ready for it.
    case waits(Readiness)
    /// The server sends no more. `isProven`: no third party can have cut it off.
    case ended(isProven: Bool)
    /// The system's error number, and words for people.
    case broken(Int32, String)
}

/// The byte stream of an HTTP/1.1 connection: a socket, or TLS on one.
protocol ByteStream: AnyObject {
    /// Writes head and body from that offset on, or a part of them.
    func write(_ head: [UInt8], _ body: [UInt8], from sent: Int) -> ByteFlow

    func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteFlow

    /// Whether bytes have been read from the socket that `read` has not returned. The loop does not report those.
    var mayHoldMore: Bool { get }

    /// Tells the server that nothing more will be sent, if possible. The socket's owner closes it.
    func farewell()
}

/// Clear text: one system call each.
final class SocketStream: ByteStream {
    private let socket: Int32

    init(_ socket: Int32) { self.socket = socket }

    func write(_ head: [UInt8], _ body: [UInt8], from sent: Int) -> ByteFlow {
        while true {
            let count = head.withUnsafeBytes { head in
                body.withUnsafeBytes { body in
                    withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { parts in
                        parts.initializeElement(at: 0, to: iovec(head.dropFirst(sent)))
                        parts.initializeElement(at: 1, to: iovec(body.dropFirst(max(0, sent - head.count))))
                        var message = msghdr()
                        message.msg_iov = parts.baseAddress
                        message.msg_iovlen = parts.count
                        return sendmsg(socket, &message, Int32(MSG_NOSIGNAL))
                    }
                }
            }
            if count >= 0 { return .bytes(count) }
            let number = errno
            if number == EAGAIN { return .waits(.writable) }
            if number != EINTR { return .broken(number, String(cString: strerror(number))) }
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteFlow {
        let count = recv(socket, buffer.baseAddress, buffer.count, 0)
        if count > 0 { return .bytes(count) }
        if count == 0 { return .ended(isProven: true) }
        let number = errno
        if number == EAGAIN || number == EINTR { return .waits(.readable) }
        return .broken(number, String(cString: strerror(number)))
    }

    var mayHoldMore: Bool { false }

    func farewell() {}
}

extension iovec {
    fileprivate init(_ bytes: Slice<UnsafeRawBufferPointer>) {
        let bytes = UnsafeRawBufferPointer(rebasing: bytes)
        self.init(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }
}
