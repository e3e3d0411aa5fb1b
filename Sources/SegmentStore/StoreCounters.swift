/// Exact sums over a store.
public struct StoreCounters: Sendable, Hashable {
    /// Keys with a success.
    public var done: UInt64 = 0
    /// Keys whose newest outcome is a failure.
    public var failed: UInt64 = 0
    /// The failed keys by class number; the last element counts classes of other versions.
    public var failedByClass = [UInt64](repeating: 0, count: StoreLimits.failureClassesMax + 1)
    /// Records of rounds.
    public var rounds: UInt64 = 0
    /// Keys with a verdict: pairs of an answer and a verifier.
    public var verdicts: UInt64 = 0
    private var sums = LaneSums()

    public init() {}

    /// Sums over all outcomes ever appended, including superseded failures.
    public var tallies: Tallies { sums.responses + sums.failures }

    /// Sums over all records of a lane ever appended.
    public func tallies(of lane: Lane) -> Tallies { self[lane] }

    subscript(lane: Lane) -> Tallies {
        get {
            switch lane {
            case .responses: sums.responses
            case .failures: sums.failures
            case .rounds: sums.rounds
            case .verdicts: sums.verdicts
            }
        }
        _modify {
            switch lane {
            case .responses: yield &sums.responses
            case .failures: yield &sums.failures
            case .rounds: yield &sums.rounds
            case .verdicts: yield &sums.verdicts
            }
        }
    }

    private struct LaneSums: Sendable, Hashable {
        var responses = Tallies(), failures = Tallies(), rounds = Tallies(), verdicts = Tallies()
    }
}

extension StoreCounters {
    /// Used instead of the status byte of an earlier failure: the key has a success.
    static let settled = UInt8.max

    /// Counts one record. `prior` is, for an outcome, the status byte of the key's newest failure or `settled`; for
    /// another record, the status byte of an earlier one with its key; 0 if there is none.
    mutating func count(_ lane: Lane, status: UInt8, prior: UInt8) {
        switch lane {
        case .responses, .failures: countOutcome(lane, status: status, prior: prior)
        case .rounds: rounds += 1
        case .verdicts: if prior == 0 { verdicts += 1 }
        }
    }

    private mutating func countOutcome(_ lane: Lane, status: UInt8, prior: UInt8) {
        if prior == Self.settled { return }
        if prior != 0 {
            failed &-= 1
            failedByClass[place(of: prior)] &-= 1
        }
        if lane == .responses {
            done += 1
        } else {
            failed &+= 1
            failedByClass[place(of: status)] &+= 1
        }
    }

    private func place(of status: UInt8) -> Int { min(Int(status) - 1, StoreLimits.failureClassesMax) }

    static func += (a: inout StoreCounters, b: StoreCounters) {
        a.done += b.done
        a.failed += b.failed
        a.rounds += b.rounds
        a.verdicts += b.verdicts
        for index in a.failedByClass.indices { a.failedByClass[index] += b.failedByClass[index] }
        for lane in Lane.allCases { a[lane] += b[lane] }
    }

    func encode(into writer: inout ByteWriter) {
        for value in [done, failed, rounds, verdicts] + failedByClass { writer.append(value) }
        for lane in Lane.allCases {
            for index in 0..<StoreLimits.talliesMax { writer.append(self[lane][index]) }
        }
    }

    /// Nil if the bytes end early or are invalid.
    static func decode(_ reader: inout ByteReader) -> StoreCounters? {
        var counters = StoreCounters()
        guard let done = reader.read(upTo: StoreLimits.sequencesMax),
            let failed = reader.read(upTo: StoreLimits.sequencesMax),
            let rounds = reader.read(upTo: StoreLimits.sequencesMax),
            let verdicts = reader.read(upTo: StoreLimits.sequencesMax)
        else { return nil }
        (counters.done, counters.failed) = (done, failed)
        (counters.rounds, counters.verdicts) = (rounds, verdicts)
        for index in counters.failedByClass.indices {
            guard let value = reader.read(upTo: failed) else { return nil }
            counters.failedByClass[index] = value
        }
        guard counters.failedByClass.reduce(0, &+) == failed else { return nil }
        for lane in Lane.allCases {
            for index in 0..<StoreLimits.talliesMax {
                guard let value = reader.read(UInt64.self) else { return nil }
                counters[lane][index] = value
            }
        }
        return counters
    }
}
