/// Lets one exchange go ahead while the server's address is not known, and holds the others back: libcurl starts a
/// thread for every name lookup, and uses the result of an earlier lookup only once that has ended. A value: its owner
/// carries out what it returns.
struct LookupGate<Request: Equatable> {
    private enum State {
        case closed
        case probing(Request, waiting: [Request])
        case open
    }

    /// How an exchange ended, as far as it matters here.
    enum Ending {
        case cancelled
        case failed
        case other
    }

    /// What to do with the exchanges held back.
    enum Action: Equatable {
        case nothing
        case start([Request])
        /// They fail with the same failure.
        case fail([Request])
    }

    private var state = State.closed

    /// Whether the exchange may start now; if not, a later action names it.
    mutating func admit(_ exchange: Request) -> Bool {
        switch state {
        case .open: return true
        case .closed:
            state = .probing(exchange, waiting: [])
            return true
        case .probing(let probe, var waiting):
            waiting.append(exchange)
            state = .probing(probe, waiting: waiting)
            return false
        }
    }

    /// A socket is being opened: the address is known.
    mutating func socketOpened() -> Action {
        guard case .probing(_, let waiting) = state else { return .nothing }
        state = .open
        return waiting.isEmpty ? .nothing : .start(waiting)
    }

    /// Must be called for every exchange that ends while the gate is not open.
    mutating func ended(_ exchange: Request, _ ending: Ending) -> Action {
        guard case .probing(let probe, var waiting) = state else { return .nothing }
        guard exchange == probe else {
            waiting.removeAll { $0 == exchange }
            state = .probing(probe, waiting: waiting)
            return .nothing
        }
        state = .closed
        guard !waiting.isEmpty else { return .nothing }
        switch ending {
        case .failed: return .fail(waiting)
        case .cancelled:
            let next = waiting.removeFirst()
            state = .probing(next, waiting: waiting)
            return .start([next])
        case .other:
            state = .open
            return .start(waiting)
        }
    }

    var isOpen: Bool { if case .open = state { true } else { false } }

    /// A lookup failed although an earlier one had succeeded: the next one goes ahead alone again.
    mutating func forget() {
        if isOpen { state = .closed }
    }
}
