internal import Basics
internal import CCurl
internal import Glibc

/// Receives the events of a lane's handles, during or right after a libcurl call.
protocol LaneUser: AnyObject {
    /// A handle has ended, and must be removed from its lane. `context` is its `CURLOPT_PRIVATE`.
    func handleEnded(_ context: UnsafeMutableRawPointer, _ code: CURLcode)

    /// A socket will be opened, so a lookup has succeeded. libcurl must not be called now.
    func addressKnown()
}

/// One curl multi handle, driven by the loop's sockets and timers. Confined to the loop.
///
/// It should have few transfers, with a connection for each: that keeps libcurl's search for an idle connection short,
/// however many requests are in flight in total.
final class Lane: ReadinessHandler {
    let loop: EventLoop
    private let multi: UnsafeMutableRawPointer
    private unowned(unsafe) let user: any LaneUser
    /// The latest time at which libcurl must be called.
    private var deadline: Instant?
    private var timer: (id: EventLoop.TimerID, deadline: Instant)?
    private var isKickPlanned = false
    private var isClosed = false
    private var isSharing = true
    /// The sockets of connections. libcurl watches others too, such as one by which a name lookup signals its end.
    private var sockets: Set<Int32> = []
    /// A socket that libcurl releases without closing it.
    private var handedOver: Int32?

    /// `connectionsMax`: maximum open connections; 0: unlimited. Further handles wait for one.
    init(user: any LaneUser, loop: EventLoop, transfersMax: Int, connectionsMax: Int = 0) {
        guard let multi = curl_multi_init() else { fatalError("out of memory") }
        self.multi = multi
        self.loop = loop
        self.user = user
        _ = retort_multi_set_long(multi, CURLMOPT_MAXCONNECTS, transfersMax)
        _ = retort_multi_set_long(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, min(transfersMax, Lane.streamsMax))
        _ = retort_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connectionsMax)
        _ = retort_multi_set_callbacks(
            multi,
            { _, socket, interest, context, _ in
                Unmanaged<Lane>.fromOpaque(context!)._withUnsafeGuaranteedRef { $0.watch(socket, interest) }
                return 0
            },
            { _, milliseconds, context in
                Unmanaged<Lane>.fromOpaque(context!)._withUnsafeGuaranteedRef { $0.setTimer(milliseconds) }
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Streams of one connection: what an HTTP/2 server should allow (RFC 9113, 6.5.2).
    private static let streamsMax = 100

    /// Never puts two exchanges on one connection from now on, whatever a server says.
    func stopSharing() {
        guard isSharing else { return }
        isSharing = false
        let status = retort_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        precondition(status == CURLM_OK, "CURLMOPT_PIPELINING was refused with \(status.rawValue)")
    }

    /// Starts a prepared handle. libcurl processes it at the end of the turn.
    func add(_ easy: UnsafeMutableRawPointer) {
        let status = curl_multi_add_handle(multi, easy)
        precondition(status == CURLM_OK, "curl_multi_add_handle failed with \(status.rawValue)")
        planKick()
    }

    /// Stops a handle, and closes its connection if it was in the middle of an exchange.
    func remove(_ easy: UnsafeMutableRawPointer) {
        curl_multi_remove_handle(multi, easy)
    }

    /// Removes a handle that only opened a connection, and returns its socket, which the caller owns now.
    func takeSocket(_ easy: UnsafeMutableRawPointer) -> Int32? {
        var socket = CURL_SOCKET_BAD
        _ = retort_easy_get_socket(easy, &socket)
        if socket != CURL_SOCKET_BAD { handedOver = socket }
        curl_multi_remove_handle(multi, easy)
        defer { handedOver = nil }
        return handedOver
    }

    /// Frees everything. No handle may be left.
    func close() {
        isClosed = true
        // Not `loop.cancel`: when the loop has stopped, this runs elsewhere.
        if let timer { _ = loop.timers.remove(id: timer.id.number) }
        timer = nil
        curl_multi_cleanup(multi)
    }

    // MARK: From the loop

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        var mask: Int32 = 0
        if readiness.contains(.readable) { mask |= CURL_CSELECT_IN }
        if readiness.contains(.writable) { mask |= CURL_CSELECT_OUT }
        if !readiness.isDisjoint(with: .broken) { mask |= CURL_CSELECT_ERR }
        act(descriptor, mask)
    }

    private func act(_ descriptor: Int32, _ mask: Int32) {
        var running: Int32 = 0
        let status = curl_multi_socket_action(multi, descriptor, mask, &running)
        precondition(status == CURLM_OK, "curl_multi_socket_action failed with \(status.rawValue)")
        readMessages()
    }

    private func readMessages() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let result = retort_message_result(message)
            var context: UnsafeMutableRawPointer?
            _ = retort_easy_get_pointer(easy, CURLINFO_PRIVATE, &context)
            user.handleEnded(context!, result)
        }
    }

    private func planKick() {
        guard !isKickPlanned else { return }
        isKickPlanned = true
        loop.deferred.append { [self] in
            isKickPlanned = false
            guard !isClosed else { return }
            act(CURL_SOCKET_TIMEOUT, 0)
        }
    }

    /// The alarm may fire early: a deadline that moves away is not worth resetting it.
    private func alarmWentOff() {
        timer = nil
        guard let deadline else { return }
        if deadline <= loop.turnStart {
            self.deadline = nil
            act(CURL_SOCKET_TIMEOUT, 0)
        } else {
            arm(deadline)
        }
    }

    private func arm(_ deadline: Instant) {
        if let timer {
            guard deadline < timer.deadline else { return }
            loop.cancel(timer.id)
        }
        timer = (loop.schedule(at: deadline) { [unowned self] in alarmWentOff() }, deadline)
    }

    // MARK: From libcurl

    /// A connection outlives the handle that opened it, so the lane manages its socket.
    func installSocketCallbacks(on easy: UnsafeMutableRawPointer) {
        _ = retort_easy_set_sockets(
            easy,
            { context, _, address in
                guard let address else { return CURL_SOCKET_BAD }
                return Unmanaged<Lane>.fromOpaque(context!)._withUnsafeGuaranteedRef {
                    $0.open(address.pointee.family, address.pointee.socktype, address.pointee.`protocol`)
                }
            },
            { context, socket in
                Unmanaged<Lane>.fromOpaque(context!)._withUnsafeGuaranteedRef { $0.close(socket) }
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func watch(_ socket: Int32, _ interest: Int32) {
        switch interest {
        case CURL_POLL_IN: loop.poller.watch(socket, for: .readable, handler: self)
        case CURL_POLL_OUT: loop.poller.watch(socket, for: .writable, handler: self)
        case CURL_POLL_INOUT: loop.poller.watch(socket, for: [.readable, .writable], handler: self)
        // A connection will be used again soon; any other socket is closed silently, and its number reused.
        default: if sockets.contains(socket) { loop.poller.unwatch(socket) } else { loop.poller.forget(socket) }
        }
    }

    private func setTimer(_ milliseconds: Int) {
        guard milliseconds >= 0 else {
            deadline = nil
            return
        }
        if milliseconds == 0 {
            deadline = nil
            planKick()
        } else {
            let deadline = Instant.now + .milliseconds(Int64(milliseconds))
            self.deadline = deadline
            arm(deadline)
        }
    }

    private func open(_ family: Int32, _ type: Int32, _ protocolNumber: Int32) -> Int32 {
        user.addressKnown()
        let socket = Glibc.socket(family, type | Int32(SOCK_CLOEXEC.rawValue), protocolNumber)
        if socket >= 0 { sockets.insert(socket) }
        return socket
    }

    private func close(_ socket: Int32) -> Int32 {
        sockets.remove(socket)
        if socket == handedOver { return 0 }
        loop.poller.forget(socket)
        return Glibc.close(socket)
    }
}
