import Basics
import PromptSource
import SegmentStore

/// How an input stands to what a store holds.
enum InputStanding: Sendable {
    /// Every record is of this very input: outcomes are known by the numbers of the rows, which are not even parsed.
    case sole(RowLedger)
    /// The store holds records of other inputs, or of this one before it was changed: every row is read, named and
    /// looked up. A new one has not been compared with what the store holds.
    case mixed(isNew: Bool)

    init(identity: Hash128, counters: StoreCounters, progress: InputProgress) {
        if progress.identity == identity {
            self = .sole(progress.ledger)
        } else if counters.done + counters.failed == 0 {
            self = .sole(RowLedger())
        } else {
            self = .mixed(isNew: progress.identity != Self.mixedIdentity(identity))
        }
    }

    var isMixed: Bool { if case .mixed = self { true } else { false } }

    func hasOutcome(_ row: Row, sample: UInt32, of samples: Int) -> Bool {
        if case .sole(let ledger) = self {
            ledger.contains(row.number * UInt64(samples) + UInt64(sample))
        } else {
            false
        }
    }

    /// Finds out, lets a new input be compared, and tells the store which input the rows of coming records belong to.
    static func begin(
        _ input: InputSet, _ store: RecordStore, compare: () throws(RetortError) -> Void = {}
    ) throws(RetortError) -> InputStanding {
        let identity = input.identityHash
        let standing = InputStanding(
            identity: identity, counters: store.counters, progress: store.inputProgress)
        if case .mixed(isNew: true) = standing { try compare() }
        try store.beginInput(
            identity: standing.isMixed ? mixedIdentity(identity) : identity, files: input.files.map(\.displayName))
        return standing
    }

    /// Says: this input, in a store that had records of others. It never counts as sole.
    private static func mixedIdentity(_ identity: Hash128) -> Hash128 {
        Hash128(high: ~identity.high, low: ~identity.low)
    }
}

extension InputSet {
    /// Whether it can be read again.
    var isRepeatable: Bool { files.allSatisfy { $0.kind == .regular } }

    /// The identity in the form the store keeps; a new one each time for inputs that cannot be read again.
    var identityHash: Hash128 {
        guard isRepeatable else {
            return Hash128(high: .random(in: 1...UInt64.max), low: .random(in: 0...UInt64.max))
        }
        var bytes: [UInt8] = []
        for file in identity.files {
            bytes += "\(file.path)\n\(file.format)\n\(file.size)\n\(file.modified)\n".utf8
            bytes += (Hexadecimal.string(file.edges.high) + Hexadecimal.string(file.edges.low)).utf8
        }
        return bytes.withUnsafeBytes { ContentHash.hash128($0) }
    }
}
