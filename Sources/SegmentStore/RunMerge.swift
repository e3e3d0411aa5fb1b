import Basics

/// Entries in order of their hash, one by one.
protocol SortedEntries {
    mutating func next() throws(RetortError) -> IndexEntry?
}

/// The entries of a run, page by page.
struct RunCursor: SortedEntries {
    private let run: Run
    private var page = 0
    private var entries: [IndexEntry] = []
    private var position = 0

    init(_ run: Run) { self.run = run }

    mutating func next() throws(RetortError) -> IndexEntry? {
        if position == entries.count {
            guard page < run.pageCount else { return nil }
            entries = try run.entries(ofPage: page)
            page += 1
            position = 0
        }
        defer { position += 1 }
        return entries[position]
    }
}

/// Entries sorted in memory.
struct ArrayCursor: SortedEntries {
    private let entries: [IndexEntry]
    private var position = 0

    init(sorting entries: [IndexEntry]) { self.entries = Self.sorted(entries) }

    /// Hashes are uniform: dealt out by their first bits they fall into stretches so short that sorting these costs
    /// next to nothing. Others, which stay in one stretch, are sorted as usual.
    private static func sorted(_ entries: [IndexEntry]) -> [IndexEntry] {
        guard let sample = entries.first, entries.count > 64 else { return entries.sorted { $0.hash < $1.hash } }
        let bits = min(20, Int.bitWidth - (entries.count / 8).leadingZeroBitCount)
        let shift = UInt64(64 - bits)
        var starts = [Int](repeating: 0, count: 1 << bits + 1)
        for entry in entries { starts[Int(entry.hash.high >> shift) + 1] += 1 }
        for index in 1..<starts.count { starts[index] += starts[index - 1] }
        var places = starts
        var dealt = [IndexEntry](repeating: sample, count: entries.count)
        for entry in entries {
            let stretch = Int(entry.hash.high >> shift)
            dealt[places[stretch]] = entry
            places[stretch] += 1
        }
        for stretch in 0..<1 << bits where starts[stretch + 1] - starts[stretch] > 1 {
            sort(&dealt, starts[stretch]..<starts[stretch + 1])
        }
        return dealt
    }

    private static func sort(_ entries: inout [IndexEntry], _ range: Range<Int>) {
        if range.count > 64 { return entries[range].sort { $0.hash < $1.hash } }
        for index in range.dropFirst() {
            let entry = entries[index]
            var at = index
            while at > range.lowerBound, entry.hash < entries[at - 1].hash {
                entries[at] = entries[at - 1]
                at -= 1
            }
            entries[at] = entry
        }
    }

    mutating func next() throws(RetortError) -> IndexEntry? {
        guard position < entries.count else { return nil }
        defer { position += 1 }
        return entries[position]
    }
}

/// Merges sorted sequences. Of entries with the same hash the one of the first sequence wins: put the newest first.
struct RunMerge: SortedEntries {
    private var cursors: [any SortedEntries]
    private var heads: [IndexEntry?]

    init(newestFirst cursors: [any SortedEntries]) throws(RetortError) {
        self.cursors = cursors
        heads = []
        for index in cursors.indices { heads.append(try self.cursors[index].next()) }
    }

    mutating func next() throws(RetortError) -> IndexEntry? {
        var best: Int?
        for index in heads.indices {
            guard let head = heads[index] else { continue }
            if best == nil || head.hash < heads[best!]!.hash { best = index }
        }
        guard let best, let entry = heads[best] else { return nil }
        for index in heads.indices where heads[index]?.hash == entry.hash {
            heads[index] = try cursors[index].next()
        }
        return entry
    }
}
