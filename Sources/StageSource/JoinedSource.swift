internal import Basics
internal import SegmentStore

/// A store in which records are looked up by id, repeatedly while it is being written.
final class JoinedSource {
    let source: SourceJoin.Source
    private let options: StoreOptions
    private let way: ItemWay
    /// Of the stores on the way.
    private var samples: [String: Int] = [:]
    private let watch: SourceWatch?
    private var store: StoreReader
    private var taken = Instant.now
    private var pause: Interval
    /// The store will get no more records than the snapshot has.
    private var isFinal: Bool
    /// Snapshots taken so far.
    private(set) var looks = 1

    enum Found {
        case record(StoredRecord)
        /// There is no record, and there will be none.
        case missing
        case later
    }

    /// - Parameter driver: the store whose items are looked up.
    init(
        _ source: SourceJoin.Source, of driver: String, _ options: StoreOptions, _ watch: SourceWatch?
    ) throws(RetortError) {
        (self.source, self.options, self.watch) = (source, options, watch)
        way = source.way ?? ItemWay(from: [ItemWay.Step(driver)], to: [ItemWay.Step(source.root)])
        isFinal = watch?.isEnded ?? true
        store = try StoreReader(source.root, options: options)
        pause = StoreRows.intervalMin
    }

    /// The outcome that corresponds to one of the driver's items.
    func find(_ key: RecordKey) throws(RetortError) -> Found {
        let key = try way.item(of: key) { root throws(RetortError) in try samplesOf(root) }
        while true {
            if let record = try store.record(key) { return .record(record) }
            if isFinal { return .missing }
            guard Instant.now - taken >= pause else { return .later }
            try look()
        }
    }

    private func samplesOf(_ root: String) throws(RetortError) -> Int {
        if let known = samples[root] { return known }
        let found = try RecordStore.manifest(of: root, files: options.files)?.samples ?? 1
        samples[root] = found
        return found
    }

    /// Takes another snapshot once the minimum interval has passed. Does nothing if the last snapshot was final.
    func lookAgain(waiting cancelled: SourceWatch?) throws(RetortError) {
        guard !isFinal, let watch else { return }
        let rest = pause - (Instant.now - taken)
        if rest > .zero { watch.wait(rest, orCancelled: cancelled) }
        try look()
    }

    private func look() throws(RetortError) {
        // Reads the end flag before the snapshot: everything written before the end is then in it.
        isFinal = watch?.isEnded ?? true
        let before = Instant.now
        store = try StoreReader(source.root, options: options)
        taken = .now
        pause = max(StoreRows.intervalMin, .seconds((taken - before).seconds * StoreRows.restFactor))
        looks += 1
    }
}
