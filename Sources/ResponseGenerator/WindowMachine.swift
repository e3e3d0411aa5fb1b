internal import Basics

/// The window's slots, the source's state and the ways a run ends. It counts; the items are held elsewhere.
struct WindowMachine: Sendable {
    enum Phase: Sendable, Hashable {
        case open
        /// Takes nothing new; requests in flight may finish until the deadline.
        case draining(deadline: Instant?)
        /// Requests in flight were cancelled.
        case cut
    }

    enum Source: Sendable, Hashable { case idle, pulling, exhausted }

    private(set) var phase = Phase.open
    private(set) var source = Source.idle
    /// Requests in flight.
    private(set) var inFlight = 0
    /// Results that no sink has taken yet; their slots are not released.
    private(set) var unsettled = 0
    /// The sink requested a pause.
    var isPressed = false
    /// The disk is full.
    var isOutOfSpace = false

    private let waitingMax: Int
    private var batchCount = 1

    /// - Parameter waitingMax: maximum items waiting for a retry; at this number no batch is requested from the source.
    init(waitingMax: Int) { self.waitingMax = waitingMax }

    func hasRoom(limit: Int) -> Bool {
        phase == .open && !isPressed && !isOutOfSpace && inFlight + unsettled < limit
    }

    /// Whether to ask the source: a batch is fetched while the previous one is being used up.
    func wantsItems(atHand: Int, waiting: Int) -> Bool {
        phase == .open && source == .idle && atHand < batchCount && waiting < waitingMax
    }

    func isFinished(atHand: Int, waiting: Int) -> Bool {
        guard inFlight == 0 else { return false }
        return phase == .open ? source == .exhausted && atHand == 0 && waiting == 0 && unsettled == 0 : true
    }

    mutating func dispatched() { inFlight += 1 }

    /// A result arrived that a sink must take.
    mutating func received() {
        inFlight -= 1
        unsettled += 1
    }

    /// A request returned without a result: its item waits or stays pending, its slot is released.
    mutating func released() { inFlight -= 1 }

    /// A shared request has ended: from now on its items count one by one.
    mutating func divided(into count: Int) { inFlight += count - 1 }

    /// Held results go to a sink now; their slots were released before.
    mutating func recorded(_ count: Int) { unsettled += count }

    /// A sink took results.
    mutating func settled(_ count: Int) {
        unsettled -= count
        assert(unsettled >= 0)
    }

    mutating func pulled() { source = .pulling }

    /// The source supplied a batch, or nil at its end.
    mutating func supplied(_ count: Int?) {
        source = count == nil ? .exhausted : .idle
        if let count, count > 0 { batchCount = count }
    }

    /// Stops taking work. A later call can only hurry: it never loosens an earlier one.
    mutating func drain(deadline: Instant?) {
        switch phase {
        case .open: phase = .draining(deadline: deadline)
        case .draining(let earlier):
            if let deadline { phase = .draining(deadline: min(deadline, earlier ?? deadline)) }
        case .cut: break
        }
    }

    mutating func cut() { phase = .cut }
}
