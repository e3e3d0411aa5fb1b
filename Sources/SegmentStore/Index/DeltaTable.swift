import Basics

/// The newest entries of an index, in memory: open addressing with linear probing over a dense list.
struct DeltaTable: Sendable {
    private(set) var entries: [IndexEntry] = []
    /// Position in `entries` plus one; 0 is free. A power of two, at most half full.
    private var slots: [UInt32]

    init() { slots = [UInt32](repeating: 0, count: 64) }

    var count: Int { entries.count }

    @inline(__always)
    private func slot(of hash: Hash128) -> (slot: Int, entry: Int?) {
        let mask = slots.count - 1
        var at = Int(truncatingIfNeeded: hash.low) & mask
        while true {
            let value = slots[at]
            if value == 0 { return (at, nil) }
            if entries[Int(value) - 1].hash == hash { return (at, Int(value) - 1) }
            at = (at + 1) & mask
        }
    }

    subscript(hash: Hash128) -> IndexEntry? {
        slot(of: hash).entry.map { entries[$0] }
    }

    /// Adds an entry or replaces the one of the same key.
    mutating func insert(_ entry: IndexEntry) {
        let (slot, existing) = slot(of: entry.hash)
        if let existing {
            entries[existing] = entry
            return
        }
        entries.append(entry)
        slots[slot] = UInt32(entries.count)
        if entries.count * 2 > slots.count { grow() }
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        let mask = slots.count - 1
        for (index, entry) in entries.enumerated() {
            var at = Int(truncatingIfNeeded: entry.hash.low) & mask
            while slots[at] != 0 { at = (at + 1) & mask }
            slots[at] = UInt32(index + 1)
        }
    }
}
