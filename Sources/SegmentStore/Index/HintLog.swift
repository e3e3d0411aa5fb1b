import Basics

/// Reads the good groups of a hint log in order, from a position that is the start of a group.
struct HintLogReader {
    private let file: any StoreFile
    private let storeID: UInt64
    private let lane: Lane
    private let segment: UInt32
    /// Where the file ended when it was opened.
    let end: Int
    /// Where in the file the good groups end, as far as they have been read.
    private(set) var position: Int
    /// The bytes of the file from `windowStart` on. Copied, not mapped: the log of an active segment is cut back and
    /// rewritten by its writer; a group that this has torn does not hold.
    private var window: [UInt8] = []
    private var windowStart: Int

    private static let windowBytes = 4 * HintGroup.bytesMax

    /// Nil when the segment has no hint log, or one that ends before `start`. What is no regular file is none.
    init?(
        _ lane: Lane, _ segment: UInt32, from start: Int, storeID: UInt64, layout: StoreLayout, files: any FileSystem
    ) throws(RetortError) {
        let path = layout.hints(lane, segment)
        guard try files.isRegular(path), let size = try files.size(of: path), size >= start else { return nil }
        file = try files.open(path, .read)
        end = size
        position = start
        windowStart = start
        self.storeID = storeID
        self.lane = lane
        self.segment = segment
    }

    mutating func next() throws(RetortError) -> HintGroup? {
        guard position < end else { return nil }
        let windowEnd = windowStart + window.count
        if windowEnd < min(position + HintGroup.bytesMax, end) {
            window = try file.read(at: position, count: min(Self.windowBytes, end - position))
            windowStart = position
        }
        let offset = position - windowStart
        let group = window.withUnsafeBytes { buffer in
            HintGroup.decode(
                buffer.slice(offset, buffer.count - offset), storeID: storeID, lane: lane, segment: segment)
        }
        if let group { position += HintGroup.bytes(records: group.hints.count) }
        return group
    }
}

/// Appends groups to a segment's hint log. The log is a cache: it is not synced and may lag behind the segment.
struct HintLogWriter {
    private let file: any StoreFile
    private let storeID: UInt64
    private(set) var bytes: Int

    /// Goes on at `bytes`, dropping whatever follows there.
    init(_ lane: Lane, _ segment: UInt32, at bytes: Int, context: StoreContext) throws(RetortError) {
        let path = context.layout.hints(lane, segment)
        let exists = try context.files.size(of: path) != nil
        file = try context.files.open(path, exists ? .readWrite : .createNew)
        if try file.size() > bytes { try file.truncate(to: bytes) }
        storeID = context.storeID
        self.bytes = bytes
    }

    mutating func append(_ group: HintGroup) throws(RetortError) {
        let encoded = group.encoded(storeID: storeID)
        try file.write(encoded, at: bytes)
        bytes += encoded.count
    }
}
