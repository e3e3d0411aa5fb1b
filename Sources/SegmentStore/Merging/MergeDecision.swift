import Basics

/// Which records of the sources go on, decided by one pass over their indexes.
///
/// All entries of all stores go by in the order of their keys, so it costs one sequential read of the indexes and no
/// lookup. What is noted is only what differs from the rule: for a lane in which nothing is superseded at home, the
/// records that do not go on; for others, those that do.
struct MergeDecision {
    enum Rule {
        /// All but the listed ones.
        case except
        /// The listed ones.
        case only
    }

    private let rules: [Rule]
    private var lists: [PlaceList] = []
    /// Records whose key another store has for another row: they go on if the key is a generated one.
    private var twins: [PlaceList] = []
    private let sources: [MergeSource]
    /// By sequence, the keys of lines in journals that go on, and of those that may be twins.
    private var journaled: [(kept: Set<Hash128>, twins: Set<Hash128>)]

    init(_ sources: [MergeSource], scratch: StoreLayout, options: StoreOptions) {
        self.sources = sources
        rules = sources.map { $0.everyResponseCounts ? .except : .only } + sources.map { _ in .only }
        journaled = rules.map { _ in ([], []) }
        let entriesMax = options.tuning.deltaEntriesMax
        func list(_ sequence: Int, _ firstRun: UInt64) -> PlaceList {
            PlaceList(
                sequence < sources.count ? .responses : .failures, firstRun: firstRun << 32, layout: scratch,
                files: options.files, entriesMax: entriesMax)
        }
        lists = rules.indices.map { list($0, UInt64($0)) }
        twins = rules.indices.map { list($0, UInt64(rules.count + $0)) }
    }

    /// The responses of all sources come before the failures of all, each in the order given: of a key's holders the
    /// first is the one that goes on, and with it each that is of another row than all before it.
    mutating func decide(_ report: inout MergeReport) throws(RetortError) {
        var cursors: [any SortedEntries] = []
        for lane in Lane.outcomes {
            for source in sources { cursors.append(try source.entries(lane)) }
        }
        let origins = Lane.outcomes.flatMap { lane in sources.map { $0.origins(lane) } }
        var merge = try KeyMerge(cursors)
        var holders: [KeyMerge.Holder] = []
        while try merge.next(&holders) {
            try note(holders[0], goesOn: true, isTwin: false)
            count(holders[0], &report)
            if holders.count == 1 { continue }
            var rows = [origins[holders[0].sequence].origin(at: holders[0].entry.place)]
            for (position, holder) in holders.enumerated().dropFirst() {
                let origin = origins[holder.sequence].origin(at: holder.entry.place)
                let isTwin = !rows.contains { $0.isSame(as: origin) }
                if isTwin { rows.append(origin) }
                try note(holder, goesOn: false, isTwin: isTwin)
                // A store may hold a success and the failure before it: that is one outcome.
                let source = holder.sequence % sources.count
                let isSettled = holders[..<position].contains { $0.sequence % sources.count == source }
                if !isTwin, !isSettled { report.sources[source].superseded += 1 }
            }
        }
    }

    private mutating func note(_ holder: KeyMerge.Holder, goesOn: Bool, isTwin: Bool) throws(RetortError) {
        let (sequence, entry) = (holder.sequence, holder.entry)
        if entry.isPending {
            if goesOn { journaled[sequence].kept.insert(entry.hash) }
            if isTwin { journaled[sequence].twins.insert(entry.hash) }
            return
        }
        if goesOn == (rules[sequence] == .only) { try lists[sequence].note(entry) }
        if isTwin { try twins[sequence].note(entry) }
    }

    private func count(_ winner: KeyMerge.Holder, _ report: inout MergeReport) {
        let home = winner.sequence % sources.count
        if winner.sequence < sources.count { report.sources[home].taken += 1 } else { report.sources[home].failed += 1 }
    }

    /// What becomes of a block: the records that go on, and those that go on under another id, if they may.
    struct Share {
        var kept: [Int]
        var twins: Set<Int>
    }

    /// Says of the blocks of one lane of a source, in order, which records go on.
    struct Sieve {
        let rule: Rule
        var listed: PlaceCursor
        var twins: PlaceCursor

        /// Nil: the whole block.
        mutating func share(of header: BlockHeader) throws(RetortError) -> Share? {
            let records = try listed.records(of: header)
            let twins = Set(try twins.records(of: header))
            switch rule {
            case .only: return records.count == header.records ? nil : Share(kept: records, twins: twins)
            case .except:
                if records.isEmpty { return nil }
                let losers = Set(records)
                return Share(kept: (0..<header.records).filter { !losers.contains($0) }, twins: twins)
            }
        }
    }

    private func sequence(_ lane: Lane, _ source: Int) -> Int { lane == .responses ? source : sources.count + source }

    func sieve(_ lane: Lane, source: Int) throws(RetortError) -> Sieve {
        let sequence = sequence(lane, source)
        return Sieve(
            rule: rules[sequence], listed: try lists[sequence].cursor(), twins: try twins[sequence].cursor())
    }

    /// Of the lines that are in a journal only: whether one goes on, or may as a twin.
    func fate(_ hash: Hash128, _ lane: Lane, source: Int) -> (goesOn: Bool, isTwin: Bool) {
        let keys = journaled[sequence(lane, source)]
        return (keys.kept.contains(hash), keys.twins.contains(hash))
    }
}
