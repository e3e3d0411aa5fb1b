package import Basics

/// The keys of items in progress: planned, but not in the store yet. Any thread.
package final class IssuedKeys: Sendable {
    private let rows = Locked<[Hash128: UInt64]>([:])

    package init() {}

    /// Adds a key. Returns the row that already has it, if any.
    package func insert(_ hash: Hash128, row: UInt64) -> UInt64? {
        rows.withLock { rows in
            guard let other = rows.updateValue(row, forKey: hash) else { return nil }
            rows[hash] = other
            return other
        }
    }

    package func contains(_ hash: Hash128) -> Bool { rows.withLock { $0[hash] != nil } }

    package func remove(_ hashes: [Hash128]) {
        rows.withLock { rows in for hash in hashes { rows[hash] = nil } }
    }
}
