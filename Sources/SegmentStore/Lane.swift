/// The sequences of records in a store. Each has segments, journals and an index of its own.
public enum Lane: UInt8, Sendable, CaseIterable, Hashable {
    /// Successes only, one line per key.
    case responses = 0
    /// Failures, with what is needed to understand and retry them.
    case failures = 1
    /// Every paid answer that is not an outcome. Nothing in it is superseded or dropped.
    case rounds = 2
    /// Verifiers' verdicts on answers. Of several records with one key the latest counts.
    case verdicts = 3

    /// What a lane's records mean for an item.
    public enum Role: String, Sendable, Hashable, Codable {
        /// How it ended: with a success, or with a failure.
        case success, failure
        /// What was paid for before the outcome.
        case history
        /// A verdict on it.
        case opinion
    }

    /// The lanes of outcomes. Only these decide whether an item is done, failed or pending.
    public static let outcomes: [Lane] = [.responses, .failures]

    public var directoryName: String {
        switch self {
        case .responses: "responses"
        case .failures: "failures"
        case .rounds: "rounds"
        case .verdicts: "verdicts"
        }
    }

    public var role: Role {
        switch self {
        case .responses: .success
        case .failures: .failure
        case .rounds: .history
        case .verdicts: .opinion
        }
    }

    /// Whether its records are outcomes.
    public var isOutcome: Bool { rawValue <= Lane.failures.rawValue }

    /// Its index in lists of all lanes.
    @inline(__always)
    var place: Int { Int(rawValue) }

    /// Whether a record with this status byte can be in the lane.
    func holds(status: UInt8) -> Bool {
        switch self {
        case .responses: status == 0
        case .failures: (1...UInt8(StoreLimits.failureClassesMax + 1)).contains(status)
        case .rounds: status == RecordStatus.roundCode
        case .verdicts: status == RecordStatus.verdictCode
        }
    }
}
