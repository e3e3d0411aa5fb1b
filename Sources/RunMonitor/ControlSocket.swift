public import Basics
import Glibc

/// The socket by which other processes of the same user change a run: one JSON object per line, one as the reply.
/// Commands are carried out one after the other.
public final class ControlSocket: Sendable {
    public typealias Handler = @Sendable ([UInt8]) -> ControlReply

    /// Its file name in the store.
    public static let name = "control.sock"
    /// How long a peer may take to send its line, and to read the reply.
    private static let peerTime = Interval.seconds(2)
    private static let backlog: Int32 = 16

    private let descriptor: Int32
    private let place: LocalSocket
    private let isStopped = Locked(false)

    /// Starts listening. Call it while holding the store's lock: a socket found there is left from a run that was
    /// killed.
    public init(in directory: String, _ handler: @escaping Handler) throws(RetortError) {
        place = try LocalSocket(in: directory, name: Self.name)
        descriptor = LocalSocket.make()
        let path = "\(directory)/\(Self.name)"
        guard descriptor >= 0 else {
            let number = errno
            place.close()
            throw .system(number, "socket", path)
        }
        place.remove()
        // The socket file has this mode from the start: there is no moment with another mode.
        fchmod(descriptor, 0o600)
        let socket = descriptor
        guard place.withAddress({ bind(socket, $0, $1) }) == 0, listen(socket, Self.backlog) == 0 else {
            let number = errno
            close(descriptor)
            place.close()
            throw .system(number, "bind", path)
        }
        WorkThread.start(givesWay: true) { Self.serve(socket, handler) }
    }

    deinit { stop() }

    /// Removes the socket; a command that is being carried out is finished.
    public func stop() {
        let isFirst = isStopped.withLock { stopped in
            defer { stopped = true }
            return !stopped
        }
        guard isFirst else { return }
        place.remove()
        place.close()
        // Ends `accept`, after which its thread closes the descriptor.
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private static func serve(_ listener: Int32, _ handler: Handler) {
        while true {
            let peer = accept(listener, nil, nil)
            if peer < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                if errno == EMFILE || errno == ENFILE || errno == ENOMEM {
                    usleep(shortageMicroseconds)
                    continue
                }
                break
            }
            _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
            if isOwn(peer), let line = SocketLine.read(peer, within: peerTime) {
                SocketLine.write(handler(line).json, to: peer, within: peerTime)
            }
            close(peer)
        }
        close(listener)
    }

    private static let shortageMicroseconds: UInt32 = 100_000

    /// Whether the peer runs as the same user, or as root.
    private static func isOwn(_ peer: Int32) -> Bool {
        // `struct ucred`: process, user, group.
        var credentials: [UInt32] = [0, .max, .max]
        var size = socklen_t(credentials.count * MemoryLayout<UInt32>.size)
        guard getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return false }
        return credentials[1] == geteuid() || credentials[1] == 0
    }
}

/// The client side of a run's control socket.
public enum ControlClient {
    private static let replyTime = Interval.seconds(10)

    /// Sends one command, a JSON object on one line. Throws `.notFound` if no run is listening.
    public static func send(_ command: [UInt8], to directory: String) throws(RetortError) -> [UInt8] {
        let place = try LocalSocket(in: directory, name: ControlSocket.name)
        defer { place.close() }
        let descriptor = LocalSocket.make()
        guard descriptor >= 0 else { throw .system(errno, "socket", directory) }
        defer { close(descriptor) }
        guard place.withAddress({ connect(descriptor, $0, $1) }) == 0 else {
            let number = errno
            guard number == ENOENT || number == ECONNREFUSED || number == ENOTSOCK else {
                throw .system(number, "connect", "\(directory)/\(ControlSocket.name)")
            }
            throw RetortError(
                .notFound, "no run is active there", at: directory,
                remedy: "`retort status \(directory)` says how the last one ended.")
        }
        guard SocketLine.write(command, to: descriptor, within: replyTime),
            let reply = SocketLine.read(descriptor, within: replyTime)
        else {
            throw RetortError(
                .io, "the run does not reply", at: directory,
                remedy: "It may be ending; look at `retort status \(directory)`, then try again.")
        }
        return reply
    }
}
