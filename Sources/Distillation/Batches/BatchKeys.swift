package import Basics
import BatchDelivery
package import SegmentStore

/// The items in batches in progress, which the planner leaves out. 16 bytes per item, and 24 more for those of earlier
/// runs. Any thread.
package final class BatchKeys: Sendable {
    /// The state of an item.
    package enum Standing: Hashable {
        case none
        case underWay
        /// Another row of this run's input has the same key.
        case duplicate(of: UInt64)
    }

    /// The row number of an item that was read by another run.
    package static let unknownRow = UInt64.max

    /// The items of one batch, ordered by the hash's low half. If two keys share it, an item waits for the next run,
    /// and nothing else happens.
    private struct Group {
        var hashes: [UInt64]
        var rows: [UInt64]

        init(_ items: [(hash: UInt64, row: UInt64)]) {
            let sorted = items.sorted { $0.hash < $1.hash }
            (hashes, rows) = (sorted.map(\.hash), sorted.map(\.row))
        }

        func row(of hash: UInt64) -> UInt64? {
            var (low, high) = (0, hashes.count)
            while low < high {
                let middle = (low + high) / 2
                if hashes[middle] < hash { low = middle + 1 } else { high = middle }
            }
            return low < hashes.count && hashes[low] == hash ? rows[low] : nil
        }
    }

    /// An item in a batch of an earlier run, ordered by the hash's low half.
    package struct Adopted: Hashable {
        package var hash: UInt64
        package var row: UInt64
        package var fingerprint: UInt32
    }

    package init() {}

    /// The items of a store whose batches are left alone, except those that are also sent live.
    package init(underWayIn root: String, _ store: RecordStore) throws(RetortError) {
        let journal = try BatchJournal(of: root)
        var asked: [Adopted] = []
        for standing in journal.open where standing.isExclusive {
            var keys: [(hash: UInt64, row: UInt64)] = []
            try BatchItemIndex.forEach(journal.items(standing.number)) { item throws(RetortError) in
                let hash = RecordKey(id: item.id, sample: item.sample).hash
                guard try store.lookup(hash) == nil else { return }
                keys.append((hash.low, Self.unknownRow))
                asked.append(
                    Adopted(hash: hash.low, row: item.row, fingerprint: UInt32(truncatingIfNeeded: item.fingerprint)))
            }
            add(standing.number, keys)
        }
        adopt(asked)
    }

    private let adopted = Locked<[Adopted]>([])
    private let groups = Locked<[Int: Group]>([:])
    /// Items that stay pending in this run.
    private let left = Locked<Set<UInt64>>([])

    /// Registers the items in batches of earlier runs.
    package func adopt(_ items: [Adopted]) {
        let sorted = items.sorted { $0.hash < $1.hash }
        adopted.withLock { $0 = sorted }
    }

    /// The item in a batch of an earlier run under a key.
    package func adopted(_ hash: Hash128) -> Adopted? {
        adopted.withLock { items in
            var (low, high) = (0, items.count)
            while low < high {
                let middle = (low + high) / 2
                if items[middle].hash < hash.low { low = middle + 1 } else { high = middle }
            }
            return low < items.count && items[low].hash == hash.low ? items[low] : nil
        }
    }

    package func add(_ batch: Int, _ items: [(hash: UInt64, row: UInt64)]) {
        groups.withLock { $0[batch] = Group(items) }
    }

    package func remove(_ batch: Int) { groups.withLock { $0[batch] = nil } }

    package func leave(_ hash: Hash128) { left.withLock { _ = $0.insert(hash.low) } }

    package func standing(_ hash: Hash128, row: UInt64) -> Standing {
        if left.withLock({ $0.contains(hash.low) }) { return .underWay }
        let found: UInt64? = groups.withLock { groups in
            for group in groups.values { if let row = group.row(of: hash.low) { return row } }
            return nil
        }
        guard let found else { return .none }
        return found == row || found == Self.unknownRow ? .underWay : .duplicate(of: found)
    }
}
