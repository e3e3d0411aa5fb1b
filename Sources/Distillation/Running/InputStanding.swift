package import Basics
import Dataset
package import PromptSource
package import SegmentStore

/// The relation of an input to a store's records.
package enum InputStanding: Sendable {
    /// Every record belongs to this input: outcomes are known by row number, and finished rows are not even parsed.
    case sole(RowLedger)
    /// The store has records of other inputs, or of this one before it was changed: every row is read, named and looked
    /// up. A new input has not been compared with the store yet.
    case mixed(isNew: Bool)
    /// As `mixed`, but when the last run over it ended, all of its `rows` rows had outcomes: it is not even read.
    case settled(rows: UInt64)

    package init(identity: Hash128, counters: StoreCounters, progress: InputProgress, rows: UInt64?) {
        let outcomes = counters.done + counters.failed
        if progress.identity == InputMark.sole.mark(identity) {
            self = .sole(progress.ledger)
        } else if outcomes == 0 {
            self = .sole(RowLedger())
        } else if progress.identity == InputMark.settled(outcomes: outcomes).mark(identity), let rows {
            self = .settled(rows: rows)
        } else {
            self = .mixed(isNew: progress.identity != InputMark.mixed.mark(identity))
        }
    }

    /// The relation of an input with `samples` samples per row to a store. If the store is for another number, rows are
    /// looked up, since it numbers its items differently.
    package init(
        identity: Hash128, manifest: StoreManifest, counters: StoreCounters, progress: InputProgress, samples: Int
    ) {
        self.init(identity: identity, counters: counters, progress: progress, rows: manifest.input?.rows)
        guard samples != manifest.samples, counters.done + counters.failed > 0 else { return }
        switch self {
        case .mixed: break
        case .sole, .settled: self = .mixed(isNew: false)
        }
    }

    /// Records of a source store are looked up by key: two inputs of the source may have given one number to two rows.
    package func of(_ input: InputSet) -> InputStanding {
        if input.isStore, case .sole = self { return .sole(RowLedger()) }
        return self
    }

    package var isMixed: Bool { if case .mixed = self { true } else { false } }

    package func hasOutcome(_ row: Row, sample: UInt32, of samples: Int) -> Bool {
        switch self {
        case .sole(let ledger): ledger.contains(row.number * UInt64(samples) + UInt64(sample))
        case .mixed: false
        case .settled: true
        }
    }

    /// Where reading begins. The rows of a part are counted from the part's start.
    package func start(of input: InputSet, _ store: RecordStore, _ range: RowRange = RowRange()) -> Landmark {
        // For a source store the position is in a note.
        if !range.isWhole || input.isStore { return .start }
        return switch self {
        case .sole: Landmark(store.inputProgress.landmark)
        case .mixed: .start
        case .settled(let rows): Landmark(file: input.files.count, byteOffset: 0, line: 1, row: rows)
        }
    }

    /// Determines the relation, has a new input compared, and tells the store which input the rows of future records
    /// belong to.
    ///
    /// - Parameter looksElsewhere: other stores are searched too. Their records may be gone next time, so no row is
    ///   skipped unread.
    package static func begin(
        _ input: InputSet, _ store: RecordStore, samples: Int? = nil, shard: Shard? = nil, looksElsewhere: Bool = false,
        compare: () throws(RetortError) -> Void = {}
    ) throws(RetortError) -> InputStanding {
        let identity = input.identityHash(of: shard)
        let manifest = store.manifest
        let samples = samples ?? manifest.samples
        var standing = InputStanding(
            identity: identity, manifest: manifest, counters: store.counters, progress: store.inputProgress,
            samples: samples
        ).of(input)
        if looksElsewhere, !standing.isMixed { standing = .mixed(isNew: false) }
        let part = shard.map { StoreManifest.Part(shard: $0, content: input.contentText) }
        let files = input.files.map(\.displayName)
        switch standing {
        case .sole: try store.beginInput(identity: InputMark.sole.mark(identity), files: files, part: part)
        case .mixed(let isNew):
            if isNew { try compare() }
            // The same input with fewer samples: what is known of its rows stays valid.
            if !isNew, samples < manifest.samples { break }
            try store.beginInput(identity: InputMark.mixed.mark(identity), files: files, part: part)
        case .settled: break
        }
        return standing
    }

    /// Notes that each row of the input has its outcome, after a run that has verified it.
    package func settle(_ input: InputSet, rows: UInt64, _ store: RecordStore) throws(RetortError) {
        guard isMixed, !input.isStore else { return }
        // The note must not vouch for anything that is not durable yet.
        try store.sync()
        let counters = store.counters
        let mark = InputMark.settled(outcomes: counters.done + counters.failed).mark(input.identityHash)
        try store.beginInput(identity: mark, files: input.files.map(\.displayName))
        try store.endInput(rows: rows)
    }
}

extension InputSet {
    /// Whether it can be read again.
    package var isRepeatable: Bool { files.allSatisfy(\.isRepeatable) }

    /// The identity of a shard's part. Shards differ in the low half; by the high half stores distinguish rows of
    /// different inputs.
    package func identityHash(of shard: Shard?) -> Hash128 {
        var identity = identityHash
        if let shard {
            let text = Array("shard \(shard)".utf8)
            identity.low ^= text.withUnsafeBytes { ContentHash.hash64($0) }
        }
        return identity
    }

    /// A digest of the files' contents as far as sizes, first and last bytes tell: equal for copies on other machines.
    /// 32 hexadecimal digits.
    package var contentText: String {
        var bytes: [UInt8] = []
        for file in identity.files {
            bytes += "\(file.format)\n\(file.size)\n".utf8
            bytes += (Hexadecimal.string(file.edges.high) + Hexadecimal.string(file.edges.low)).utf8
        }
        let hash = bytes.withUnsafeBytes { ContentHash.hash128($0) }
        return Hexadecimal.string(hash.high) + Hexadecimal.string(hash.low)
    }

    /// The identity in the store's form; a new one each time for inputs that cannot be read again.
    package var identityHash: Hash128 {
        guard isRepeatable else {
            return Hash128(high: .random(in: 1...UInt64.max), low: .random(in: 0...UInt64.max))
        }
        var bytes: [UInt8] = []
        for file in identity.files {
            // A store has its own identity, wherever it is.
            if !isStore { bytes += "\(file.path)\n\(file.format)\n\(file.size)\n\(file.modified)\n".utf8 }
            bytes += (Hexadecimal.string(file.edges.high) + Hexadecimal.string(file.edges.low)).utf8
        }
        return bytes.withUnsafeBytes { ContentHash.hash128($0) }
    }
}
