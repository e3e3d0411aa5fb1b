import Basics

/// Decides in one pass over the sources' indexes which records are kept.
///
/// All entries of all stores are visited in key order, so it costs one sequential read of the indexes and no lookup.
/// Only exceptions are recorded: for a lane without superseded records, the records that are dropped; for others, those
/// that are kept.
struct MergeDecision {
    enum Rule {
        /// All except the listed ones.
        case except
        /// The listed ones.
        case only
    }

    private let rules: [Rule]
    private var lists: [PlaceList] = []
    /// Records whose key another store has for another row: kept if the key is a generated one.
    private var twins: [PlaceList] = []
    private let sources: [MergeSource]
    /// By sequence: the keys of journal lines that are kept, and of possible twins.
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

    /// The responses of all sources come before all failures, each in the given order: of a key's holders the first is
    /// kept, and also each that belongs to another row than all before it.
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
                // A store may have a success and the failure before it: that is one outcome.
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

    /// The decision about a block: records to keep, and records to keep under another id.
    struct Share {
        var kept: [Int]
        var twins: Set<Int>
    }

    /// Returns the decisions for the blocks of one lane of a source, in order.
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

    /// For lines that are in a journal only: whether one is kept, or may be as a twin.
    func fate(_ hash: Hash128, _ lane: Lane, source: Int) -> (goesOn: Bool, isTwin: Bool) {
        let keys = journaled[sequence(lane, source)]
        return (keys.kept.contains(hash), keys.twins.contains(hash))
    }
}
