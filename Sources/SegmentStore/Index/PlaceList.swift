import Basics

/// Positions in a lane that are added in any order and read in the lane's order, in bounded memory: sorted parts go to
/// disk as runs whose hashes are the positions themselves.
struct PlaceList {
    private let lane: Lane
    private let layout: StoreLayout
    private let files: any FileSystem
    private let entriesMax: Int
    private var pending: [IndexEntry] = []
    private var runs: [Run] = []
    private(set) var count = 0

    /// Numbers of the list's runs start at `firstRun`, in the layout's scratch directory.
    private var nextRun: UInt64

    init(_ lane: Lane, firstRun: UInt64, layout: StoreLayout, files: any FileSystem, entriesMax: Int) {
        self.lane = lane
        self.layout = layout
        self.files = files
        self.entriesMax = entriesMax
        nextRun = firstRun
    }

    mutating func note(_ entry: IndexEntry) throws(RetortError) {
        count += 1
        pending.append(
            IndexEntry(
                hash: entry.place.sortingHash, segment: entry.segment, offset: entry.offset, record: entry.record,
                status: 0, attempts: 0, fingerprint: 0))
        if pending.count >= entriesMax { try spill() }
    }

    private mutating func spill() throws(RetortError) {
        runs.append(
            try Run.write(
                ArrayCursor(sorting: pending), Run.Form(lane: lane, number: nextRun, isAsked: false), layout, files))
        nextRun += 1
        pending.removeAll(keepingCapacity: true)
    }

    func cursor() throws(RetortError) -> PlaceCursor {
        var cursors: [any SortedEntries] = [ArrayCursor(sorting: pending)]
        for run in runs { cursors.append(RunCursor(run)) }
        return try PlaceCursor(RunMerge(newestFirst: cursors))
    }
}

/// Reads a list's positions in the order of the lane.
struct PlaceCursor {
    private var merge: RunMerge
    private var head: IndexEntry?

    init(_ merge: RunMerge) throws(RetortError) {
        self.merge = merge
        head = try self.merge.next()
    }

    /// The segment of the next listed record; nil at the end.
    var segment: UInt32? { head?.segment }

    /// The numbers of the listed records of one block. Blocks must be requested in order.
    mutating func records(of header: BlockHeader) throws(RetortError) -> [Int] {
        var records: [Int] = []
        while let place = head?.place, (place.segment, Int(place.offset)) <= (header.segment, header.offset) {
            if place.segment == header.segment, Int(place.offset) == header.offset { records.append(Int(place.record)) }
            head = try merge.next()
        }
        return records
    }
}

extension RecordPlace {
    fileprivate var sortingHash: Hash128 {
        Hash128(high: UInt64(segment), low: UInt64(offset) << 16 | UInt64(record))
    }
}
