internal import Basics
internal import CCurl
internal import Glibc

/// One curl multi handle, driven by the loop's sockets and timers. Confined to the loop.
///
/// A lane has at most `laneTransfersMax` transfers and a connection for each, which keeps libcurl's search for an idle
/// connection short however many requests are in flight in all.
final class Lane: ReadinessHandler {
    let loop: EventLoop
    private let multi: UnsafeMutableRawPointer
    private unowned(unsafe) let owner: TransferPool
    /// When libcurl wants to be called, at the latest.
    private var deadline: Instant?
    private var timer: (id: EventLoop.TimerID, deadline: Instant)?
    private var isKickPlanned = false
    private var isClosed = false
    private(set) var transfers: [Transfer] = []

    init(owner: TransferPool, loop: EventLoop, transfersMax: Int) {
        guard let multi = curl_multi_init() else { fatalError("out of memory") }
        self.multi = multi
        self.loop = loop
        self.owner = owner
        _ = retort_multi_set_long(multi, CURLMOPT_MAXCONNECTS, transfersMax)
        _ = retort_multi_set_long(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, transfersMax)
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

    func makeTransfer(_ settings: CurlSettings) -> Transfer {
        let transfer = Transfer(lane: self, settings: settings)
        transfers.append(transfer)
        return transfer
    }

    /// Starts a prepared transfer. libcurl acts on it at the end of the turn.
    func add(_ transfer: Transfer) {
        let status = curl_multi_add_handle(multi, transfer.easy)
        precondition(status == CURLM_OK, "curl_multi_add_handle failed with \(status.rawValue)")
        planKick()
    }

    /// Stops a transfer, and closes its connection if it was in the middle of an exchange.
    func remove(_ transfer: Transfer) {
        curl_multi_remove_handle(multi, transfer.easy)
    }

    /// Frees everything. No transfer may be in flight.
    func close() {
        isClosed = true
        // Not `loop.cancel`: when the loop has stopped, this runs elsewhere.
        if let timer { _ = loop.timers.remove(id: timer.id.number) }
        timer = nil
        for transfer in transfers { transfer.close() }
        transfers.removeAll()
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
            let transfer = Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
            curl_multi_remove_handle(multi, easy)
            owner.finished(transfer, result)
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

    /// The alarm may go off early, because a deadline that moves away is not worth setting it anew.
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

    private func watch(_ socket: Int32, _ interest: Int32) {
        switch interest {
        case CURL_POLL_IN: loop.poller.watch(socket, for: .readable, handler: self)
        case CURL_POLL_OUT: loop.poller.watch(socket, for: .writable, handler: self)
        case CURL_POLL_INOUT: loop.poller.watch(socket, for: [.readable, .writable], handler: self)
        default: loop.poller.unwatch(socket)
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

    func open(_ family: Int32, _ type: Int32, _ protocolNumber: Int32) -> Int32 {
        owner.addressKnown()
        return socket(family, type | Int32(SOCK_CLOEXEC.rawValue), protocolNumber)
    }

    func close(_ socket: Int32) -> Int32 {
        loop.poller.forget(socket)
        return Glibc.close(socket)
    }
}
