import Basics

/// Writes ready members into a new segment file, giving each the header of its place there. Nothing is compressed.
///
/// The file must come into view only after `finish`: every header says that all bytes before it are durable.
struct MemberWriter {
    private let file: any StoreFile
    private let lane: Lane
    private let segment: UInt32
    private let storeID: UInt64
    private(set) var offset = 0
    private(set) var previousBytes = 0
    private var pending: [UInt8] = []

    init(
        _ path: String, lane: Lane, segment: UInt32, storeID: UInt64, files: any FileSystem
    ) throws(RetortError) {
        file = try files.open(path, .createEmpty)
        self.lane = lane
        self.segment = segment
        self.storeID = storeID
    }

    /// Appends the bytes of a member whose header says everything but the place. Returns the header as it is written.
    mutating func append(
        _ member: some Collection<UInt8>, header: BlockHeader, firstSequence: UInt64
    ) throws(RetortError) -> BlockHeader {
        var header = header
        header.lane = lane
        header.segment = segment
        header.storeID = storeID
        header.offset = offset
        header.previousBytes = previousBytes
        header.durableBytes = offset
        header.firstSequence = firstSequence
        pending.append(contentsOf: header.encoded())
        pending.append(contentsOf: member.dropFirst(BlockHeader.bytes))
        offset = header.end
        previousBytes = header.memberBytes
        if pending.count >= StoreLimits.copyBufferBytes { try flush() }
        return header
    }

    private mutating func flush() throws(RetortError) {
        guard !pending.isEmpty else { return }
        try file.write(pending, at: offset - pending.count)
        pending.removeAll(keepingCapacity: true)
    }

    /// Writes what is left and makes the data durable. The directory is the caller's.
    mutating func finish() throws(RetortError) {
        try flush()
        try file.syncData()
    }
}
