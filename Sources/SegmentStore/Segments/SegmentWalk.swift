import Basics

/// An unreadable range of a file, or a misplaced file.
public struct Damage: Sendable, Hashable {
    public var lane: Lane
    /// The segment; 0 if `file` is set.
    public var segment: UInt32
    /// The name of a file in the lane's directory that is not one of its segments: a journal, or another file.
    public var file: String?
    /// Bytes of the file.
    public var range: Range<Int>
    /// Records lost with it, as far as a header tells; nil if the header is lost too.
    public var records: Int?
    public var reason: String

    /// The file, for display.
    public var name: String {
        file.map { "\(lane.directoryName)/\($0)" } ?? "\(lane.directoryName) segment \(segment)"
    }

    /// The path of the file.
    func path(_ layout: StoreLayout) -> String {
        file.map { "\(layout.directory(lane))/\($0)" } ?? layout.segment(lane, segment)
    }
}

/// The next result of a walk.
enum SegmentStep {
    case block(BlockHeader)
    /// Damaged below what is known to be durable: bit rot, never truncated.
    case damage(Damage)
    /// The end of the good bytes; what follows was being written when the process or the power died.
    case torn(at: Int)
    case end(at: Int)
}

/// Walks through a segment's blocks without decompressing them.
///
/// A bad block is bit rot if durable bytes follow its start, as known from `durableBytes` or from any later header;
/// otherwise it is the torn tail.
struct SegmentWalk {
    let reader: SegmentReader
    let size: Int
    private(set) var offset: Int
    private(set) var durableBytes: Int
    /// The header after the last block.
    private var ahead: BlockHeader?
    /// Whether to verify the payload of every block, not only of those that a power cut may have taken.
    var checksEveryPayload: Bool

    init(_ reader: SegmentReader, from offset: Int, size: Int, durableBytes: Int, checksEveryPayload: Bool) {
        self.reader = reader
        // No block can be beyond that.
        self.size = min(size, StoreLimits.segmentBytesMax)
        self.offset = offset
        self.durableBytes = durableBytes
        self.checksEveryPayload = checksEveryPayload
    }

    mutating func next() throws(RetortError) -> SegmentStep {
        if offset >= size { return .end(at: size) }
        let header = try ahead?.offset == offset ? ahead : reader.header(at: offset)
        ahead = nil
        if let header, header.end <= size {
            durableBytes = max(durableBytes, header.durableBytes)
            if header.end < size { ahead = try reader.header(at: header.end) }
            let isGood = try needsCheck(header) ? reader.isIntact(header) : true
            if isGood {
                offset = header.end
                return .block(header)
            }
        }
        return try badBlock(header)
    }

    /// Not needed if everything is durable and the next block confirms where this one ends.
    private func needsCheck(_ header: BlockHeader) -> Bool {
        if checksEveryPayload || header.end > durableBytes { return true }
        return header.end < size && ahead?.previousBytes != header.memberBytes
    }

    /// Any later header written when a position was durable proves that it had been intact. Blocks of the same sync
    /// prove nothing about each other, so it need not be the first header.
    private mutating func lookForProof(that place: Int, from next: Int?) throws(RetortError) {
        var next = next
        while durableBytes <= place, let at = next, at < size {
            if let later = try reader.header(at: at) {
                durableBytes = max(durableBytes, later.durableBytes)
                next = later.end
            } else {
                next = try reader.nextHeader(from: at + 1, limit: size)
            }
        }
    }

    /// Decides between bit rot and a torn tail, and skips bit rot.
    private mutating func badBlock(_ header: BlockHeader?) throws(RetortError) -> SegmentStep {
        let start = offset
        // The end that it states may be as wrong as the rest of it.
        let next = try reader.nextHeader(from: start + 1, limit: size)
        try lookForProof(that: start, from: next)
        // Bytes that this store never wrote cannot be its torn write either.
        let strangeness = start == 0 && header == nil ? try reader.strangeness() : nil
        guard durableBytes > start || strangeness != nil else { return .torn(at: start) }
        let end = next ?? size
        offset = end
        let fault = header == nil ? "the block's header is damaged" : "the block's checksum does not hold"
        return .damage(
            Damage(
                lane: reader.lane, segment: reader.number, range: start..<end, records: header?.records,
                reason: strangeness ?? fault))
    }
}
