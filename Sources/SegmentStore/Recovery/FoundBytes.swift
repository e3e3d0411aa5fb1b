import Basics

/// Good bytes at the end of a segment that were found when the store was opened. They may not be on the disk, and no
/// journal may hold their lines any more.
struct FoundBytes {
    let lane: Lane
    let segment: UInt32
    let range: Range<Int>

    /// Of a segment whose good bytes end at `offset`, those that are not known to be durable.
    init(_ lane: Lane, _ segment: UInt32, durableBytes: Int, offset: Int) {
        self.lane = lane
        self.segment = segment
        range = min(durableBytes, offset)..<offset
    }

    /// Writes them over themselves. A sync that failed in an earlier process has left pages that only look as if they
    /// were on the disk; none but written ones are synced.
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

    /// Puts them on the disk before something is written that counts on them.
    func makeDurable(_ context: StoreContext) throws(RetortError) {
        guard !range.isEmpty else { return }
        let file = try context.files.open(context.layout.segment(lane, segment), .readWrite)
        try rewrite(in: file)
        try file.syncData()
        try context.files.syncDirectory(context.layout.directory(lane))
    }
}
