import Basics

/// Writes a run from entries in hash order, each hash once.
struct RunWriter {
    private let file: any StoreFile
    private let lane: Lane
    private let level: UInt8
    private let number: UInt64
    private let storeID: UInt64
    private var stream: RunPageStream
    private var filter: RunFilterWriter
    private var page: [IndexEntry] = []
    private var fences = ByteWriter()
    private var entries = 0

    /// `keys` is the maximum number of entries, for the size of the filter; with 0 the run has none.
    init(
        lane: Lane, level: UInt8, number: UInt64, storeID: UInt64, keys: Int, layout: StoreLayout,
        files: any FileSystem
    ) throws(RetortError) {
        file = try files.open(layout.run(number), .createEmpty)
        self.lane = lane
        self.level = level
        self.number = number
        self.storeID = storeID
        filter = RunFilterWriter(keys: keys, stream: RunPageStream(file, run: number, page: 1))
        stream = RunPageStream(file, run: number, page: 1 + RunFilter.pages(blocks: filter.blocks))
        page.reserveCapacity(RunFormat.entriesPerPage)
    }

    mutating func append(_ entry: IndexEntry) throws(RetortError) {
        if page.isEmpty { fences.append(entry.hash.high) }
        page.append(entry)
        try filter.insert(entry.hash)
        if page.count == RunFormat.entriesPerPage { try finishPage() }
    }

    private mutating func finishPage() throws(RetortError) {
        guard !page.isEmpty else { return }
        try stream.append(count: page.count) { [page] bytes in
            for (index, entry) in page.enumerated() { entry.encode(into: bytes, at: index * IndexEntry.bytes) }
        }
        entries += page.count
        page.removeAll(keepingCapacity: true)
    }

    /// Makes the written part durable, so that the end does not wait for everything.
    func sync() throws(RetortError) { try file.syncData() }

    /// Completes the file and makes its data durable. The caller syncs the directory.
    mutating func finish() throws(RetortError) {
        try finishPage()
        try filter.finish()
        let end = try stream.flush()
        let pages = fences.bytes.count / 8
        fences.append(fences.bytes.withUnsafeBytes { ContentHash.hash64($0) })
        try file.write(fences.bytes, at: end)
        try file.write(head(pages: pages), at: 0)
        try file.syncData()
    }

    private func head(pages: Int) -> [UInt8] {
        var head = ByteWriter()
        head.append(RunFormat.magic)
        head.append(RunFormat.version)
        head.append(storeID)
        head.append(lane.rawValue)
        head.append(level)
        head.append(UInt16(0))
        head.append(UInt32(0))
        head.append(UInt64(entries))
        head.append(UInt64(pages))
        head.append(number)
        head.append(UInt64(filter.blocks))
        head.append([UInt8](repeating: 0, count: RunFormat.checksumOffset - head.bytes.count))
        head.append(head.bytes.withUnsafeBytes { ContentHash.hash64($0) })
        return head.bytes
    }
}

extension Run {
    /// The properties of a run.
    struct Form {
        var lane: Lane
        var number: UInt64
        var level: UInt8 = 0
        var storeID: UInt64 = 0
        /// Whether it has a filter; without one it can only be read sequentially.
        var isAsked = true
        /// Entries after which the written part is made durable.
        var unsyncedEntriesMax = StoreLimits.runUnsyncedEntriesMax
    }

    /// Writes sorted entries as a run and opens it. The directory is not synced. After an error the file is removed, so
    /// that retries do not fill a full disk. `meanwhile` is called after each sync except the last.
    static func write(
        _ entries: some SortedEntries, _ form: Form, _ layout: StoreLayout, _ files: any FileSystem,
        meanwhile: () throws(RetortError) -> Void = {}
    ) throws(RetortError) -> Run {
        do throws(RetortError) {
            var writer = try RunWriter(
                lane: form.lane, level: form.level, number: form.number, storeID: form.storeID,
                keys: form.isAsked ? entries.countMax : 0, layout: layout, files: files)
            var entries = entries
            var unsynced = 0
            while let entry = try entries.next() {
                try writer.append(entry)
                unsynced += 1
                if unsynced < form.unsyncedEntriesMax { continue }
                unsynced = 0
                try writer.sync()
                try meanwhile()
            }
            try writer.finish()
        } catch {
            try? files.remove(layout.run(form.number))
            throw error
        }
        return try Run(number: form.number, lane: form.lane, storeID: form.storeID, layout: layout, files: files)
    }
}
