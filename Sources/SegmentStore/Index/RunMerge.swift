import Basics

/// Entries in hash order, one by one.
protocol SortedEntries {
    mutating func next() throws(RetortError) -> IndexEntry?
    /// Upper bound of the number of entries.
    var countMax: Int { get }
    /// Replaces `buffer` by the next entries, as many as are available; empty at the end.
    mutating func refill(_ buffer: inout [IndexEntry]) throws(RetortError)
}

extension SortedEntries {
    mutating func refill(_ buffer: inout [IndexEntry]) throws(RetortError) {
        buffer.removeAll(keepingCapacity: true)
        while buffer.count < RunFormat.entriesPerPage, let entry = try next() { buffer.append(entry) }
    }
}

/// The entries of a run, page by page.
struct RunCursor: SortedEntries {
    private let run: Run
    private var page = 0
    private var entries: [IndexEntry] = []
    private var position = 0

    init(_ run: Run) { self.run = run }

    var countMax: Int { run.count }

    mutating func next() throws(RetortError) -> IndexEntry? {
        if position == entries.count {
            position = 0
            entries.removeAll(keepingCapacity: true)
            if try !takePage(into: &entries, of: run, &page) { return nil }
        }
        defer { position += 1 }
        return entries[position]
    }

    mutating func refill(_ buffer: inout [IndexEntry]) throws(RetortError) {
        buffer.removeAll(keepingCapacity: true)
        if position < entries.count {
            buffer.append(contentsOf: entries[position...])
            position = entries.count
        } else {
            _ = try takePage(into: &buffer, of: run, &page)
        }
    }
}

extension Run {
    /// Pages that are read sequentially before they are released: 1 MiB.
    static let pagesHeldMax = 256
}

/// Appends the next page of a run; false at its end.
private func takePage(into buffer: inout [IndexEntry], of run: Run, _ page: inout Int) throws(RetortError) -> Bool {
    guard page < run.pageCount else { return false }
    try run.appendEntries(ofPage: page, to: &buffer)
    page += 1
    if page % Run.pagesHeldMax == 0 { run.letGo(ofPages: page - Run.pagesHeldMax..<page) }
    return true
}

/// Entries sorted in memory.
struct ArrayCursor: SortedEntries {
    private let entries: [IndexEntry]
    private var position = 0

    init(sorting entries: [IndexEntry]) { self.entries = Self.sorted(entries) }

    var countMax: Int { entries.count }

    /// Hashes are uniform: distributed by their first bits they form buckets so short that sorting them costs almost
    /// nothing. Entries in one bucket are sorted as usual.
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

    mutating func refill(_ buffer: inout [IndexEntry]) throws(RetortError) {
        buffer = position == 0 ? entries : Array(entries[position...])
        position = entries.count
    }
}

/// Merges sorted sequences. Of entries with the same hash, the first sequence's is taken: put the newest first.
struct RunMerge: SortedEntries {
    private var sources: [Source] = []
    let countMax: Int

    /// A sequence with read-ahead by page: the cursor is called once for many entries.
    private struct Source {
        var head: Hash128
        var buffer: [IndexEntry]
        var position = 0
        var cursor: any SortedEntries

        mutating func advance() throws(RetortError) -> Bool {
            position += 1
            if position == buffer.count {
                try cursor.refill(&buffer)
                position = 0
                if buffer.isEmpty { return false }
            }
            head = buffer[position].hash
            return true
        }
    }

    init(newestFirst cursors: [any SortedEntries]) throws(RetortError) {
        countMax = cursors.reduce(0) { $0 + $1.countMax }
        for cursor in cursors {
            var source = Source(head: Hash128(high: 0, low: 0), buffer: [], cursor: cursor)
            try source.cursor.refill(&source.buffer)
            guard let first = source.buffer.first else { continue }
            source.head = first.hash
            sources.append(source)
        }
    }

    mutating func next() throws(RetortError) -> IndexEntry? {
        guard !sources.isEmpty else { return nil }
        var best = 0
        for index in 1..<max(sources.count, 1) where sources[index].head < sources[best].head { best = index }
        let entry = sources[best].buffer[sources[best].position]
        // Backwards, because a finished sequence is removed from the list; the older ones may have the same key.
        for index in stride(from: sources.count - 1, through: best, by: -1) where sources[index].head == entry.hash {
            if try !sources[index].advance() { sources.remove(at: index) }
        }
        return entry
    }
}
