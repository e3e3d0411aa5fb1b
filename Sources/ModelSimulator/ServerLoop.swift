import Basics
import CMicroHTTPD
import Glibc
import HTTPServer
import Synchronization

/// The serving thread: libmicrohttpd over epoll, a heap of timers, and no blocking calls.
///
/// The daemon runs in its external mode, driven by this thread's own loop. Timers are thus punctual, and connections
/// are suspended and resumed without crossing threads. `start` and `stop` are called by the owner; all else is confined
/// to the thread.
final class ServerLoop: @unchecked Sendable {
    let port: UInt16
    let ledger: Locked<Ledger>
    var timers = TimerHeap<Exchange>()
    var isDown = false

    private let configuration: SimulatorConfiguration
    private let responder: Responder
    private let started: Instant
    private var nextChange: Instant?
    private var sockets: Set<Int32> = []
    private var daemon: OpaquePointer?
    private var alarm: Alarm
    private var thread = pthread_t()
    private var wakeup: (reader: Int32, writer: Int32) = (-1, -1)
    private let isStopping = Atomic(false)

    /// How often to check whether the client of a hanging connection has disconnected.
    private static let abandonedCheckInterval = Interval.milliseconds(100)
    /// Memory per connection, for headers and parts of bodies. libmicrohttpd clears all of it for each request, which
    /// costs a microsecond for its default of 32 KiB.
    private static let connectionMemoryBytes = 16 * 1024

    /// Listens and starts the thread.
    init(
        _ configuration: SimulatorConfiguration, ledger: Locked<Ledger>, host: String, port: UInt16
    ) throws(RetortError) {
        guard let alarm = Alarm() else { throw .system(errno, "timerfd_create", "\(host):\(port)") }
        let listener = try ListeningSocket(host: host, port: port)
        self.alarm = alarm
        self.configuration = configuration
        self.ledger = ledger
        self.port = listener.port
        started = .now
        responder = Responder(configuration, ledger: ledger, at: started)
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            let number = errno
            close(listener.descriptor)
            throw .system(number, "pipe", "\(host):\(port)")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        wakeup = (ends[0], ends[1])
        daemon = startDaemon(listener)
        guard daemon != nil, startThread() else {
            closeAll(listener)
            throw RetortError(
                .io, "the server did not start", at: "\(host):\(listener.port)",
                remedy: "Check the limits on open files and threads (ulimit -n, ulimit -u).")
        }
    }

    /// Ends the thread and closes every connection. Call it once.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        var byte: UInt8 = 0
        write(wakeup.writer, &byte, 1)
        pthread_join(thread, nil)
        close(wakeup.reader)
        close(wakeup.writer)
    }

    private func closeAll(_ listener: ListeningSocket) {
        if let daemon { MHD_stop_daemon(daemon) } else { close(listener.descriptor) }
        close(wakeup.reader)
        close(wakeup.writer)
    }

    private func startDaemon(_ listener: ListeningSocket) -> OpaquePointer? {
        let context = Unmanaged.passUnretained(self).toOpaque()
        func item(_ option: MHD_OPTION, _ value: Int, _ pointer: UnsafeMutableRawPointer? = nil) -> MHD_OptionItem {
            MHD_OptionItem(option: option, value: value, ptr_value: pointer)
        }
        let completed: MHD_RequestCompletedCallback = ServerLoop.requestCompleted
        let notified: MHD_NotifyConnectionCallback = ServerLoop.connectionChanged
        var options = [
            item(.LISTEN_SOCKET, Int(listener.descriptor)),
            item(.CONNECTION_LIMIT, configuration.connectionsMax),
            item(.CONNECTION_MEMORY_LIMIT, Self.connectionMemoryBytes),
            item(.NOTIFY_COMPLETED, unsafeBitCast(completed, to: Int.self), context),
            item(.NOTIFY_CONNECTION, unsafeBitCast(notified, to: Int.self), context),
            item(.END, 0),
        ]
        var flags = MHD_USE_EPOLL.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue | MHD_USE_TURBO.rawValue
        flags |= MHD_USE_SUPPRESS_DATE_NO_CLOCK.rawValue
        if listener.isIPv6 { flags |= MHD_USE_IPv6.rawValue }
        return retort_mhd_start(flags, ServerLoop.acceptPolicy, ServerLoop.handleRequest, context, &options)
    }

    private func startThread() -> Bool {
        let retained = Unmanaged.passRetained(self)
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
            Unmanaged<ServerLoop>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }
        guard pthread_create(&thread, nil, body, retained.toOpaque()) == 0 else {
            retained.release()
            return false
        }
        return true
    }
}

extension ServerLoop {
    private func run() {
        guard let daemon else { return }
        var polled = [
            pollfd(fd: retort_mhd_epoll(daemon), events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeup.reader, events: Int16(POLLIN), revents: 0),
            pollfd(fd: alarm.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        nextChange = configuration.faults.nextChange(after: Interval(nanoseconds: -1)).map { started + $0 }
        while !isStopping.load(ordering: .acquiring) {
            let now = Instant.now
            if let change = nextChange, change <= now { applyOutages(at: now) }
            while let exchange = timers.popDue(now)?.payload { wake(exchange, at: now) }
            MHD_run(daemon)
            var pending: UInt64 = 0
            if MHD_get_timeout(daemon, &pending) == .YES, pending == 0 { continue }
            wait(&polled)
        }
        abortWaiting()
        MHD_stop_daemon(daemon)
    }

    /// Sleeps until a socket is ready, the owner sends a signal, or the next timer is due.
    private func wait(_ polled: inout [pollfd]) {
        alarm.set([timers.earliest, nextChange].compactMap(\.self).min())
        poll(&polled, nfds_t(polled.count), -1)
        if polled[2].revents != 0 { alarm.acknowledge() }
    }

    /// Starts or ends an outage. At its start every connection is closed, in whatever state.
    private func applyOutages(at now: Instant) {
        let elapsed = now - started
        nextChange = configuration.faults.nextChange(after: elapsed).map { started + $0 }
        isDown = configuration.faults.isDown(after: elapsed)
        guard isDown else { return }
        abortWaiting()
        for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    private func abortWaiting() {
        for exchange in timers.removeAll() {
            exchange.phase = .aborted
            MHD_resume_connection(exchange.connection)
        }
    }

    private func wake(_ exchange: Exchange, at now: Instant) {
        if hangs(exchange, at: now) {
            guard exchange.isAbandoned else {
                return timers.insert(exchange, at: now + Self.abandonedCheckInterval)
            }
            exchange.phase = .aborted
        }
        MHD_resume_connection(exchange.connection)
    }

    /// Whether the exchange never continues by itself.
    private func hangs(_ exchange: Exchange, at now: Instant) -> Bool {
        switch exchange.phase {
        case .waiting: exchange.reply.ending == .silence
        case .sending: exchange.isStalled
        case .receiving, .aborted: false
        }
    }

    /// Suspends an exchange until `due`, or until its client disconnects.
    func park(_ exchange: Exchange, until due: Instant?) {
        MHD_suspend_connection(exchange.connection)
        timers.insert(exchange, at: due ?? .now + Self.abandonedCheckInterval)
    }
}

extension ServerLoop {
    /// Decides on a request that has arrived completely.
    func begin(_ exchange: Exchange, at now: Instant) -> MHD_Result {
        if exchange.request.route.isCompletion {
            exchange.epoch = ledger.withLock { ledger in
                ledger.receive(at: now)
                return ledger.epoch
            }
        }
        exchange.reply =
            exchange.isTooLarge
            ? Reply(.tooLarge) : responder.reply(to: exchange.request, at: now, date: wallClockSeconds())
        exchange.due = now + exchange.reply.delay
        if exchange.reply.ending == .silence {
            exchange.phase = .waiting
            park(exchange, until: nil)
            return .YES
        }
        guard exchange.reply.delay > .zero else { return send(exchange) }
        exchange.phase = .waiting
        park(exchange, until: exchange.due)
        return .YES
    }

    func send(_ exchange: Exchange) -> MHD_Result {
        if exchange.epoch != nil {
            ledger.withLock { $0.give(status: exchange.reply.status, exchange.reply.receipt) }
        }
        return exchange.queueReply(pull: ServerLoop.pullBody, release: ServerLoop.releaseBody)
    }

    func end(_ exchange: Exchange, isComplete: Bool) {
        guard let epoch = exchange.epoch else { return }
        ledger.withLock { $0.end(isComplete ? exchange.reply.receipt : nil, epoch: epoch) }
    }

    func connectionOpened(_ socket: Int32) {
        sockets.insert(socket)
        ledger.withLock { $0.openConnection() }
    }

    func connectionClosed(_ socket: Int32) {
        sockets.remove(socket)
        ledger.withLock { $0.closeConnection() }
    }

    var needsAuthorization: Bool { configuration.apiKey != nil }
}
