import Basics

/// Keys that are looked up together, and what has been found of them so far.
struct LookupBatch {
    let hashes: [Hash128]
    /// By the key's place in `hashes`.
    var entries: [IndexEntry?]
    /// The places of the keys that nothing has been found of yet, in order.
    private(set) var open: [Int]

    init(_ hashes: [Hash128]) {
        self.hashes = hashes
        entries = [IndexEntry?](repeating: nil, count: hashes.count)
        open = Array(hashes.indices)
    }

    /// Asks for each key that is open.
    mutating func resolve(_ entry: (Hash128) -> IndexEntry?) {
        for key in open { entries[key] = entry(hashes[key]) }
        closeFound()
    }

    /// What has an entry now is not asked again.
    mutating func closeFound() { open.removeAll { entries[$0] != nil } }
}
