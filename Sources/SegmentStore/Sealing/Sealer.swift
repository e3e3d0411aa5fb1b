import Basics

/// Does the slow work: compresses blocks into segments, syncs, removes journals, flushes the index. Called by one
/// thread at a time.
struct Sealer {
    private let context: StoreContext
    private let options: StoreOptions
    private let index: Locked<StoreIndex>
    private let buffers: Locked<[LaneBuffer]>
    private var flusher: IndexFlusher
    /// Number of entries in a lane's table at which the index is written next; none while a store is being opened.
    private var flushEntries: Int
    private var writers: [SegmentWriter]
    private let manifest: Locked<StoreManifest>
    private let mark: MarkKeeper
    private let lock: any FileLock
    private var syncHasFailed = false

    init(
        context: StoreContext, options: StoreOptions, index: Locked<StoreIndex>, buffers: Locked<[LaneBuffer]>,
        manifest: Locked<StoreManifest>, mark: MarkKeeper, lock: any FileLock, tails: [LaneTail]
    ) throws(RetortError) {
        self.context = context
        self.options = options
        self.index = index
        self.buffers = buffers
        self.manifest = manifest
        self.mark = mark
        self.lock = lock
        flusher = IndexFlusher(context: context, index: index)
        flushEntries = .max
        writers = Lane.allCases.map {
            SegmentWriter($0, context: context, level: options.compressionLevel, tail: tails[Int($0.rawValue)])
        }
        for lane in Lane.allCases where tails[Int(lane.rawValue)].isSealed {
            try writers[Int(lane.rawValue)].rotate()
            let number = writers[Int(lane.rawValue)].number
            index.withLock { $0.beginSegment(lane, number) }
        }
    }

    /// From here on the index is written as its tables grow.
    mutating func beginFlushing() { flushEntries = context.tuning.deltaEntriesMax }

    /// Compresses a block into its lane's segment. After an error the same block may be passed again: finished steps
    /// are not repeated.
    mutating func seal(_ block: RawBlock) throws(RetortError) {
        let lane = Int(block.lane.rawValue)
        try relocate(block.lane)
        let isPlaced = index.withLock { ($0.coverage[block.lane]?.nextSequence ?? 0) >= block.nextSequence }
        if !isPlaced {
            // Never writes after data that another writer may have put there.
            try lock.confirm()
            if writers[lane].isFull(forRawBytes: block.raw.count, limit: options.segmentBytes) {
                try rotate(block.lane)
            }
            let group = try writers[lane].append(block)
            let hintBytes = writers[lane].hintBytes
            index.withLock { $0.place(group, priors: block.priors, hintBytes: hintBytes) }
            buffers.withLock { $0[lane].placed(before: block.nextSequence) }
        }
        try maintain(block.lane)
    }

    /// Keeps memory use within its limits.
    private mutating func maintain(_ lane: Lane) throws(RetortError) {
        if index.withLock({ $0[lane].delta.count }) >= flushEntries {
            try flushIndex()
        } else if writers[Int(lane.rawValue)].unsyncedBytes >= StoreLimits.unsyncedBytesMax {
            try sync()
        }
    }

    /// Makes everything durable, then writes runs and the checkpoint for the placed entries. A failure to write these
    /// is noted in the index, and is not an error. Records appended meanwhile become durable in the journals: merging
    /// large runs takes longer than the sync interval.
    mutating func flushIndex() throws(RetortError) {
        try sync()
        var flusher = flusher
        defer { self.flusher = flusher }
        var failedSync: RetortError?
        do throws(RetortError) {
            try flusher.flush { () throws(RetortError) in
                do throws(RetortError) {
                    try syncJournals()
                } catch {
                    failedSync = error
                    throw error
                }
            }
            index.withLock { $0.trouble = nil }
            flushEntries = context.tuning.deltaEntriesMax
        } catch {
            if let failedSync { throw failedSync }
            noteUnwrittenIndex(error)
        }
    }

    /// The index is a cache: the work continues without it. Writing is tried again when the tables have grown as much
    /// again.
    private mutating func noteUnwrittenIndex(_ error: RetortError) {
        if context.isOfIndex(error) { index.withLock { $0.damage = error } }
        _ = context.distrustsIndex(error)
        let entries = index.withLock { index in
            index.trouble = error
            return Lane.allCases.map { index[$0].delta.count }.max() ?? 0
        }
        flushEntries = entries + context.tuning.deltaEntriesMax
    }

    private mutating func rotate(_ lane: Lane) throws(RetortError) {
        try sync()
        let writer = Int(lane.rawValue)
        let entry = writers[writer].manifestEntry(sealed: true)
        try updateManifest { $0.setSegment(lane, entry) }
        try writers[writer].rotate()
        let number = writers[writer].number
        index.withLock { $0.beginSegment(lane, number) }
    }

    /// Changes the manifest on disk and then in memory.
    func updateManifest(_ change: (inout StoreManifest) -> Void) throws(RetortError) {
        var next = manifest.withLock { $0 }
        change(&next)
        try next.save(context.layout, files: context.files)
        manifest.withLock { $0 = next }
    }

    /// Makes everything sealed and journalled durable, and removes journals that are no longer needed.
    mutating func sync() throws(RetortError) {
        try lock.confirm()
        for lane in Lane.allCases { try syncSegment(lane) }
        try retireJournals()
        try syncJournals()
        try syncMark()
    }

    private mutating func syncMark() throws(RetortError) {
        while true {
            do throws(RetortError) {
                return try mark.sync()
            } catch {
                try noteFailedSync(error)
            }
        }
    }

    private mutating func syncSegment(_ lane: Lane) throws(RetortError) {
        let writer = Int(lane.rawValue)
        try relocate(lane)
        if options.sync == .never {
            writers[writer].assumeDurable()
            return
        }
        while true {
            do throws(RetortError) {
                try writers[writer].sync()
                return
            } catch {
                writers[writer].distrust()
                try noteFailedSync(error)
            }
            try relocate(lane)
        }
    }

    /// After a second failure the disk is not trusted any more, and the store stops. A full disk only delays the work.
    private mutating func noteFailedSync(_ error: RetortError) throws(RetortError) {
        if syncHasFailed || error.code == .noSpace { throw error }
        syncHasFailed = true
    }

    /// The file whose sync failed is never synced again: its data that was not durable goes to a new segment. Begins
    /// that, or continues what a full disk interrupted.
    private mutating func relocate(_ lane: Lane) throws(RetortError) {
        let writer = Int(lane.rawValue)
        if writers[writer].isDistrusted {
            try guardFoundBlocks(lane)
            // Sealed or removed before its blocks are written elsewhere: after a crash they must not be found twice.
            let abandoned = writers[writer].manifestEntry(sealed: true)
            if abandoned.bytes > 0 {
                try updateManifest { $0.setSegment(lane, abandoned) }
            } else {
                try context.files.remove(context.layout.segment(lane, abandoned.number))
                try context.files.syncDirectory(context.layout.directory(lane))
            }
            try writers[writer].leaveDistrusted()
            let number = writers[writer].number
            index.withLock { $0.beginSegment(lane, number) }
        }
        while let (group, old) = try writers[writer].relocateNext() {
            let hintBytes = writers[writer].hintBytes
            index.withLock { $0.move(group, from: old, hintBytes: hintBytes) }
        }
    }

    /// Blocks from before the store was opened are in no journal: they are journalled before they are cut off.
    private mutating func guardFoundBlocks(_ lane: Lane) throws(RetortError) {
        let writer = Int(lane.rawValue)
        let found = try writers[writer].foundBlocks()
        try buffers.withLock { buffers throws(RetortError) in
            for block in found { try buffers[writer].journalAgain(block.raw, from: block.header.firstSequence) }
        }
        try syncDirtyJournals(lane)
        writers[writer].adopt(found)
    }

    private func retireJournals() throws(RetortError) {
        let durable = index.withLock { index in Lane.allCases.map { index.coverage[$0]?.nextSequence ?? 0 } }
        let limit = context.tuning.journalBytes
        let obsolete = buffers.withLock { buffers in
            buffers.indices.flatMap { buffers[$0].journal.takeObsolete(before: durable[$0], closingFrom: limit) }
        }
        for path in obsolete { try context.files.remove(path) }
    }

    private mutating func syncJournals() throws(RetortError) {
        for lane in Lane.allCases {
            if options.sync == .never {
                _ = buffers.withLock { $0[Int(lane.rawValue)].journal.takeDirty() }
                continue
            }
            while true {
                try rejournal(lane)
                do throws(RetortError) {
                    try syncDirtyJournals(lane)
                    break
                } catch {
                    try noteFailedSync(error)
                }
            }
        }
    }

    /// After an error the files are not synced again; `rejournal` must be called.
    private func syncDirtyJournals(_ lane: Lane) throws(RetortError) {
        let dirty = buffers.withLock { $0[Int(lane.rawValue)].journal.takeDirty() }
        do throws(RetortError) {
            for file in dirty.files { try file.syncData() }
            if dirty.directory { try context.files.syncDirectory(context.layout.directory(lane)) }
        } catch {
            buffers.withLock { $0[Int(lane.rawValue)].journal.distrust() }
            throw error
        }
    }

    /// Writes the lines of distrusted journals to a new one, unless that has been done.
    private func rejournal(_ lane: Lane) throws(RetortError) {
        try buffers.withLock { buffers throws(RetortError) in
            if buffers[Int(lane.rawValue)].journal.isDistrusted { try buffers[Int(lane.rawValue)].rejournal() }
        }
    }

    /// Leaves the store as a clean close does: everything in segments and runs, no journal.
    mutating func finish() throws(RetortError) {
        try flushIndex()
        for lane in Lane.allCases {
            let paths = buffers.withLock { buffers in
                buffers[Int(lane.rawValue)].journal.close()
                return buffers[Int(lane.rawValue)].journal.takeObsolete(before: .max, closingFrom: 0)
            }
            for path in paths { try context.files.remove(path) }
        }
        let entries = writers.map { ($0.lane, $0.manifestEntry(sealed: false)) }
        try updateManifest { manifest in
            for (lane, entry) in entries where entry.number > 0 && entry.bytes > 0 { manifest.setSegment(lane, entry) }
        }
    }
}
