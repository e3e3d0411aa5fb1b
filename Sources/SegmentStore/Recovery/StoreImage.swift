import Basics

/// A store as found on disk: the manifest, the index updated to the end of the data, and the damage. Loading changes
/// nothing on disk unless repair is requested.
struct StoreImage {
    var manifest: StoreManifest
    var context: StoreContext
    var index: Locked<StoreIndex>
    /// By the lane's number.
    var tails: [LaneTail]
    /// Segments that are missing, or shorter than they were.
    var losses: [Damage]
    /// Whether the index had to be made from the hints and the segments.
    var indexWasRebuilt: Bool

    /// Maximum attempts of a reader to read a consistent set of index files while a writer replaces them.
    private static let triesMax = 20

    /// `scratch` returns a directory for the runs of an index that must be rebuilt without touching the store; without
    /// one such an index is kept in memory. Called only if needed.
    static func load(
        _ root: String, options: StoreOptions, mends: Bool, usesCheckpoint: Bool = true,
        scratch: () -> String? = { nil }
    ) throws(RetortError) -> StoreImage {
        let layout = StoreLayout(root: root)
        let files = options.files
        var tries = 0
        while true {
            let manifest = try StoreManifest.load(layout, files: files)
            let mayUse = usesCheckpoint && tries < triesMax
            let found = try loadCheckpoint(layout, manifest, files)
            let checkpoint = mayUse ? found : nil
            let context = StoreContext(
                root: root, manifest: manifest, options: options, scratch: checkpoint == nil ? scratch() : nil)
            do throws(RetortError) {
                var image = try load(context, manifest: manifest, checkpoint: checkpoint, mends: mends)
                image.losses = try losses(context, manifest: manifest, checkpoint: found)
                return image
            } catch {
                // A file of the index or a segment was removed while reading, or the index is invalid: tries again, and
                // in the end without the index.
                guard error.code == .inputMissing || error.code == .damagedData, mayUse else { throw error }
                tries = mends || error.code == .damagedData ? triesMax : tries + 1
            }
        }
    }

    /// The checkpoint, if there is a valid one.
    static func loadCheckpoint(
        _ layout: StoreLayout, _ manifest: StoreManifest, _ files: any FileSystem
    ) throws(RetortError) -> Checkpoint? {
        do throws(RetortError) {
            let bytes = try files.contents(of: layout.checkpoint, bytesMax: StoreLimits.checkpointBytesMax)
            return bytes.flatMap { Checkpoint.decode($0, storeID: manifest.storeID) }
        } catch {
            // An invalid checkpoint is treated as missing.
            guard error.code == .damagedData else { throw error }
            return nil
        }
    }

    /// Whether there is a checkpoint of an earlier version, which is rewritten.
    static func hasEarlierCheckpoint(_ layout: StoreLayout, _ files: any FileSystem) throws(RetortError) -> Bool {
        guard try files.isRegular(layout.checkpoint),
            try files.size(of: layout.checkpoint) ?? 0 <= StoreLimits.checkpointBytesMax
        else { return false }
        let bytes = try files.contents(of: layout.checkpoint, bytesMax: StoreLimits.checkpointBytesMax)
        return bytes.map { Checkpoint.isEarlier($0) } ?? false
    }

    private static func load(
        _ context: StoreContext, manifest: StoreManifest, checkpoint: Checkpoint?, mends: Bool
    ) throws(RetortError) -> StoreImage {
        var fresh: StoreIndex
        if let checkpoint {
            fresh = try StoreIndex(context, checkpoint: checkpoint)
        } else {
            fresh = try emptyIndex(context)
        }
        fresh.setInput(of: manifest)
        let index = Locked(fresh)
        var mending: LaneReplay.Mending?
        var tails: [LaneTail] = []
        if mends || context.layout.scratch != nil {
            var flusher = IndexFlusher(context: context, index: index)
            mending = LaneReplay.Mending(
                writesHints: mends,
                flush: { (found) throws(RetortError) in
                    guard mends else { return try flusher.flushToScratch() }
                    // The index must never be ahead of the data, in any lane.
                    for (lane, tail) in zip(Lane.allCases, tails) {
                        try FoundBytes(lane, tail.segment, durableBytes: tail.durableBytes, offset: tail.offset)
                            .makeDurable(context)
                    }
                    try found.makeDurable(context)
                    do throws(RetortError) {
                        try flusher.flush()
                    } catch {
                        // Without it the tables stay in memory for now.
                        if error.code == .damagedData { throw error }
                        index.withLock { $0.trouble = error }
                    }
                })
        }
        for lane in Lane.allCases {
            let replay = LaneReplay(lane, context: context, manifest: manifest, index: index, mending: mending)
            tails.append(try replay.run())
        }
        return StoreImage(
            manifest: manifest, context: context, index: index, tails: tails,
            losses: [], indexWasRebuilt: checkpoint == nil)
    }

    /// An index without runs. Its run numbers begin after those of any existing file.
    private static func emptyIndex(_ context: StoreContext) throws(RetortError) -> StoreIndex {
        var index = StoreIndex(context)
        let numbers = try context.files.entries(of: context.layout.index).compactMap(StoreLayout.runNumber)
        index.nextRunNumber = (numbers.max() ?? 0) + 1
        return index
    }

    /// The same snapshot with an index rebuilt from hints and segments, in memory: for readers that find a damaged run.
    func withoutRuns() throws(RetortError) -> StoreImage {
        var fresh = try Self.emptyIndex(context)
        fresh.setInput(of: manifest)
        var image = self
        image.index = Locked(fresh)
        for lane in Lane.allCases {
            let replay = LaneReplay(
                lane, context: context, manifest: manifest, index: image.index, mending: nil,
                limit: tails[Int(lane.rawValue)])
            _ = try replay.run()
        }
        return image
    }

    /// Segments that are shorter than the manifest says, or than a checkpoint proves them to have been.
    private static func losses(
        _ context: StoreContext, manifest: StoreManifest, checkpoint: Checkpoint?
    ) throws(RetortError) -> [Damage] {
        var losses: [Damage] = []
        for lane in Lane.allCases {
            var expected = Dictionary(uniqueKeysWithValues: manifest.segments(lane).map { ($0.number, $0.bytes) })
            let last = max(expected.keys.max() ?? 0, try context.segmentNumbers(lane).last ?? 0)
            if let coverage = checkpoint?.coverage[lane], coverage.offset > 0,
                coverage.segment <= last + StoreLimits.segmentGapMax
            {
                expected[coverage.segment] = max(expected[coverage.segment] ?? 0, coverage.offset)
            }
            for (number, bytes) in expected.sorted(by: { $0.key < $1.key }) {
                let size = try context.segmentBytes(lane, number)
                guard (size ?? 0) < bytes else { continue }
                losses.append(
                    Damage(
                        lane: lane, segment: number, range: (size ?? 0)..<bytes, records: nil,
                        reason: size == nil ? "the segment is gone" : "the segment is shorter than it was"))
            }
        }
        return losses
    }

    /// The segments of a lane with the number of bytes that belong to the snapshot.
    func segmentEnds(_ lane: Lane) throws(RetortError) -> [(number: UInt32, bytes: Int)] {
        let tail = tails[Int(lane.rawValue)]
        var ends: [(number: UInt32, bytes: Int)] = []
        for number in try context.segmentNumbers(lane) where number <= tail.segment {
            let size = try context.files.size(of: context.layout.segment(lane, number)) ?? 0
            let listed = manifest.segments(lane).first { $0.number == number && $0.sealed }
            ends.append((number, number == tail.segment ? tail.offset : min(size, listed?.bytes ?? size)))
        }
        return ends
    }

    /// The current segments, each open for reading, by lane and number.
    func openSegments() throws(RetortError) -> [Lane: [UInt32: SegmentReader]] {
        var segments: [Lane: [UInt32: SegmentReader]] = [:]
        for lane in Lane.allCases {
            for number in try context.segmentNumbers(lane) {
                segments[lane, default: [:]][number] = try context.segment(lane, number)
            }
        }
        return segments
    }

    var damage: [Damage] { losses + tails.flatMap(\.damage) }

    /// Adds the journals' lines to the index as received records without a position in a segment. Returns them by key
    /// hash, for reading. Their rows have outcomes, as they will have for the run that recovers them. `onNoted` is
    /// called with each valid line.
    func noteJournals(onNoted: (Lane, [UInt8]) -> Void = { _, _ in }) throws(RetortError) -> [Lane: [Hash128: [UInt8]]]
    {
        var lines: [Lane: [Hash128: [UInt8]]] = [:]
        for lane in Lane.allCases {
            for journaled in tails[Int(lane.rawValue)].journaled {
                guard let hint = context.hint(of: journaled.line) else { continue }
                let noted = try index.withLock { index throws(RetortError) -> UInt8? in
                    // Of two successes of one key the first counts.
                    if lane == .responses, try index.responses.lookup(hint.hash) != nil { return nil }
                    let prior = try index.prior(hint.hash, in: lane)
                    index.note(hint, in: lane, prior: prior, tallies: context.recount(journaled.line))
                    index.noteItem(hint, in: lane, sequence: journaled.sequence)
                    return prior
                }
                guard let prior = noted else { continue }
                // Of several records of a round the index names the first.
                if lane != .rounds || prior == 0 { lines[lane, default: [:]][hint.hash] = journaled.line }
                onNoted(lane, journaled.line)
            }
        }
        return lines
    }
}
