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

    init(sorting entries: [IndexEntry]) { self.entries = entries.sorted { $0.hash < $1.hash } }

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
