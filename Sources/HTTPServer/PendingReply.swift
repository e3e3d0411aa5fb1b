import Basics
import CMicroHTTPD

/// The pending response to a request. If it is released unsent, the client gets status 500. Usable from any thread.
public final class PendingReply: Sendable {
    let slot: ReplySlot

    init(_ slot: ReplySlot) { self.slot = slot }

    deinit { slot.fill(.text(500, "the request was given up")) }

    /// Whether a response was sent.
    public var isSent: Bool { slot.isFilled }

    /// Sends the response. Only the first call counts.
    public func send(_ response: HTTPResponse) { slot.fill(response) }
}

/// A slot that any thread fills with a response and the server's thread empties.
final class ReplySlot: Sendable {
    enum Taken {
        case response(HTTPResponse)
        /// The connection is suspended until the response comes.
        case suspended
        /// The server is stopping.
        case aborted
    }

    private struct State {
        var response: HTTPResponse?
        var isAborted = false
        var suspended: OpaquePointer?
    }

    private let state = Locked(State())

    var isFilled: Bool { state.withLock { $0.response != nil } }

    func fill(_ response: HTTPResponse) {
        state.withLock { state in
            guard state.response == nil, !state.isAborted else { return }
            state.response = response
            Self.resume(&state)
        }
    }

    func abort() {
        state.withLock { state in
            state.isAborted = true
            Self.resume(&state)
        }
    }

    /// The response, if there is one; otherwise suspends the connection until it arrives.
    func take(for connection: OpaquePointer) -> Taken {
        state.withLock { state in
            if state.isAborted { return .aborted }
            if let response = state.response { return .response(response) }
            state.suspended = connection
            MHD_suspend_connection(connection)
            return .suspended
        }
    }

    private static func resume(_ state: inout State) {
        guard let connection = state.suspended else { return }
        state.suspended = nil
        MHD_resume_connection(connection)
    }
}
