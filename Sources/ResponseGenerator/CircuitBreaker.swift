internal import Basics

/// Detects an outage: the server is down, or answers every request with 429. While open, at most one probe is in flight
/// and no item uses up attempts.
///
/// It opens after `failuresMax` consecutive failures without another reply between them. Connection failures and 429s
/// count each; a 5xx or a timeout counts once per item, since an item that always makes the server fail is not an
/// outage. If a server that was down answers 429, it is up again, and the count of 429s begins.
struct CircuitBreaker: Sendable {
    enum Permission: Sendable, Hashable {
        case go
        /// Send, as the one probe.
        case probe
        /// Wait until then; nil: for the probe in flight.
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
    /// Maximum delay that a server may request for a probe.
    static let hintMax = Interval.seconds(120)

    private var state = State.closed
    private var plainFailures = 0
    private var failedItems: [UInt64] = []
    private var delay = probeDelay
    /// When it opened; nil while it is closed.
    private(set) var downSince: Instant?
    /// The kind of the last failure.
    private(set) var trouble = Trouble.connection
    /// Consecutive failed probes with a cause that waiting cannot change.
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

    /// A request failed as in an outage. `hint` is the delay that the server requested, `isHopeless` whether waiting
    /// cannot change the cause.
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

    /// Restarts the measurement of a current outage.
    mutating func restartOutage(at now: Instant) {
        if isOpen { downSince = now }
    }

    /// A probe returned without a result.
    mutating func probeCancelled(at now: Instant) {
        if isOpen { state = .open(probeAt: now) }
    }

    /// A reply shows that the server is alive.
    mutating func replied() {
        guard isOpen || plainFailures > 0 || !failedItems.isEmpty else { return }
        self = CircuitBreaker()
    }
}
