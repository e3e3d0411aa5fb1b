import Basics
import COpenSSL
import Glibc

/// An HTTP/1.1 server on a loopback port that answers with the bytes that the test scripts. One thread per connection.
final class ScriptedServer: Sendable {
    struct Request: Sendable {
        /// Request line and headers.
        var head: String
        var body: [UInt8]
        /// Its connection, and its position on it, from 1.
        var connection: Int
        var place: Int

        var line: String { String(head.prefix { $0 != "\r\n" }) }

        func header(_ name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts[0].lowercased() == name { return parts.count > 1 ? String(parts[1].dropFirst()) : "" }
            }
            return nil
        }
    }

    typealias Script = @Sendable (Request, Connection) -> Void

    private struct State {
        var connections: [Connection] = []
        var threads: [pthread_t] = []
        var isStopped = false
    }

    let port: UInt16
    /// Every request, as it arrives.
    let requests: AsyncStream<Request>
    private let arrived: AsyncStream<Request>.Continuation
    private let listener: Int32
    private let script: Script
    private let identity: ServerIdentity?
    private let state = Locked(State())

    /// Speaks TLS if it has an identity.
    init(as identity: ServerIdentity? = nil, _ script: @escaping Script) {
        (listener, port) = listenOnLoopback()
        self.identity = identity
        self.script = script
        (requests, arrived) = AsyncStream.makeStream()
        let thread = startThread { [self] in acceptAll() }
        state.withLock { $0.threads.append(thread) }
    }

    var baseURL: String { "\(identity == nil ? "http" : "https")://127.0.0.1:\(port)/v1" }
    var connectionsAccepted: Int { state.withLock { $0.connections.count } }

    /// Closes everything and waits for the threads.
    func stop() {
        state.withLock { $0.isStopped = true }
        shutdown(listener, Int32(SHUT_RDWR))
        while let thread = state.withLock({ $0.threads.popLast() }) {
            for connection in state.withLock({ $0.connections }) { connection.hangUp() }
            pthread_join(thread, nil)
        }
        close(listener)
        arrived.finish()
    }

    private func acceptAll() {
        while true {
            let socket = accept(listener, nil, nil)
            guard socket >= 0 else { return }
            state.withLock { state in
                let connection = Connection(socket: socket, number: state.connections.count + 1)
                state.connections.append(connection)
                if state.isStopped { connection.hangUp() }
                state.threads.append(startThread { [self] in serve(connection) })
            }
        }
    }

    private func serve(_ connection: Connection) {
        var place = 0
        if let identity { connection.shakeHands(identity) }
        while let (head, body) = connection.readRequest() {
            place += 1
            let request = Request(head: head, body: body, connection: connection.number, place: place)
            arrived.yield(request)
            script(request, connection)
        }
        connection.close()
    }

    /// One client's connection, seen from the server.
    final class Connection: Sendable {
        let number: Int
        private let socket: Int32
        private let isOpen = Locked(true)
        /// Set before anything is read, then used only by the connection's thread.
        nonisolated(unsafe) private var tls: OpaquePointer?

        init(socket: Int32, number: Int) {
            self.socket = socket
            self.number = number
        }

        /// False once the client has disconnected.
        @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

        @discardableResult func send(_ bytes: [UInt8]) -> Bool {
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes { bytes in
                    let rest = bytes.baseAddress! + sent
                    if let tls { return Int(SSL_write(tls, rest, Int32(bytes.count - sent))) }
                    return Glibc.send(socket, rest, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }

        /// Repeats the text until the client disconnects, or has received `bytesMax`.
        func sendEndlessly(_ text: String, bytesMax: Int = 64 << 20) {
            let bytes = Array(text.utf8)
            let many = Array(repeatElement(bytes, count: max(1, (16 << 10) / bytes.count)).joined())
            var left = bytesMax
            while left > 0, send(many) { left -= many.count }
        }

        /// Sends TLS key updates, which contain no data, until the client disconnects, or has received `countMax`.
        func sendKeyUpdates(countMax: Int = 1 << 20) {
            guard let tls else { return }
            for _ in 0..<countMax {
                guard SSL_key_update(tls, SSL_KEY_UPDATE_NOT_REQUESTED) == 1, SSL_do_handshake(tls) == 1 else { return }
            }
        }

        /// Copies bytes between the client and a loopback port until one of them closes.
        func tunnel(to port: UInt16) {
            let other = connectToLoopback(port)
            defer { _ = Glibc.close(other) }
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                var ends = [pollfd(fd: socket, events: Int16(POLLIN), revents: 0)]
                ends.append(pollfd(fd: other, events: Int16(POLLIN), revents: 0))
                guard poll(&ends, 2, -1) > 0 else { return }
                for (from, to) in [(0, other), (1, socket)] where ends[from].revents != 0 {
                    let count = recv(ends[from].fd, &buffer, buffer.count, 0)
                    guard count > 0, Glibc.send(to, buffer, count, Int32(MSG_NOSIGNAL)) == count else { return }
                }
            }
        }

        func answer(_ body: String, status: String = "200 OK", headers: [String] = []) {
            answer(Array(body.utf8), status: status, headers: headers)
        }

        func answer(_ body: [UInt8], status: String = "200 OK", headers: [String] = []) {
            let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + headers
            send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
        }

        /// Blocks until the client has closed its end.
        func waitUntilClientLeaves() {
            var byte: UInt8 = 0
            while receive(&byte, 1) {}
        }

        fileprivate func shakeHands(_ identity: ServerIdentity) {
            guard let tls = SSL_new(identity.context) else { return }
            SSL_set_fd(tls, socket)
            self.tls = tls
            if SSL_accept(tls) != 1 { hangUp() }
        }

        /// Receives exactly this many bytes; false: the client has disconnected.
        private func receive(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Bool {
            guard let tls else { return recv(socket, bytes, count, Int32(MSG_WAITALL)) == count }
            var received = 0
            while received < count {
                let more = SSL_read(tls, bytes + received, Int32(count - received))
                guard more > 0 else { return false }
                received += Int(more)
            }
            return true
        }

        deinit {
            if let tls { SSL_free(tls) }
        }

        /// Ends the answer and the connection. For a script, which runs on the connection's thread.
        func finish() {
            if let tls { SSL_shutdown(tls) }
            hangUp()
        }

        /// Shuts down both directions; the thread that serves the connection closes it.
        func hangUp() {
            isOpen.withLock { if $0 { _ = shutdown(socket, Int32(SHUT_RDWR)) } }
        }

        /// Makes the client see a reset.
        func reset() {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            close()
        }

        func close() {
            isOpen.withLock { isOpen in
                if isOpen { _ = Glibc.close(socket) }
                isOpen = false
            }
        }

        fileprivate func readRequest() -> (String, [UInt8])? {
            guard isOpen.withLock({ $0 }) else { return nil }
            var bytes: [UInt8] = []
            while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
                var byte: UInt8 = 0
                guard receive(&byte, 1) else { return nil }
                bytes.append(byte)
            }
            let head = String(decoding: bytes, as: UTF8.self)
            let request = Request(head: head, body: [], connection: 0, place: 0)
            let length = request.header("content-length").flatMap { Int($0) } ?? 0
            var body = [UInt8](repeating: 0, count: length)
            guard length == 0 || receive(&body, length) else { return nil }
            return (head, body)
        }
    }
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    return address
}

func connectToLoopback(_ port: UInt16) -> Int32 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(port)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            _ = connect(socket, address, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    return socket
}

/// A listening socket on a free port of loopback.
func listenOnLoopback() -> (socket: Int32, port: UInt16) {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            precondition(bind(socket, address, length) == 0 && listen(socket, 128) == 0)
            getsockname(socket, address, &length)
        }
    }
    return (socket, UInt16(bigEndian: address.sin_port))
}

private final class ThreadBody {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    pthread_create(
        &thread, nil,
        { context in
            Unmanaged<ThreadBody>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }, context)
    return thread
}
