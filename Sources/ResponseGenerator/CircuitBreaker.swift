internal import Basics

/// Notices that the server serves nobody, because it is down or because it refuses every request for its rate: then
/// nothing is sent but one probe at a time, and no item's attempts are used up.
///
/// It opens after `failuresMax` failures in a row with no other reply between them. Below HTTP, and of refusals, every
/// one counts; a 5xx or a timeout counts once per item, for an item that always makes the server fail is not an outage.
/// A server that was down and now asks for a slower pace is up again: the count of refusals begins.
struct CircuitBreaker: Sendable {
    enum Permission: Sendable, Hashable {
        case go
        /// Go, as the one probe.
        case probe
        /// Wait until then; nil: for the probe that is under way.
        case wait(Instant?)
    }

    enum Trouble: Sendable { case connection, server, refusal }

    private enum State: Sendable {
        case closed
        case open(probeAt: Instant)
        case probing
    }

    static let failuresMax = 10
    static let probeDelay = Interval.seconds(1)
    static let probeDelayMax = Interval.seconds(5)
    /// Longest wish of a server that delays a probe.
    static let hintMax = Interval.seconds(120)

    private var state = State.closed
    private var plainFailures = 0
    private var failedItems: [UInt64] = []
    private var delay = probeDelay
    /// When it opened, while it is open.
    private(set) var downSince: Instant?
    /// What the last failure was.
    private(set) var trouble = Trouble.connection
    /// Failed probes in a row whose cause waiting cannot change.
    private(set) var hopelessProbes = 0

    var isOpen: Bool { downSince != nil }

    func permission(at now: Instant) -> Permission {
        switch state {
        case .closed: .go
        case .open(let probeAt): probeAt <= now ? .probe : .wait(probeAt)
        case .probing: .wait(nil)
        }
    }

    mutating func probeDispatched() { state = .probing }

    /// A request failed as it would in an outage. `hint` is the server's wish for the next try, `isHopeless` says that
    /// waiting cannot change the cause.
    mutating func failed(
        _ trouble: Trouble, item: UInt64, wasProbe: Bool, hint: Interval? = nil, isHopeless: Bool = false,
        at now: Instant
    ) {
        if isOpen, wasProbe, trouble == .refusal, self.trouble != .refusal { self = CircuitBreaker() }
        if isOpen, !wasProbe { return }
        self.trouble = trouble
        if isOpen {
            hopelessProbes = isHopeless ? hopelessProbes + 1 : 0
            delay = min(delay * 2, Self.probeDelayMax)
            open(hint, at: now)
            return
        }
        switch trouble {
        case .connection, .refusal: plainFailures += 1
        case .server:
            if failedItems.count < Self.failuresMax, !failedItems.contains(item) { failedItems.append(item) }
        }
        guard plainFailures + failedItems.count >= Self.failuresMax else { return }
        downSince = now
        delay = Self.probeDelay
        open(hint, at: now)
    }

    private mutating func open(_ hint: Interval?, at now: Instant) {
        state = .open(probeAt: now + max(delay, min(hint ?? .zero, Self.hintMax)))
    }

    /// Counts the length of an outage, if there is one, from now.
    mutating func restartOutage(at now: Instant) {
        if isOpen { downSince = now }
    }

    /// A probe came back without having told anything.
    mutating func probeCancelled(at now: Instant) {
        if isOpen { state = .open(probeAt: now) }
    }

    /// The server replied in a way that shows it is alive.
    mutating func replied() {
        guard isOpen || plainFailures > 0 || !failedItems.isEmpty else { return }
        self = CircuitBreaker()
    }
}
