import Basics

/// Reads the good groups of a hint log in order, from a position that is the start of a group.
struct HintLogReader {
    private let file: any StoreFile
    private let storeID: UInt64
    private let lane: Lane
    private let segment: UInt32
    /// Where the file ended when it was opened.
    let end: Int
    /// The end of the good groups read so far.
    private(set) var position: Int
    /// The bytes of the file from `windowStart` on. Copied, not mapped: the writer of an active segment truncates and
    /// rewrites its log; a group torn by this fails its checksum.
    private var window: [UInt8] = []
    private var windowStart: Int

    private static let windowBytes = 4 * HintGroup.bytesMax

    /// Nil if the segment has no hint log, one that ends before `start`, or something that is not a regular file.
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

    /// Continues at `bytes`, dropping whatever follows there.
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
