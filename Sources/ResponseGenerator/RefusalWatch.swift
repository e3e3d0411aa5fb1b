internal import Basics
internal import ModelAPI

/// Distinguishes a request refused for its content from a run in which every request is refused: for its key, model,
/// address, an option, or an account without credit.
///
/// As long as no request has succeeded, refused items are held and not recorded. A success shows that others can
/// succeed too: the held items are then recorded as failed. Without one, the run stops and held items stay pending.
struct RefusalWatch: Sendable {
    /// The decision about a refused item.
    enum Fate: Sendable, Hashable {
        /// It has failed.
        case settle
        /// It is held.
        case hold
        /// It is retried, as if the exchange had broken off.
        case retry
        /// It stays pending, and the run stops at once.
        case stop
    }

    /// Number of items that must be refused for key, model or address before the run stops, since a single item may be
    /// at fault.
    static let confirmations = 3
    /// Refusals without any success per permitted equal refusal: bounds the held items, and the requests spent on
    /// refusals with differing texts or of kinds that prompts can cause.
    static let unequalPerEqual = 4
    /// Maximum kinds of refusal counted at a time.
    static let kindsMax = 64
    /// Held items whose whole body is kept, and the bytes kept of the others'.
    static let wholeBodiesMax = 64
    static let bodyBytesMax = 1024

    private struct Kind: Sendable {
        var suspect: Refusal.Suspect
        var status: Int
        var text: UInt64
        var count: Int
    }

    private struct Held: Sendable {
        var settlement: Settlement
        /// Whether it stays pending if the input ends without a success.
        var isDoubted: Bool
    }

    /// Number of consecutive equal refusals without a success that ends a run; 0: they never do.
    private let equalMax: Int
    /// Whether earlier runs got answers.
    private let hasWorkedBefore: Bool
    /// Whether a request of this run has succeeded.
    private(set) var hasWorked = false

    private var kinds: [Kind] = []
    private var confirmed = 0
    /// The first refusal that needs confirmation.
    private var doubt: RetortError?
    private var refused = 0
    private var held: [Held] = []
    /// The error with which the run stops if no request in flight succeeds.
    private(set) var error: RetortError?

    init(equalMax: Int, hasWorkedBefore: Bool) {
        self.equalMax = equalMax
        self.hasWorkedBefore = hasWorkedBefore
    }

    var heldCount: Int { held.count }

    // MARK: What happened

    /// A request was refused. `namesModel`: its row has a model of its own.
    mutating func refused(_ refusal: Refusal, status: Int, namesModel: Bool) -> Fate {
        if refusal.suspect == .certificate, hasWorked { return .retry }
        if isProof(refusal, namesModel) { return .stop }
        if needsConfirmation(refusal.suspect, namesModel) {
            confirmed += 1
            if doubt == nil { doubt = refusal.error }
            if confirmed >= Self.confirmations { suspect(refusal.error) }
            return .hold
        }
        guard equalMax > 0 else { return .settle }
        count(refusal, status)
        return hasWorked || refusal.suspect == .shape || refusal.suspect == .length ? .settle : .hold
    }

    /// A request succeeded. The held items have failed on their own account; the caller records them.
    mutating func worked() -> [Settlement] {
        hasWorked = true
        guard refused > 0 || confirmed > 0 else { return [] }
        kinds.removeAll()
        (confirmed, refused, doubt, error) = (0, 0, nil, nil)
        return takeHeld { _ in true }
    }

    /// Holds a refused item until more is known.
    mutating func hold(_ settlement: Settlement, _ suspect: Refusal.Suspect, namesModel: Bool) {
        var settlement = settlement
        if held.count >= Self.wholeBodiesMax, case .failure(var failure) = settlement.result,
            failure.body.count > Self.bodyBytesMax
        {
            failure.body = Array(failure.body.prefix(Self.bodyBytesMax))
            settlement.result = .failure(failure)
        }
        held.append(Held(settlement: settlement, isDoubted: needsConfirmation(suspect, namesModel)))
    }

    /// Nothing is left to send. Returns what is recorded as failed; the rest stays pending, with the error that says
    /// why.
    mutating func ended() -> (failed: [Settlement], error: RetortError?) {
        let hasWorked = hasWorked
        let failed = takeHeld { !$0.isDoubted || hasWorked }
        let error = held.isEmpty ? nil : doubt
        held = []
        return (failed, error)
    }

    // MARK: Rules

    /// Whether this refusal alone is enough to stop the run.
    private func isProof(_ refusal: Refusal, _ namesModel: Bool) -> Bool {
        switch refusal.suspect {
        case .key: !hasWorked && !namesModel
        case .certificate: !hasWorked
        default: false
        }
    }

    /// Whether a few items are enough to stop the run.
    private func needsConfirmation(_ suspect: Refusal.Suspect, _ namesModel: Bool) -> Bool {
        switch suspect {
        // Gateways may refuse a key for one model only; a key that worked may have run out.
        case .key: true
        case .permission, .model: !hasWorked && !hasWorkedBefore && !namesModel
        case .address: !hasWorked && !hasWorkedBefore
        case .certificate, .request, .length, .shape: false
        }
    }

    private mutating func count(_ refusal: Refusal, _ status: Int) {
        if hasWorked, refusal.suspect == .length { return }
        refused += 1
        let text = ErrorText.kind(of: refusal.message)
        let limit = hasWorked || refusal.suspect == .length ? unequalMax : equalMax
        if let place = kinds.firstIndex(where: {
            $0.suspect == refusal.suspect && $0.status == status && $0.text == text
        }) {
            kinds[place].count += 1
            if kinds[place].count >= limit { suspect(refusal.error) }
        } else if kinds.count < Self.kindsMax {
            kinds.append(Kind(suspect: refusal.suspect, status: status, text: text, count: 1))
            if limit == 1 { suspect(refusal.error) }
        }
        if refused >= unequalMax, !hasWorked { suspect(refusal.error) }
    }

    private var unequalMax: Int { equalMax.multipliedReportingOverflow(by: Self.unequalPerEqual).partialValue }

    private mutating func suspect(_ error: RetortError) {
        if self.error == nil { self.error = error }
    }

    private mutating func takeHeld(_ isWanted: (Held) -> Bool) -> [Settlement] {
        let taken = held.filter(isWanted)
        held.removeAll(where: isWanted)
        return taken.map(\.settlement)
    }
}
