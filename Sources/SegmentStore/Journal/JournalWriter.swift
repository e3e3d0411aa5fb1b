import Basics

/// A lane's current journal, and the older ones whose lines are not yet durable in a segment.
struct JournalWriter {
    private let lane: Lane
    private let layout: StoreLayout
    private let files: any FileSystem
    private let storeID: UInt64
    private(set) var current: OpenJournal?
    private(set) var closed: [OpenJournal] = []
    private(set) var directoryIsDirty = false
    /// A sync has failed: the files' content may never reach the disk, and they are not synced again.
    private(set) var isDistrusted = false

    struct OpenJournal: Sendable {
        var file: any StoreFile
        var firstSequence: UInt64
        var nextSequence: UInt64
        var bytes: Int
        var isDirty: Bool
    }

    init(_ lane: Lane, storeID: UInt64, layout: StoreLayout, files: any FileSystem) {
        self.lane = lane
        self.layout = layout
        self.files = files
        self.storeID = storeID
    }

    /// Writes `count` encoded journal lines, the first of which has number `sequence`. If it throws, the journal ends
    /// where it ended before.
    mutating func append(_ bytes: [UInt8], count: Int, sequence: UInt64) throws(RetortError) {
        if current == nil {
            let file = try files.open(unusedPath(sequence), .createNew)
            current = OpenJournal(file: file, firstSequence: sequence, nextSequence: sequence, bytes: 0, isDirty: true)
            directoryIsDirty = true
        }
        do throws(RetortError) {
            try current!.file.write(bytes, at: current!.bytes)
        } catch {
            abandonTail()
            throw error
        }
        current!.bytes += bytes.count
        current!.nextSequence = sequence + UInt64(count)
        current!.isDirty = true
    }

    /// A path that no other journal has: an existing one may still guard records, and is removed by its path.
    private func unusedPath(_ sequence: UInt64) throws(RetortError) -> String {
        var copy = 0
        while true {
            let path = layout.journal(lane, firstSequence: sequence, copy: copy)
            if try files.size(of: path) == nil { return path }
            copy += 1
        }
    }

    /// After a failed write: truncates to the last good offset, or, if even that fails, continues in a new file, so
    /// that no line ever follows a torn one.
    private mutating func abandonTail() {
        guard let journal = current else { return }
        do throws(RetortError) {
            try journal.file.truncate(to: journal.bytes)
        } catch {
            closed.append(journal)
            current = nil
        }
    }

    /// Maximum closed files kept open until they are durable: each has a descriptor.
    static func closedMax(_ lane: Lane) -> Int { lane.isOutcome ? 6 : 1 }

    /// Begins another file with the next line, if this one is large enough and few older ones are left.
    mutating func rotate(ifLargerThan limit: Int) {
        guard let journal = current, journal.bytes >= limit, closed.count < Self.closedMax(lane) else { return }
        closed.append(journal)
        current = nil
    }

    /// The files to sync for every line so far to be durable. Marks them clean: call `distrust` if a sync fails.
    mutating func takeDirty() -> (files: [any StoreFile], directory: Bool) {
        var dirty: [any StoreFile] = []
        for index in closed.indices where closed[index].isDirty {
            dirty.append(closed[index].file)
            closed[index].isDirty = false
        }
        if current?.isDirty == true {
            dirty.append(current!.file)
            current!.isDirty = false
        }
        defer { directoryIsDirty = false }
        return (dirty, directoryIsDirty)
    }

    /// Abandons all files: they still serve after a kill, but none is written or synced again. Their lines must be
    /// appended again, then call `regainTrust`.
    mutating func distrust() {
        isDistrusted = true
        close()
        for index in closed.indices { closed[index].isDirty = false }
        directoryIsDirty = true
    }

    mutating func regainTrust() { isDistrusted = false }

    /// Takes the journals without lines from `sequence` on, for removal.
    mutating func takeObsolete(before sequence: UInt64, closingFrom limit: Int) -> [String] {
        var obsolete: [String] = []
        closed.removeAll { journal in
            guard journal.nextSequence <= sequence else { return false }
            obsolete.append(journal.file.path)
            return true
        }
        if let journal = current, journal.nextSequence <= sequence, journal.bytes >= limit {
            obsolete.append(journal.file.path)
            current = nil
        }
        return obsolete
    }

    /// Closes the current journal whatever its size.
    mutating func close() {
        if let journal = current { closed.append(journal) }
        current = nil
    }
}
