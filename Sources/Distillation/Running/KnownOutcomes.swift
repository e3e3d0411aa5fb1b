package import Basics
import Dataset
package import SegmentStore

/// A planner's view of a store: which keys have an outcome.
package protocol KnownOutcomes {
    var manifest: StoreManifest { get }
    func lookup(_ key: RecordKey) throws(RetortError) -> IndexEntry?
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry?
    /// The row of the valid record for a key; nil if there is none.
    func row(of key: RecordKey) throws(RetortError) -> UInt64?
}

extension RecordStore: KnownOutcomes {
    /// Opens the store again for reading; use `RecordedRows` for many lookups.
    package func row(of key: RecordKey) throws(RetortError) -> UInt64? {
        try StoreReader(root, options: StoreAccess.options(reading: self)).row(of: key)
    }
}

/// The rows of records on disk, read from a snapshot that is replaced when a record is newer. Used by one thread.
package final class RecordedRows {
    private let store: any KnownOutcomes
    private let open: (RecordStore) throws(RetortError) -> StoreReader
    private var snapshot: StoreReader?

    /// - Parameter open: opens a store that is being written.
    package init(
        _ store: any KnownOutcomes,
        open: @escaping (RecordStore) throws(RetortError) -> StoreReader = { (store) throws(RetortError) in
            try StoreReader(store.root, options: StoreAccess.options(reading: store))
        }
    ) {
        self.store = store
        self.open = open
    }

    /// The row of the valid record for a key; nil if there is none.
    package func row(of key: RecordKey) throws(RetortError) -> UInt64? {
        guard let store = store as? RecordStore else { return try store.row(of: key) }
        if let known = try snapshot?.row(of: key) { return known }
        let reader = try open(store)
        snapshot = reader
        return try reader.row(of: key)
    }
}

extension StoreReader: KnownOutcomes {
    package func row(of key: RecordKey) throws(RetortError) -> UInt64? { try record(key)?.head.row }
}

extension StoreRevision: KnownOutcomes {
    package func row(of key: RecordKey) throws(RetortError) -> UInt64? {
        try StoreReader(root, options: StoreAccess.options).row(of: key)
    }
}

/// A store that does not exist yet.
package struct NoOutcomes: KnownOutcomes {
    package let manifest: StoreManifest

    package init(_ job: JobDescription, samples: Int) {
        manifest = StoreManifest(
            storeID: 0, job: job.values, failureClasses: RecordCodec.failureClasses, tallies: RecordTallies.names,
            samples: samples)
    }

    package func lookup(_ key: RecordKey) throws(RetortError) -> IndexEntry? { nil }
    package func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? { nil }
    package func row(of key: RecordKey) throws(RetortError) -> UInt64? { nil }
}
