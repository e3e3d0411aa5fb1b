import Basics
import CMicroHTTPD
import Glibc

/// A body sent in pieces as they are written, through a bounded buffer. Safe to use from any thread.
///
/// A reader that is too slow is dropped: its connection is closed when the buffer is full.
public final class PieceStream: Sendable {
    private enum Phase {
        case open
        case finished
        /// The reader has gone or is too slow, or the server is stopping.
        case dropped
    }

    private struct State {
        var phase = Phase.open
        var pending: [UInt8] = []
        /// The connection that reads it, from when the response is queued until it ends.
        var connection: OpaquePointer?
        var isSuspended = false
    }

    /// Default maximum bytes that wait for the reader.
    public static let bytesMaxDefault = 256 * 1024
    private static let endOfStream = -1
    private static let endWithError = -2

    private let bytesMax: Int
    private let state = Locked(State())

    public init(bytesMax: Int = bytesMaxDefault) { self.bytesMax = bytesMax }

    /// Whether the reader still accepts pieces.
    public var isOpen: Bool { state.withLock { $0.phase == .open } }

    /// Adds a piece. Returns false if it will not be delivered: the reader has gone or is too slow, or the stream has
    /// ended.
    @discardableResult
    public func write(_ piece: [UInt8]) -> Bool {
        state.withLock { state in
            guard state.phase == .open else { return false }
            guard piece.count <= bytesMax - state.pending.count else {
                Self.drop(&state)
                return false
            }
            state.pending += piece
            Self.resume(&state)
            return true
        }
    }

    /// Ends the stream after the pieces written so far.
    public func finish() {
        state.withLock { state in
            guard state.phase == .open else { return }
            state.phase = .finished
            Self.resume(&state)
        }
    }

    /// Aborts the stream: the reader sees a broken connection.
    public func breakOff() { state.withLock { Self.drop(&$0) } }

    private static func resume(_ state: inout State) {
        guard state.isSuspended, let connection = state.connection else { return }
        state.isSuspended = false
        MHD_resume_connection(connection)
    }

    /// Shuts the socket down, since libmicrohttpd waits for a peer that reads nothing. The connection is known only
    /// while its request lasts, so the descriptor still belongs to it.
    private static func drop(_ state: inout State) {
        state.phase = .dropped
        state.pending = []
        guard let connection = state.connection else { return }
        shutdown(retort_mhd_connection_socket(connection), Int32(SHUT_RDWR))
        resume(&state)
    }
}

/// The server's side.
extension PieceStream {
    /// False if it has ended or already has a reader: one stream is one body.
    func attach(_ connection: OpaquePointer) -> Bool {
        state.withLock { state in
            guard state.phase != .dropped, state.connection == nil else { return false }
            state.connection = connection
            return true
        }
    }

    /// Called when the request is over; nothing is suspended then.
    func detach() {
        state.withLock { state in
            state.connection = nil
            state.phase = .dropped
            state.pending = []
        }
    }

    func abort() { breakOff() }

    /// Copies pending bytes, or suspends the connection if there are none. On the server's thread.
    func pull(into buffer: UnsafeMutablePointer<CChar>, room: Int) -> Int {
        state.withLock { state in
            if !state.pending.isEmpty {
                let count = min(room, state.pending.count)
                state.pending.withUnsafeBytes { bytes in
                    UnsafeMutableRawPointer(buffer).copyMemory(from: bytes.baseAddress!, byteCount: count)
                }
                state.pending.removeFirst(count)
                return count
            }
            switch state.phase {
            case .finished: return Self.endOfStream
            case .dropped: return Self.endWithError
            case .open:
                guard let connection = state.connection else { return Self.endWithError }
                state.isSuspended = true
                MHD_suspend_connection(connection)
                return 0
            }
        }
    }
}
