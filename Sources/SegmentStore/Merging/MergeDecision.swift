import Basics

/// Which records of the sources go on, decided by one pass over their indexes.
///
/// All entries of all stores go by in the order of their keys, so it costs one sequential read of the indexes and no
/// lookup. What is noted is only what differs from the rule: for a lane in which nothing is superseded at home, the
/// records that give way to another store; for others, the records that go on.
struct MergeDecision {
    enum Rule {
        /// All but the listed ones.
        case except
        /// The listed ones.
        case only
    }

    private let rules: [Rule]
    private var lists: [PlaceList] = []
    private let sources: [LockedStore]

    init(_ sources: [LockedStore], scratch: StoreLayout, options: StoreOptions) {
        self.sources = sources
        rules = sources.map { $0.everyResponseCounts ? .except : .only } + sources.map { _ in .only }
        let entriesMax = options.tuning.deltaEntriesMax
        for sequence in rules.indices {
            lists.append(
                PlaceList(
                    sequence < sources.count ? .responses : .failures, firstRun: UInt64(sequence) << 32,
                    layout: scratch, files: options.files, entriesMax: entriesMax))
        }
    }

    /// The responses of all sources come before the failures of all, each in the order given: of a key's holders the
    /// first is the one that goes on.
    mutating func decide(_ report: inout MergeReport) throws(RetortError) {
        var cursors: [any SortedEntries] = []
        for lane in Lane.allCases {
            for source in sources { cursors.append(try source.entries(lane)) }
        }
        var merge = try KeyMerge(cursors)
        var holders: [KeyMerge.Holder] = []
        while try merge.next(&holders) {
            let winner = holders[0].sequence
            for holder in holders {
                let goesOn = holder.sequence == winner
                if goesOn == (rules[holder.sequence] == .only) { try lists[holder.sequence].note(holder.entry) }
            }
            count(holders, winner: winner, &report)
        }
    }

    private func count(_ holders: [KeyMerge.Holder], winner: Int, _ report: inout MergeReport) {
        let home = winner % sources.count
        if winner < sources.count { report.sources[home].taken += 1 } else { report.sources[home].failed += 1 }
        for holder in holders where holder.sequence % sources.count != home {
            let source = holder.sequence % sources.count
            // A store may hold a success and the failure before it: that is one outcome.
            let isSettled = holder.sequence >= sources.count && holders.contains { $0.sequence == source }
            if !isSettled { report.sources[source].superseded += 1 }
        }
    }

    /// Says of the blocks of one lane of a source, in order, which records go on.
    struct Sieve {
        let rule: Rule
        var listed: PlaceCursor

        /// Nil: the whole block.
        mutating func kept(of header: BlockHeader) throws(RetortError) -> [Int]? {
            let records = try listed.records(of: header)
            switch rule {
            case .only: return records.count == header.records ? nil : records
            case .except:
                if records.isEmpty { return nil }
                let losers = Set(records)
                return (0..<header.records).filter { !losers.contains($0) }
            }
        }
    }

    func sieve(_ lane: Lane, source: Int) throws(RetortError) -> Sieve {
        let sequence = lane == .responses ? source : sources.count + source
        return Sieve(rule: rules[sequence], listed: try lists[sequence].cursor())
    }
}
