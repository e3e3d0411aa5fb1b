public import Basics

/// A snapshot of a store for reading, also while a run writes it: everything received when it was opened, journals
/// included. Changes nothing on disk. Used by one thread at a time.
public final class StoreReader {
    public let root: String
    public let manifest: StoreManifest
    public let counters: StoreCounters
    public let inputProgress: InputProgress
    /// Unreadable parts, as far as opening noticed.
    public let damage: [Damage]
    let context: StoreContext
    private(set) var image: StoreImage
    let journaled: [Lane: [Hash128: [UInt8]]]
    /// Whether the index was rebuilt in memory, since a file of it is damaged.
    private var isWithoutRuns = false
    private let codec = BlockCodec()
    private(set) var segments: [Lane: [UInt32: SegmentReader]] = [:]
    private var cached: Block?

    /// Throws `.notFound` if there is no store, `.configuration` if newer code wrote it.
    public init(_ root: String, options: StoreOptions = StoreOptions()) throws(RetortError) {
        // A segment whose file is replaced stays readable in its old form while it is open.
        let layout = StoreLayout(root: root)
        let (found, pinned) = try StoreManifest.readingStill(layout, options.files) { () throws(RetortError) in
            let image = try StoreImage.load(root, options: options, mends: false)
            return (image, try image.openSegments())
        }
        var image = found
        self.root = root
        segments = pinned
        context = image.context
        manifest = image.manifest
        damage = image.damage
        do throws(RetortError) {
            journaled = try image.noteJournals()
        } catch {
            guard image.context.isOfIndex(error) else { throw error }
            image = try image.withoutRuns()
            isWithoutRuns = true
            journaled = try image.noteJournals()
        }
        self.image = image
        counters = image.index.withLock { $0.live }
        inputProgress = image.index.withLock { $0.inputProgress() }
    }

    /// `damage`, and what a bounded check of the segments' checksums finds in addition.
    public func knownDamage() -> [Damage] { SpotCheck.damage(context, manifest, known: damage) }

    /// The current writer, as it describes itself; nil if there is none.
    public func writer() throws(RetortError) -> String? { try context.files.lockHolder(context.layout.lock) }

    /// The names of the failure classes, in the order of their numbers.
    public var failureClasses: FailureClasses { context.classes }

    /// The current mark: 0 if it was never set. Throws `.damagedData` if its file is invalid.
    public func mark() throws(RetortError) -> Int64 {
        try MarkSlot.read(context.layout, storeID: context.storeID, files: context.files)?.slot.value ?? 0
    }

    // MARK: One record

    /// The valid outcome of a key; nil if it is pending. For a round's key the first record, for a verdict's the
    /// latest.
    public func lookup(_ key: RecordKey) throws(RetortError) -> IndexEntry? {
        try asking { index throws(RetortError) in try index.lookup(key) }
    }

    /// The same by the hash of an outcome's key.
    public func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        try asking { index throws(RetortError) in try index.lookup(hash) }
    }

    /// Queries the index. If a file of it is damaged, hints and segments answer instead, from then on.
    func asking<Answer>(
        _ question: (inout StoreIndex) throws(RetortError) -> Answer
    ) throws(RetortError) -> Answer {
        do throws(RetortError) {
            return try image.index.withLock(question)
        } catch {
            guard !isWithoutRuns, context.isOfIndex(error) else { throw error }
        }
        try leaveRuns()
        return try image.index.withLock(question)
    }

    private func leaveRuns() throws(RetortError) {
        image = try image.withoutRuns()
        isWithoutRuns = true
        _ = try image.noteJournals()
    }

    /// The valid record of a key; nil if it is pending. Throws `.damagedData` if its block is damaged.
    public func record(_ key: RecordKey) throws(RetortError) -> StoredRecord? {
        try lookup(key).map { entry throws(RetortError) in try record(entry) }
    }

    /// The record of an entry. If the index names a record of another key, an index built from hints and segments
    /// answers instead.
    public func record(_ entry: IndexEntry) throws(RetortError) -> StoredRecord {
        do throws(RetortError) {
            return try recordAsStated(entry)
        } catch {
            guard context.isOfIndex(error), !isWithoutRuns else { throw error }
            try leaveRuns()
            let lane = entry.recordStatus.lane
            let found = try asking { index throws(RetortError) in
                lane.isOutcome ? try index.lookup(entry.hash) : try index.lookup(entry.hash, in: lane)
            }
            guard let again = found else { throw error }
            return try recordAsStated(again)
        }
    }

    private func recordAsStated(_ entry: IndexEntry) throws(RetortError) -> StoredRecord {
        let lane = entry.recordStatus.lane
        let line: [UInt8]
        let place: String
        if entry.isPending {
            place = context.layout.directory(lane)
            guard let found = journaled[lane]?[entry.hash] else {
                throw BlockCodec.damage("the journal has changed since the store was opened", place)
            }
            line = found
        } else {
            place = context.layout.checkpoint
            guard let reader = try segmentIfThere(lane, entry.segment),
                let header = try reader.header(at: Int(entry.offset))
            else {
                throw BlockCodec.damage(
                    "there is no block where the index says",
                    "\(context.layout.segment(lane, entry.segment)) at byte \(entry.offset)")
            }
            let block = try block(header, reader)
            let ranges = block.lineRanges
            guard Int(entry.record) < ranges.count else {
                throw BlockCodec.damage("the block has fewer records than the index says", place)
            }
            line = Array(block.raw[ranges[Int(entry.record)]])
        }
        guard let head = line.withUnsafeBytes({ RecordHead.parse($0) }), head.key.hash == entry.hash, head.lane == lane
        else { throw BlockCodec.damage("the record is not the one the index says", place) }
        return StoredRecord(head: head, line: line)
    }

    private func segmentIfThere(_ lane: Lane, _ number: UInt32) throws(RetortError) -> SegmentReader? {
        if let reader = segments[lane]?[number] { return reader }
        guard let reader = try context.segmentIfThere(lane, number) else { return nil }
        segments[lane, default: [:]][number] = reader
        return reader
    }

    private func block(_ header: BlockHeader, _ reader: SegmentReader) throws(RetortError) -> Block {
        if let cached, cached.header == header { return cached }
        let block = try reader.block(header, codec: codec)
        cached = block
        return block
    }

    // MARK: Many records

    /// Every valid record of a lane, in the order of writing: each success, of each failed key the newest failure, each
    /// round, of each verdict's key the latest; with `everyRecord` each record of the lane. Damaged blocks, lost
    /// segments and misplaced files are skipped and reported to `onDamage`.
    public func forEach(
        _ lane: Lane, everyRecord: Bool = false, onDamage: (Damage) -> Void = { _ in },
        _ body: (StoredRecord) throws(RetortError) -> Void
    ) throws(RetortError) {
        let takesAll = everyRecord || lane == .rounds
        for loss in image.losses where loss.lane == lane { onDamage(loss) }
        // Later segments contain nothing that the snapshot knows.
        let known = (segments[lane] ?? [:]).values.filter { $0.number <= image.tails[Int(lane.rawValue)].segment }
        let walked = Set(known.map(\.number))
        for damage in image.tails[Int(lane.rawValue)].damage where !walked.contains(damage.segment) { onDamage(damage) }
        for reader in known.sorted(by: { $0.number < $1.number }) {
            try forEach(lane, in: reader, takesAll, onDamage: onDamage, body)
        }
        if takesAll {
            for line in image.tails[lane.place].journaled.map(\.line) {
                guard let head = line.withUnsafeBytes({ RecordHead.parse($0) }) else { continue }
                try body(StoredRecord(head: head, line: line))
            }
            return
        }
        // Records that were in the journal when the snapshot was taken.
        for line in (journaled[lane] ?? [:]).values.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard let head = line.withUnsafeBytes({ RecordHead.parse($0) }) else { continue }
            let entry = try lookup(head.key)
            if entry?.isPending == true, entry?.recordStatus.lane == lane {
                try body(StoredRecord(head: head, line: line))
            }
        }
    }

    private func forEach(
        _ lane: Lane, in reader: SegmentReader, _ takesAll: Bool, onDamage: (Damage) -> Void,
        _ body: (StoredRecord) throws(RetortError) -> Void
    ) throws(RetortError) {
        let tail = image.tails[Int(lane.rawValue)]
        let end = reader.number == tail.segment ? tail.offset : try reader.file.size()
        let sealed = manifest.segments(lane).first { $0.number == reader.number && $0.sealed }
        var walk = SegmentWalk(
            reader, from: 0, size: min(end, sealed?.bytes ?? end), durableBytes: end, checksEveryPayload: true)
        while true {
            switch try walk.next() {
            case .block(let header):
                guard let block = try blockIfWhole(header, reader, onDamage) else { continue }
                for (number, range) in block.lineRanges.enumerated() {
                    let line = Array(block.raw[range])
                    guard let head = line.withUnsafeBytes({ RecordHead.parse($0) }), head.lane == lane else { continue }
                    let entry = takesAll ? nil : try lookup(head.key)
                    let counts =
                        takesAll
                        || entry.map {
                            $0.recordStatus.lane == lane && $0.segment == header.segment
                                && Int($0.offset) == header.offset && Int($0.record) == number
                        } ?? false
                    if counts { try body(StoredRecord(head: head, line: line)) }
                }
            case .damage(let damage): onDamage(damage)
            case .torn, .end: return
            }
        }
    }

    /// The block, unless it cannot be decompressed although its checksum is correct.
    func blockIfWhole(
        _ header: BlockHeader, _ reader: SegmentReader, _ onDamage: (Damage) -> Void
    ) throws(RetortError) -> Block? {
        do throws(RetortError) {
            return try reader.block(header, codec: codec)
        } catch {
            guard error.code == .damagedData else { throw error }
            onDamage(
                Damage(
                    lane: reader.lane, segment: reader.number, range: header.offset..<header.end,
                    records: header.records, reason: "the block's content is damaged"))
            return nil
        }
    }

    /// The entries of all keys whose newest outcome is a failure, in the order of their records on disk. Costs what the
    /// failures cost, whatever the number of successes.
    public func failedEntries() throws(RetortError) -> [IndexEntry] {
        try asking { index throws(RetortError) in
            var failed: [IndexEntry] = []
            var cursor = try index.failures.cursor()
            while let entry = try cursor.next() {
                if try index.responses.lookup(entry.hash) == nil { failed.append(entry) }
            }
            return failed.sorted { ($0.segment, $0.offset, $0.record) < ($1.segment, $1.offset, $1.record) }
        }
    }

    /// The entry of each success, in arbitrary order. Reads only the index.
    public func forEachSuccess(_ body: (IndexEntry) throws(RetortError) -> Void) throws(RetortError) {
        try asking { index throws(RetortError) in
            var cursor = try index.responses.cursor()
            while let entry = try cursor.next() { try body(entry) }
        }
    }

    /// Segment files and their bytes on disk, by lane.
    public func segmentSizes() throws(RetortError) -> [Lane: [Int]] {
        var sizes: [Lane: [Int]] = [:]
        for lane in Lane.allCases {
            for number in try context.segmentNumbers(lane) {
                sizes[lane, default: []].append(try context.files.size(of: context.layout.segment(lane, number)) ?? 0)
            }
        }
        return sizes
    }
}
