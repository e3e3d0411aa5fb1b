import Basics

/// A stretch of a file in which nothing can be read, or a file that has no place where it is.
public struct Damage: Sendable, Hashable {
    public var lane: Lane
    /// The segment; 0 where `file` is given.
    public var segment: UInt32
    /// The name of a file in the lane's directory that is not one of the lane's segments: a journal, or a file of
    /// another kind.
    public var file: String?
    /// Bytes of the file.
    public var range: Range<Int>
    /// Records lost with it, as far as a header tells; nil when the header is lost as well.
    public var records: Int?
    public var reason: String

    /// The file in words.
    public var name: String {
        file.map { "\(lane.directoryName)/\($0)" } ?? "\(lane.directoryName) segment \(segment)"
    }

    /// The path of the file.
    func path(_ layout: StoreLayout) -> String {
        file.map { "\(layout.directory(lane))/\($0)" } ?? layout.segment(lane, segment)
    }
}

/// What a walk finds next.
enum SegmentStep {
    case block(BlockHeader)
    /// Damaged below what is known to be durable: bit rot, never to be truncated.
    case damage(Damage)
    /// The good bytes end here; what follows was being written when the process or the power died.
    case torn(at: Int)
    case end(at: Int)
}

/// Goes through a segment's blocks without inflating them.
///
/// A bad block is rot when durable bytes lie behind its start, known from `durableBytes` or from any later header;
/// otherwise it is the torn tail.
struct SegmentWalk {
    let reader: SegmentReader
    let size: Int
    private(set) var offset: Int
    private(set) var durableBytes: Int
    /// The header behind the last block.
    private var ahead: BlockHeader?
    /// Check the payload of every block, not only of those that may have been lost to a power cut.
    var checksEveryPayload: Bool

    init(_ reader: SegmentReader, from offset: Int, size: Int, durableBytes: Int, checksEveryPayload: Bool) {
        self.reader = reader
        // A block has no place beyond that.
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

    /// Not where all is durable and the next block confirms where this one ends.
    private func needsCheck(_ header: BlockHeader) -> Bool {
        if checksEveryPayload || header.end > durableBytes { return true }
        return header.end < size && ahead?.previousBytes != header.memberBytes
    }

    /// Any later header that was written when a place was durable proves that it had been whole. Blocks of the same
    /// sync say nothing of each other, so the first header need not be the one.
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

    /// Decides between rot and a torn tail, and steps over rot.
    private mutating func badBlock(_ header: BlockHeader?) throws(RetortError) -> SegmentStep {
        let start = offset
        // Where it says that it ends may be as wrong as the rest of it.
        let next = try reader.nextHeader(from: start + 1, limit: size)
        try lookForProof(that: start, from: next)
        // What was never written here cannot be a torn write either.
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
