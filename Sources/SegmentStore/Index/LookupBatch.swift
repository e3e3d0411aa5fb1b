import Basics

/// Keys that are looked up together, and the entries found so far.
struct LookupBatch {
    let hashes: [Hash128]
    /// By the key's index in `hashes`.
    var entries: [IndexEntry?]
    /// The indexes of the keys without an entry so far, in order.
    private(set) var open: [Int]

    init(_ hashes: [Hash128]) {
        self.hashes = hashes
        entries = [IndexEntry?](repeating: nil, count: hashes.count)
        open = Array(hashes.indices)
    }

    /// Looks up each open key.
    mutating func resolve(_ entry: (Hash128) -> IndexEntry?) {
        for key in open { entries[key] = entry(hashes[key]) }
        closeFound()
    }

    /// Closes the keys that have an entry now.
    mutating func closeFound() { open.removeAll { entries[$0] != nil } }
}
