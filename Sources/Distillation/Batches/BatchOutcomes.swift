package import Basics
package import BatchDelivery
import Dataset
package import SegmentStore

/// Which items of batches have an outcome. A failed item that is sent again already has one, with fewer attempts. Used
/// by one thread, as long as only its batch can bring it an outcome.
package struct BatchOutcomes {
    private let store: RecordStore
    /// Opened for the first item that failed before.
    private var reader: StoreReader?

    package init(_ store: RecordStore) { self.store = store }

    package mutating func has(_ item: BatchItem) throws(RetortError) -> Bool {
        let key = RecordKey(id: item.id, sample: item.sample)
        guard let entry = try store.lookup(key.hash) else { return false }
        guard item.isRetry, case .failed = entry.recordStatus else { return true }
        if reader == nil { reader = try StoreReader(store.root, options: StoreAccess.options(reading: store)) }
        guard let record = try reader?.record(key) else { return true }
        return Int(record.head.attempts) > item.attempts
    }
}
