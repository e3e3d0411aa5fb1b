import Basics

/// Writes segments of a lane's archive, after the existing ones. Each counts its records from 0.
struct ArchiveWriter {
    private let lane: Lane
    private let context: StoreContext
    private let layout: StoreLayout
    private let suffix: String
    private let segmentBytes: Int
    private var next: UInt32
    private var writer: MemberWriter?
    private var nextSequence: UInt64 = 0
    /// The segments written so far.
    private(set) var numbers: [UInt32] = []
    /// `suffix` is the ending of the files' names until they count.
    init(
        _ lane: Lane, suffix: String = "", context: StoreContext, layout: StoreLayout, options: StoreOptions
    ) throws(RetortError) {
        self.lane = lane
        self.context = context
        self.layout = layout
        self.suffix = suffix
        segmentBytes = options.segmentBytes
        let present = try context.files.entries(of: layout.directory(lane)).compactMap(StoreLayout.segmentNumber)
        next = (present.max() ?? 0) + 1
    }

    /// Appends a member whose header lacks only the position.
    mutating func append(_ member: ArraySlice<UInt8>, header: BlockHeader) throws(RetortError) {
        if writer == nil || writer!.offset >= segmentBytes { try beginSegment() }
        nextSequence = try writer!.append(member, header: header, firstSequence: nextSequence).nextSequence
    }

    private mutating func beginSegment() throws(RetortError) {
        try finish()
        try context.files.createDirectory(layout.directory(lane))
        writer = try MemberWriter(
            layout.segment(lane, next) + suffix, lane: lane, segment: next, storeID: context.storeID,
            files: context.files)
        numbers.append(next)
        nextSequence = 0
        next += 1
    }

    /// Makes the data durable. The caller syncs the directory.
    mutating func finish() throws(RetortError) {
        guard writer != nil else { return }
        try writer!.finish()
        writer = nil
    }
}
