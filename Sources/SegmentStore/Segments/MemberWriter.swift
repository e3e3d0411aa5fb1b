import Basics

/// Writes finished members to a new segment file, giving each the header for its new position. Nothing is compressed.
///
/// The file must become visible only after `finish`: every header says that all bytes before it are durable.
struct MemberWriter {
    private let file: any StoreFile
    private let lane: Lane
    private let segment: UInt32
    private let storeID: UInt64
    private(set) var offset = 0
    private(set) var previousBytes = 0
    /// Where the last sync that was handed out begins to lag.
    private var syncedBytes = 0

    init(
        _ path: String, lane: Lane, segment: UInt32, storeID: UInt64, files: any FileSystem
    ) throws(RetortError) {
        file = try files.open(path, .createEmpty)
        self.lane = lane
        self.segment = segment
        self.storeID = storeID
    }

    /// Appends the bytes of a member whose header lacks only the position. Returns the header as written.
    mutating func append(
        _ member: ArraySlice<UInt8>, header: BlockHeader, firstSequence: UInt64
    ) throws(RetortError) -> BlockHeader {
        var header = header
        header.lane = lane
        header.segment = segment
        header.storeID = storeID
        header.offset = offset
        header.previousBytes = previousBytes
        header.durableBytes = offset
        header.firstSequence = firstSequence
        // Two calls cost less than a copy of the payload.
        try file.write(header.encoded(), at: offset)
        try file.write(member.dropFirst(BlockHeader.bytes), at: offset + BlockHeader.bytes)
        offset = header.end
        previousBytes = header.memberBytes
        return header
    }

    /// From time to time a sync to run concurrently with writing, so that little is left to wait for at the end.
    mutating func takeSync() -> SerialWorker.Step? {
        guard offset - syncedBytes >= StoreLimits.unsyncedBytesMax else { return nil }
        syncedBytes = offset
        let file = file
        return { () throws(RetortError) in try file.syncData() }
    }

    /// Makes the data durable. The caller syncs the directory.
    func finish() throws(RetortError) { try file.syncData() }
}
