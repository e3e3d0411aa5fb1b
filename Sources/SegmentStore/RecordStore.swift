public import Basics

/// A store, open for writing: append-only, one writer at a time, safe against `kill -9` at any instruction.
///
/// All methods may be called from any thread; `append` from one at a time. What `append` has taken survives the
/// process; it survives a power cut after the sync interval at the latest.
///
///     let store = try RecordStore.create(root, job: ["model": "small"], failureClasses: ["timeout"])
///     _ = try store.append([
///         NewRecord(
///             key: RecordKey("sum"), status: .ok, attempts: 1, row: 0, fingerprint: 17,
///             members: Array(#""prompt":"2 + 2","response":"4""#.utf8)),
///         NewRecord(
///             key: RecordKey("poem"), status: .failed(classIndex: 0), attempts: 5, row: 1, fingerprint: 18,
///             members: Array(#""prompt":"A poem","message":"no answer after 60 s""#.utf8)),
///     ])
///     try store.endInput(rows: 2)
///     try store.close()
///
///     let reader = try StoreReader(root)
///     if let record = try reader.record(RecordKey("sum")) {
///         print(String(decoding: record.line, as: UTF8.self))
///     }
///     try reader.forEach(.failures) { record in print(record.head.key, "failed") }
///
///     let report = try StoreVerification.run(root, deep: true)
///     print(report.equation, report.isClean ? "all is well" : "see report.problems")
public final class RecordStore: Sendable {
    public let root: String
    /// What opening had to repair.
    public let recovery: RecoveryReport
    private let context: StoreContext
    /// How it was opened.
    public let options: StoreOptions
    let index: Locked<StoreIndex>
    let buffers: Locked<[LaneBuffer]>
    private let manifestBox: Locked<StoreManifest>
    private let lock: any FileLock
    let sealing: Sealing
    private let reserve: DiskReserve
    private let markKeeper: MarkKeeper
    /// Whether the last `append` met a full disk.
    private let wasFull = Locked(false)
    /// Rounds already in the store, of batches that a full disk stopped after them.
    private let takenRounds = Locked<Set<Hash128>>([])

    /// The result of appending a batch.
    public struct Appended: Sendable, Hashable {
        /// Records that are in the store now.
        public var count = 0
        /// Records left out because their key already has a success.
        public var duplicates = 0
        /// Whether much is waiting to be compressed: append nothing more until `onRelief` calls back.
        public var isPressed = false
    }

    /// Creates a store in `root`, which must not contain one. The job, the failure classes and the tallies are fixed
    /// from then on.
    public static func create(
        _ root: String, job: [String: String], failureClasses: [String], tallies: [String] = [], samples: Int = 1,
        options: StoreOptions = StoreOptions()
    ) throws(RetortError) -> RecordStore {
        var manifest = StoreManifest(
            storeID: UInt64.random(in: 1...UInt64.max), job: job, failureClasses: failureClasses, tallies: tallies,
            samples: samples)
        manifest.features = [BlockChecks.feature]
        return try create(root, manifest: manifest, options: options)
    }

    /// As above with a given manifest, which states the store's id.
    static func create(
        _ root: String, manifest: StoreManifest, options: StoreOptions
    ) throws(RetortError) -> RecordStore {
        let layout = StoreLayout(root: root)
        let files = options.files
        precondition((1...StoreLimits.samplesMax).contains(manifest.samples), "samples out of range")
        try files.createDirectory(root)
        // An existing directory may have been created by a run that was killed before its parent was synced. A parent
        // that cannot be opened is not this run's responsibility.
        try? files.syncDirectory(PosixFileSystem.parent(of: root))
        let lock = try files.lock(layout.lock)
        guard try files.size(of: layout.manifest) == nil else {
            throw RetortError(.configuration, "there is a store already", at: root)
        }
        for lane in Lane.allCases { try files.createDirectory(layout.directory(lane)) }
        try files.createDirectory(layout.index)
        var manifest = manifest
        try manifest.save(layout, files: files)
        return try RecordStore(root, options: options, lock: lock)
    }

    /// Opens the store in `root` for writing and repairs what a kill left. Throws `.busy` if another process is
    /// writing, `.damagedData` if segments are missing or shorter than they were.
    public static func open(_ root: String, options: StoreOptions = StoreOptions()) throws(RetortError) -> RecordStore {
        let layout = StoreLayout(root: root)
        guard try options.files.size(of: layout.manifest) != nil else {
            _ = try StoreManifest.load(layout, files: options.files)
            throw RetortError(.notFound, "not a store", at: root)
        }
        let lock = try options.files.lock(layout.lock)
        for lane in Lane.allCases { try options.files.createDirectory(layout.directory(lane)) }
        try options.files.createDirectory(layout.index)
        do throws(RetortError) {
            return try RecordStore(root, options: options, lock: lock)
        } catch {
            // A damaged index page is noticed only when it is accessed: then opens once more, without the index.
            let context = StoreContext(
                root: root, manifest: try StoreManifest.load(layout, files: options.files), options: options)
            guard context.distrustsIndex(error) else { throw error }
            return try RecordStore(root, options: options, lock: lock)
        }
    }

    /// The manifest of the store in `root`; nil when there is none.
    public static func manifest(
        of root: String, files: any FileSystem = PosixFileSystem()
    ) throws(RetortError) -> StoreManifest? {
        let layout = StoreLayout(root: root)
        guard try files.size(of: layout.manifest) != nil else { return nil }
        return try StoreManifest.load(layout, files: files)
    }

    /// `lock` is already held.
    init(_ root: String, options: StoreOptions, lock: any FileLock) throws(RetortError) {
        _ = try Superseding.finish(StoreLayout(root: root), options.files)
        let image = try StoreImage.load(root, options: options, mends: true)
        if let loss = image.losses.first {
            throw RetortError(
                .damagedData, loss.reason, at: image.context.layout.segment(loss.lane, loss.segment),
                remedy:
                    "Put the file back (if this is a copy that was made during a run, copy the store again), or run "
                    + "`retort repair` to continue without it: its items become pending.")
        }
        self.root = root
        self.options = options
        self.lock = lock
        context = image.context
        reserve = DiskReserve(image.context, bytes: options.blockRawBytes)
        // Recovery may need the space: the disk may be as full as the last process left it.
        reserve.release()
        index = image.index
        var manifest = image.manifest
        // Before anything is written that an earlier version does not understand.
        if manifest.version < StoreManifest.currentVersion { try manifest.save(context.layout, files: context.files) }
        manifestBox = Locked(manifest)
        markKeeper = try MarkKeeper(image.context, syncs: options.sync != .never)
        let recoverer = StoreRecovery(image: image, options: options)
        var report = RecoveryReport(
            tornBytes: try recoverer.cutTails(), badJournalLines: image.tails.map(\.badJournalLines).reduce(0, +),
            damage: image.damage, indexWasRebuilt: image.indexWasRebuilt && image.tails.contains { $0.segment > 0 })
        try recoverer.removeStrays()
        let placeholder = Lane.allCases.map {
            LaneBuffer(
                $0, context: image.context, options: options,
                nextSequence: image.tails[Int($0.rawValue)].nextSequence)
        }
        buffers = Locked(placeholder)
        var sealer = try Sealer(
            context: context, options: options, index: index, buffers: buffers, manifest: manifestBox,
            mark: markKeeper, lock: lock, tails: image.tails)
        let sealed = try recoverer.sealJournals(&sealer)
        report.recoveredRecords = sealed.records
        if report.indexWasRebuilt { try sealer.flushIndex() }
        sealer.beginFlushing()
        let context = self.context
        buffers.withLock { buffers in
            buffers = Lane.allCases.map {
                LaneBuffer(
                    $0, context: context, options: options, nextSequence: sealed.nextSequences[Int($0.rawValue)])
            }
        }
        recovery = report
        sealing = Sealing(sealer, context: context, options: options)
        reserve.hold()
    }

    /// A store released without `close` is in the same state as after a kill.
    deinit { sealing.stop() }

    /// Damage found by opening, and by a bounded check of the segments' checksums.
    public func knownDamage() -> [Damage] {
        SpotCheck.damage(context, manifestBox.withLock { $0 }, known: recovery.damage)
    }

    // MARK: Writing

    /// Appends records. When it returns, they survive the process. Outcomes whose key already has a success are left
    /// out. Rounds are journalled before the outcomes of their batch, verdicts after them.
    ///
    /// Throws `.noSpace` if the disk is full: the same batch may be appended again later. Successes and rounds that
    /// were already taken are recognised; of the failures all or none are taken.
    public func append(_ batch: [NewRecord]) throws(RetortError) -> Appended {
        if let fatal = sealing.fatal { throw fatal }
        // New space goes to the segments first: a little of it lets journals be removed.
        if wasFull.withLock({ $0 }) { try relieveDisk() }
        var result = Appended()
        if batch.allSatisfy({ $0.status.lane.isOutcome }) {
            try appendOutcomes(batch, result: &result)
        } else {
            try appendMixed(batch, result: &result)
        }
        if options.sync == .always { try sealing.sync() }
        return result
    }

    private func appendOutcomes(_ batch: [NewRecord], result: inout Appended) throws(RetortError) {
        var rest = batch[...]
        while !rest.isEmpty {
            let staged = try stage(&rest, result: &result)
            for lane in Lane.outcomes { try takeOrRelieve(staged[lane.place], in: lane, result: &result) }
        }
    }

    private func takeOrRelieve(
        _ records: [LaneBuffer.Staged], in lane: Lane, result: inout Appended
    ) throws(RetortError) {
        guard !records.isEmpty else { return }
        do throws(RetortError) {
            try take(records, in: lane, result: &result)
        } catch {
            guard error.code == .noSpace else { throw error }
            try relieveDisk()
            try takeInParts(records, in: lane, result: &result)
        }
    }

    private func appendMixed(_ batch: [NewRecord], result: inout Appended) throws(RetortError) {
        let rounds = batch.filter { $0.status == .round }
        let pending = takenRounds.withLock { taken in rounds.filter { taken.remove($0.identity) == nil } }
        do throws(RetortError) {
            try appendBeside(pending, in: .rounds, result: &result)
        } catch {
            takenRounds.withLock { $0.formUnion(Set(rounds.map(\.identity)).subtracting(pending.map(\.identity))) }
            throw error
        }
        result.count += rounds.count - pending.count
        do throws(RetortError) {
            try appendOutcomes(batch.filter(\.status.lane.isOutcome), result: &result)
            try appendBeside(batch.filter { $0.status == .verdict }, in: .verdicts, result: &result)
        } catch {
            // The batch may be appended again.
            takenRounds.withLock { $0.formUnion(rounds.map(\.identity)) }
            throw error
        }
    }

    /// Appends records of a lane that is not of outcomes: none of them is left out.
    private func appendBeside(_ records: [NewRecord], in lane: Lane, result: inout Appended) throws(RetortError) {
        guard !records.isEmpty else { return }
        let hashes = records.map(\.key.hash)
        let stored = try asking { index throws(RetortError) in
            index.noteLookups(hashes.count)
            return try index.lookup(hashes, in: lane)
        }
        var seen: Set<Hash128> = []
        var staged: [LaneBuffer.Staged] = []
        for (number, record) in records.enumerated() {
            precondition(record.isWellFormed, "a record's key fits its status; its members are one line, not empty")
            let isFirst = seen.insert(hashes[number]).inserted && stored[number] == nil
            staged.append(
                LaneBuffer.Staged(
                    record: record, hint: RecordHint(record, hash: hashes[number]),
                    prior: isFirst ? 0 : record.status.code))
        }
        try takeOrRelieve(staged, in: lane, result: &result)
    }

    private func take(_ records: [LaneBuffer.Staged], in lane: Lane, result: inout Appended) throws(RetortError) {
        let full = try buffers.withLock { buffers throws(RetortError) in
            var full = try buffers[Int(lane.rawValue)].append(records)
            index.withLock { index in
                for item in records {
                    index.note(item.hint, in: lane, prior: item.prior, tallies: item.record.tallies)
                }
            }
            for other in Lane.outcomes where other != lane {
                if let waiting = buffers[other.place].pass(by: records.count) { full.append(waiting) }
            }
            return full
        }
        result.count += records.count
        result.isPressed = sealing.submit(full) || result.isPressed
    }

    /// For an almost full disk: successes that do not fit into the journal together are taken in halves, and each half
    /// is sealed, which needs a fraction of the space, before the next.
    private func takeInParts(
        _ records: [LaneBuffer.Staged], in lane: Lane, result: inout Appended
    ) throws(RetortError) {
        do throws(RetortError) {
            try take(records, in: lane, result: &result)
        } catch {
            guard error.code == .noSpace, lane == .responses, records.count > 1 else { throw error }
            for part in [records.prefix(records.count / 2), records.suffix(records.count - records.count / 2)] {
                try relieveDisk()
                try takeInParts(Array(part), in: lane, result: &result)
            }
        }
    }

    /// Takes records from the front of `batch` that can be written together: up to one whose key failed in the same
    /// batch and ended differently later.
    private func stage(
        _ batch: inout ArraySlice<NewRecord>, result: inout Appended
    ) throws(RetortError) -> [[LaneBuffer.Staged]] {
        var staged: [[LaneBuffer.Staged]] = [[], []]
        var seen: [Hash128: RecordStatus] = Dictionary(minimumCapacity: batch.count)
        let hashes = batch.map(\.key.hash)
        let stored = try asking { index throws(RetortError) in
            // Here rather than where blocks are placed: appending continues while the sealer merges runs.
            index.noteLookups(hashes.count)
            return try index.lookup(hashes)
        }
        for (hash, stored) in zip(hashes, stored) {
            let record = batch[batch.startIndex]
            precondition(record.isWellFormed, "a record's key fits its status; its members are one line, not empty")
            if let before = seen[hash], before != .ok { break }
            batch.removeFirst()
            let known = seen[hash] == nil ? try priorOutcome(hash, stored) : .success
            guard case .failure(let prior) = known else {
                result.duplicates += 1
                continue
            }
            seen[hash] = record.status
            staged[Int(record.status.lane.rawValue)].append(
                LaneBuffer.Staged(record: record, hint: RecordHint(record, hash: hash), prior: prior))
        }
        return staged
    }

    private enum PriorOutcome: Equatable {
        case success
        /// The status byte of the key's newest failure, or 0 if it has none.
        case failure(UInt8)
    }

    /// The stored outcome of a key, whose entry is given. A failure that is still in the journal is sealed first, so
    /// that checkpoints never count a record before the one that it supersedes.
    private func priorOutcome(_ hash: Hash128, _ entry: IndexEntry?) throws(RetortError) -> PriorOutcome {
        var entry = entry
        // The previous record of the batch may have sealed it already.
        if entry.map(isFailureOfJournal) ?? false { entry = try lookup(hash) }
        if entry.map(isFailureOfJournal) ?? false {
            try flushBuffers()
            entry = try lookup(hash)
        }
        guard let entry else { return .failure(0) }
        return entry.status == 0 ? .success : .failure(entry.status)
    }

    private func isFailureOfJournal(_ entry: IndexEntry) -> Bool { entry.isPending && entry.status != 0 }

    private func flushBuffers() throws(RetortError) {
        let blocks = buffers.withLock { buffers in buffers.indices.compactMap { buffers[$0].cut() } }
        _ = sealing.submit(blocks)
        try sealing.drain()
    }

    /// Moves everything to segments, which are a fraction of the journals' size, and removes the journals.
    private func relieveDisk() throws(RetortError) {
        wasFull.withLock { $0 = true }
        reserve.release()
        let blocks = buffers.withLock { buffers in
            buffers.indices.compactMap { lane in
                buffers[lane].journal.close()
                return buffers[lane].cut()
            }
        }
        _ = sealing.submit(blocks)
        try sealing.drain()
        try sealing.sync()
        reserve.hold()
        wasFull.withLock { $0 = false }
    }

    /// Makes everything appended so far durable.
    public func sync() throws(RetortError) { try sealing.sync() }

    /// Calls `action` from the store's thread when there is room again after `append` reported pressure, or when there
    /// never will be because the store has failed. The action must not call the store.
    public func onRelief(_ action: @escaping @Sendable () -> Void) { sealing.onRelief(action) }

    /// What currently keeps received records from their segments, such as a full disk. They are safe in the journal.
    public var trouble: RetortError? { sealing.trouble }

    /// Why the index could not be written; nil if it could. Nothing is lost: the next opening reads the blocks that the
    /// index lacks.
    public var indexTrouble: RetortError? { index.withLock { $0.trouble } }

    /// Moves everything to segments, makes it durable, writes the index and the manifest, and releases the store. If it
    /// throws, nothing is lost: the journals stay, and the next opening continues from there.
    public func close() throws(RetortError) {
        defer { lock.release() }
        reserve.release()
        let blocks = buffers.withLock { buffers in buffers.indices.compactMap { buffers[$0].cut() } }
        try sealing.finish(blocks)
    }

    // MARK: Asking

    /// The valid outcome of a key: status, attempts, and the request's fingerprint. For a round's key the first record,
    /// for a verdict's the latest.
    public func lookup(_ key: RecordKey) throws(RetortError) -> IndexEntry? {
        try asking { index throws(RetortError) in try index.lookup(key) }
    }

    /// As above, by the hash of an outcome's key.
    public func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        try asking { index throws(RetortError) in try index.lookup(hash) }
    }

    /// The entries of several keys of rounds, or of verdicts, in order.
    public func lookup(_ hashes: [Hash128], in lane: Lane) throws(RetortError) -> [IndexEntry?] {
        try asking { index throws(RetortError) in try index.lookup(hashes, in: lane) }
    }

    /// As above for several keys of outcomes, in order. A few dozen together cost a third of single lookups.
    public func lookup(_ hashes: [Hash128]) throws(RetortError) -> [IndexEntry?] {
        try asking { index throws(RetortError) in try index.lookup(hashes) }
    }

    private func asking<Answer>(
        _ question: (inout StoreIndex) throws(RetortError) -> Answer
    ) throws(RetortError) -> Answer {
        do throws(RetortError) {
            return try index.withLock(question)
        } catch {
            // Noted first: a running flush checks the note after it has written its checkpoint.
            if context.isOfIndex(error) { index.withLock { $0.damage = error } }
            _ = context.distrustsIndex(error)
            throw error
        }
    }

    /// Exact counts of what has been appended so far.
    public var counters: StoreCounters { index.withLock { $0.live } }

    public var manifest: StoreManifest { manifestBox.withLock { $0 } }

    /// Stores a text beside the job, for the caller to read later.
    public func note(_ name: String, _ text: String) throws(RetortError) {
        guard manifest.notes?[name] != text else { return }
        try sealing.updateManifest { $0.notes = ($0.notes ?? [:]).merging([name: text]) { $1 } }
    }

    // MARK: The mark

    /// A number that the caller keeps in the store, such as the maximum that may have been spent; 0 until it is set.
    public var mark: Int64 { markKeeper.value }

    /// Sets the mark. When it returns the value survives the process; it survives a power cut when records appended at
    /// the same time do. Costs one write of 40 bytes, and for the first one of a store a sync.
    public func setMark(_ value: Int64) throws(RetortError) {
        if let fatal = sealing.fatal { throw fatal }
        try markKeeper.set(value)
        if options.sync == .always { try sealing.sync() }
    }
}
