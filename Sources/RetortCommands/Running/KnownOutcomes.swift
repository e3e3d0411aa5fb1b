import Basics
import SegmentStore

/// What a planner asks of a store: which keys have an outcome.
protocol KnownOutcomes {
    var manifest: StoreManifest { get }
    func lookup(_ key: RecordKey) throws(RetortError) -> IndexEntry?
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry?
    /// The row of the record that counts for a key; nil when there is none.
    func row(of key: RecordKey) throws(RetortError) -> UInt64?
}

extension RecordStore: KnownOutcomes {
    /// Opens the store once more, for reading: this is the way of an error, and need not be quick.
    func row(of key: RecordKey) throws(RetortError) -> UInt64? {
        try StoreReader(root, options: StoreAccess.options).row(of: key)
    }
}

extension StoreReader: KnownOutcomes {
    func row(of key: RecordKey) throws(RetortError) -> UInt64? { try record(key)?.head.row }
}

extension StoreRevision: KnownOutcomes {
    func row(of key: RecordKey) throws(RetortError) -> UInt64? {
        try StoreReader(root, options: StoreAccess.options).row(of: key)
    }
}

/// A store that does not exist yet.
struct NoOutcomes: KnownOutcomes {
    let manifest: StoreManifest

    init(_ job: JobDescription, samples: Int) {
        manifest = StoreManifest(
            storeID: 0, job: job.values, failureClasses: RecordCodec.failureClasses, tallies: RecordTallies.names,
            samples: samples)
    }

    func lookup(_ key: RecordKey) throws(RetortError) -> IndexEntry? { nil }
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? { nil }
    func row(of key: RecordKey) throws(RetortError) -> UInt64? { nil }
}
