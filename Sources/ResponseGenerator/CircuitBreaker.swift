internal import Basics

/// Notices that the server is down: then nothing is sent but one probe at a time, and no item's attempts are used up.
///
/// It opens after `failuresMax` failures in a row with no other reply between them. Below HTTP every failure counts; a
/// 5xx or a timeout counts once per item, for an item that always makes the server fail is not an outage.
struct CircuitBreaker: Sendable {
    enum Permission: Sendable, Hashable {
        case go
        /// Go, as the one probe.
        case probe
        /// Wait until then; nil: for the probe that is under way.
        case wait(Instant?)
    }

    enum Trouble: Sendable { case connection, server }

    private enum State: Sendable {
        case closed
        case open(probeAt: Instant)
        case probing
    }

    static let failuresMax = 10
    static let probeDelay = Interval.seconds(1)
    static let probeDelayMax = Interval.seconds(5)

    private var state = State.closed
    private var connectionFailures = 0
    private var failedItems: [UInt64] = []
    private var delay = probeDelay
    /// When it opened, while it is open.
    private(set) var downSince: Instant?

    var isOpen: Bool { downSince != nil }

    func permission(at now: Instant) -> Permission {
        switch state {
        case .closed: .go
        case .open(let probeAt): probeAt <= now ? .probe : .wait(probeAt)
        case .probing: .wait(nil)
        }
    }

    mutating func probeDispatched() { state = .probing }

    /// A request failed as it would if the server were down.
    mutating func failed(_ trouble: Trouble, item: UInt64, wasProbe: Bool, at now: Instant) {
        if isOpen {
            guard wasProbe else { return }
            delay = min(delay * 2, Self.probeDelayMax)
            state = .open(probeAt: now + delay)
            return
        }
        switch trouble {
        case .connection: connectionFailures += 1
        case .server:
            if failedItems.count < Self.failuresMax, !failedItems.contains(item) { failedItems.append(item) }
        }
        guard connectionFailures + failedItems.count >= Self.failuresMax else { return }
        downSince = now
        delay = Self.probeDelay
        state = .open(probeAt: now + delay)
    }

    /// A probe came back without having told anything.
    mutating func probeCancelled(at now: Instant) {
        if isOpen { state = .open(probeAt: now) }
    }

    /// The server replied in a way that shows it is alive.
    mutating func replied() {
        guard isOpen || connectionFailures > 0 || !failedItems.isEmpty else { return }
        self = CircuitBreaker()
    }
}
