internal import Glibc

/// What one reading or writing came to.
enum ByteFlow {
    /// More than none.
    case bytes(Int)
    /// None for the moment: again when the socket is ready for that.
    case waits(Readiness)
    /// The server sends no more. `isProven`: nobody else can have cut it off there.
    case ended(isProven: Bool)
    /// The system's error number, and words for people.
    case broken(Int32, String)
}

/// What carries the bytes of an HTTP/1.1 connection: a socket, or TLS on one.
protocol ByteStream: AnyObject {
    /// Sends what is left of head and body from that place on, or a part of it.
    func write(_ head: [UInt8], _ body: [UInt8], from sent: Int) -> ByteFlow

    func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteFlow

    /// Whether bytes have left the socket that `read` has not delivered. The loop does not report those.
    var mayHoldMore: Bool { get }

    /// Tells the server that no more comes, if there is a way. The socket is closed by its owner.
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
