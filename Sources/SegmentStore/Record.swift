import Basics

/// How an item ended, or that the record is not an outcome.
public enum RecordStatus: Sendable, Hashable {
    case ok
    /// Failed, with the index of its class in the manifest's list of failure classes.
    case failed(classIndex: UInt8)
    /// A paid answer that is not an outcome.
    case round
    /// A verifier's verdict on an answer.
    case verdict

    static let roundCode: UInt8 = 128
    static let verdictCode: UInt8 = 129

    public var lane: Lane {
        switch self {
        case .ok: .responses
        case .failed: .failures
        case .round: .rounds
        case .verdict: .verdicts
        }
    }

    /// One byte for the index: 0 for success, 1 and up for the failure classes, 128 for a round, 129 for a verdict.
    var code: UInt8 {
        switch self {
        case .ok: 0
        case .failed(let classIndex): min(classIndex, UInt8(StoreLimits.failureClassesMax)) + 1
        case .round: Self.roundCode
        case .verdict: Self.verdictCode
        }
    }

    init(code: UInt8) {
        switch code {
        case 0: self = .ok
        case Self.roundCode: self = .round
        case Self.verdictCode: self = .verdict
        default: self = .failed(classIndex: code - 1)
        }
    }
}

/// One record to append.
public struct NewRecord: Sendable {
    public var key: RecordKey
    public var status: RecordStatus
    /// The total number of attempts for the item.
    public var attempts: UInt32
    /// The number of its input row, from 0.
    public var row: UInt64
    /// A hash of the request, to detect a changed request under the same key.
    public var fingerprint: UInt64
    /// The rest of the record: the text between a JSON object's braces, without line feeds, not empty.
    public var members: [UInt8]
    /// Numbers that the store sums over all records, in the order of the manifest's names.
    public var tallies: Tallies

    public init(
        key: RecordKey, status: RecordStatus, attempts: UInt32, row: UInt64, fingerprint: UInt64, members: [UInt8],
        tallies: Tallies = Tallies()
    ) {
        self.key = key
        self.status = status
        self.attempts = attempts
        self.row = row
        self.fingerprint = fingerprint
        self.members = members
        self.tallies = tallies
    }
}

extension NewRecord {
    /// A hash of the key and the record's content.
    var identity: Hash128 {
        let key = key.hash
        return members.withUnsafeBytes { ContentHash.hash128($0, seed: key.high ^ key.low) }
    }

    /// Whether the record is one line of JSON from which its head can be read back.
    var isWellFormed: Bool {
        !members.isEmpty && members.withUnsafeBytes { $0.firstLineFeed(from: 0) } == nil && key.part.fits(status)
    }
}

/// A record as read: its head, and the whole line without its line feed.
public struct StoredRecord: Sendable {
    public var head: RecordHead
    /// The JSON object as stored.
    public var line: [UInt8]
}

/// Up to `StoreLimits.talliesMax` sums; their meaning is up to the caller.
public struct Tallies: Sendable, Hashable {
    private var values = InlineValues()

    public init() {}

    public init(_ values: [UInt64]) {
        precondition(values.count <= StoreLimits.talliesMax, "too many tallies")
        for (index, value) in values.enumerated() { self[index] = value }
    }

    public subscript(index: Int) -> UInt64 {
        get { values[index] }
        set { values[index] = newValue }
    }

    public static func += (a: inout Tallies, b: Tallies) {
        for index in 0..<StoreLimits.talliesMax { a[index] &+= b[index] }
    }

    public static func + (a: Tallies, b: Tallies) -> Tallies {
        var sum = a
        sum += b
        return sum
    }

    /// Eight numbers without an allocation.
    private struct InlineValues: Sendable, Hashable {
        var a: UInt64 = 0, b: UInt64 = 0, c: UInt64 = 0, d: UInt64 = 0
        var e: UInt64 = 0, f: UInt64 = 0, g: UInt64 = 0, h: UInt64 = 0

        subscript(index: Int) -> UInt64 {
            get {
                switch index {
                case 0: a
                case 1: b
                case 2: c
                case 3: d
                case 4: e
                case 5: f
                case 6: g
                default: h
                }
            }
            set {
                switch index {
                case 0: a = newValue
                case 1: b = newValue
                case 2: c = newValue
                case 3: d = newValue
                case 4: e = newValue
                case 5: f = newValue
                case 6: g = newValue
                default: h = newValue
                }
            }
        }
    }
}
