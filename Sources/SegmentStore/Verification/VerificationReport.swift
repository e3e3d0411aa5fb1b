/// The result of a verification: the counts and all problems.
public struct VerificationReport: Sendable, Hashable {
    /// One problem.
    public struct Problem: Sendable, Hashable {
        public enum Kind: String, Sendable, CaseIterable {
            /// `retort.json` is damaged or was edited.
            case manifest
            /// A segment that must exist is missing, or has the wrong size.
            case segment
            /// A block's header, checksum or compressed content is invalid.
            case block
            /// A line of an intact block is not a record.
            case line
            /// A key has a second success.
            case duplicate
            /// A line of a journal is damaged.
            case journal
            /// A hint log is damaged.
            case hints
            /// A file of the index is damaged.
            case index
            /// A record is not where the index says, or the index does not know it, or has no record for an entry.
            case entry
            /// Counters or tallies differ from what was counted.
            case counters
            /// The file of the mark is damaged.
            case mark
            /// The ledger of input rows lists more items than have an outcome.
            case ledger
        }

        public var kind: Kind
        public var lane: Lane?
        public var segment: UInt32?
        /// Bytes of the file.
        public var range: Range<Int>?
        /// Keys affected, as far as known.
        public var keys: Int?
        /// The file.
        public var place: String
        public var message: String
        /// What to do, as a full sentence.
        public var remedy: String
        /// Whether `retort repair` fixes it.
        public var isRepairable = true
    }

    public var root: String
    /// Whether every record was read.
    public var isDeep: Bool
    /// The writer at the time, as it describes itself.
    public var writer: String?
    public var counters = StoreCounters()
    /// Rows of the input times samples; nil if the input has not been read to its end.
    public var inputs: UInt64?
    public var segments = 0
    public var blocks = 0
    public var records = 0
    /// Compressed bytes of blocks that were checked.
    public var bytes = 0
    /// Bytes and journal lines of interrupted writes: the next opening repairs them, nothing is lost.
    public var unfinishedBytes = 0
    public var unfinishedJournalLines = 0
    /// Records were being taken out when the process or the power died: the next opening completes it.
    public var isBeingRevised = false
    /// The part of the input that the store is for; nil: all of it.
    public internal(set) var part: StoreManifest.Part?
    /// Rows of the input, for a shard its own; nil if they have not been counted.
    public internal(set) var rows: UInt64?
    /// Records in `superseded/`.
    public var supersededRecords = 0
    /// At most `StoreLimits.problemsKeptMax`, in the order in which they were found.
    public private(set) var problems: [Problem] = []
    /// All problems by kind, including those that are not in `problems`.
    public private(set) var problemCounts: [Problem.Kind: Int] = [:]

    init(root: String, isDeep: Bool) {
        self.root = root
        self.isDeep = isDeep
    }

    public var done: UInt64 { counters.done }
    public var failed: UInt64 { counters.failed }

    /// Items without an outcome; nil if the number of inputs is unknown, or if there are more outcomes than inputs:
    /// some then belong to rows that are no longer in the input, and only reading it would tell.
    public var pending: UInt64? {
        guard let inputs, strangers == 0 else { return nil }
        return inputs - done - failed
    }

    /// Outcomes beyond the number of inputs: at least this many belong to rows outside the input.
    var strangers: UInt64 {
        guard let inputs, done + failed > inputs else { return 0 }
        return done + failed - inputs
    }

    public var isClean: Bool { problemCounts.isEmpty }

    /// `inputs = done + failed + pending`, with its numbers.
    public var equation: String {
        guard let inputs else { return "inputs not yet counted: \(done) done + \(failed) failed" }
        guard let pending else {
            let outcomes = "\(done) done + \(failed) failed for \(inputs) inputs"
            return "\(outcomes): \(strangers) or more are of rows that are not in the input"
        }
        return "\(inputs) inputs = \(done) done + \(failed) failed + \(pending) pending"
    }

    mutating func note(_ problem: Problem) {
        problemCounts[problem.kind, default: 0] += 1
        if problems.count < StoreLimits.problemsKeptMax { problems.append(problem) }
    }

    mutating func setKeys(_ keys: Int, ofProblem index: Int) { problems[index].keys = keys }
}

extension VerificationReport.Problem: CustomStringConvertible {
    public var description: String {
        var text = place
        if let range, !range.isEmpty { text += ", bytes \(range.lowerBound)-\(range.upperBound - 1)" }
        text += ": \(message)"
        if let keys { text += keys == 1 ? " (1 record)" : " (\(keys) records)" }
        return "\(text). \(remedy)"
    }
}

/// Progress of a verification, a repair or a merge, in bytes of segments.
public struct StoreProgress: Sendable, Hashable {
    public var bytes: Int
    public var totalBytes: Int
}
