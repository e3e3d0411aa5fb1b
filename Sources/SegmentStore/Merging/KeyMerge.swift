import Basics

/// Iterates over several sorted sequences at once, key by key: each key with every sequence that has it.
///
/// The heads are compared by their hashes in one array: for the few dozen sequences of a merge that is faster than a
/// heap.
struct KeyMerge {
    /// An entry and the number of its sequence.
    struct Holder {
        var sequence: Int
        var entry: IndexEntry
    }

    private var cursors: [any SortedEntries]
    private var heads: [IndexEntry]
    private var hashes: [Hash128]
    private var isDone: [Bool]
    private static let end = Hash128(high: .max, low: .max)

    init(_ cursors: [any SortedEntries]) throws(RetortError) {
        self.cursors = cursors
        heads = []
        hashes = []
        isDone = []
        for index in cursors.indices {
            let head = try self.cursors[index].next()
            heads.append(head ?? IndexEntry.blank)
            hashes.append(head?.hash ?? Self.end)
            isDone.append(head == nil)
        }
    }

    /// Replaces `holders` by those of the next key, in the order of the sequences. False at the end.
    mutating func next(_ holders: inout [Holder]) throws(RetortError) -> Bool {
        holders.removeAll(keepingCapacity: true)
        var least = Self.end
        for hash in hashes where hash < least { least = hash }
        // The largest hash may be a key's own.
        if least == Self.end, !isDone.contains(false) { return false }
        for index in hashes.indices where hashes[index] == least && !isDone[index] {
            holders.append(Holder(sequence: index, entry: heads[index]))
            if let head = try cursors[index].next() {
                heads[index] = head
                hashes[index] = head.hash
            } else {
                hashes[index] = Self.end
                isDone[index] = true
            }
        }
        return true
    }
}

extension IndexEntry {
    fileprivate static let blank = IndexEntry(
        hash: Hash128(high: 0, low: 0), segment: 0, offset: 0, record: 0, status: 0, attempts: 0, fingerprint: 0)
}
