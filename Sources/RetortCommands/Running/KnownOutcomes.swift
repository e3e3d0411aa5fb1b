import Basics
import SegmentStore

/// What a planner asks of a store: which keys have an outcome.
protocol KnownOutcomes {
    var manifest: StoreManifest { get }
    func lookup(_ key: RecordKey) throws(RetortError) -> IndexEntry?
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry?
}

extension RecordStore: KnownOutcomes {}
extension StoreReader: KnownOutcomes {}
extension StoreRevision: KnownOutcomes {}

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
}
