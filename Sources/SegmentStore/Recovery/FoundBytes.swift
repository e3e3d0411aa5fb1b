import Basics

/// Good bytes found at the end of a segment when the store was opened. They may not be on the disk, and their lines may
/// be in no journal any more.
struct FoundBytes {
    let lane: Lane
    let segment: UInt32
    let range: Range<Int>

    /// The bytes that are not known to be durable, of a segment whose good bytes end at `offset`.
    init(_ lane: Lane, _ segment: UInt32, durableBytes: Int, offset: Int) {
        self.lane = lane
        self.segment = segment
        range = min(durableBytes, offset)..<offset
    }

    /// Writes the bytes over themselves. A sync that failed in an earlier process leaves pages that look clean; only
    /// written pages are synced.
    func rewrite(in file: any StoreFile) throws(RetortError) {
        var position = range.lowerBound
        while position < range.upperBound {
            let bytes = try file.read(
                at: position, count: min(StoreLimits.copyBufferBytes, range.upperBound - position))
            guard !bytes.isEmpty else { return }
            try file.write(bytes, at: position)
            position += bytes.count
        }
    }

    /// Makes them durable before something is written that depends on them.
    func makeDurable(_ context: StoreContext) throws(RetortError) {
        guard !range.isEmpty else { return }
        let file = try context.files.open(context.layout.segment(lane, segment), .readWrite)
        try rewrite(in: file)
        try file.syncData()
        try context.files.syncDirectory(context.layout.directory(lane))
    }
}
