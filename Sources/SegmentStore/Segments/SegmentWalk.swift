import Basics

/// A stretch of a segment in which nothing can be read.
public struct Damage: Sendable, Hashable {
    public var lane: Lane
    public var segment: UInt32
    /// Bytes of the segment file.
    public var range: Range<Int>
    /// Records lost with it, as far as a header tells; nil when the header is lost as well.
    public var records: Int?
    public var reason: String
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
    /// Check the payload of every block, not only of those that may have been lost to a power cut.
    var checksEveryPayload: Bool

    init(_ reader: SegmentReader, from offset: Int, size: Int, durableBytes: Int, checksEveryPayload: Bool) {
        self.reader = reader
        self.size = size
        self.offset = offset
        self.durableBytes = durableBytes
        self.checksEveryPayload = checksEveryPayload
    }

    mutating func next() throws(RetortError) -> SegmentStep {
        if offset >= size { return .end(at: size) }
        let header = try reader.header(at: offset)
        if let header, header.end <= size {
            durableBytes = max(durableBytes, header.durableBytes)
            let isGood = try needsCheck(header) ? reader.isIntact(header) : true
            if isGood {
                offset = header.end
                return .block(header)
            }
        }
        return try badBlock(header)
    }

    private func needsCheck(_ header: BlockHeader) -> Bool {
        checksEveryPayload || header.end > durableBytes
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
        var next = header.map { $0.end < size ? $0.end : size }
        if let end = next, end < size, try reader.header(at: end) == nil { next = nil }
        if next == nil { next = try reader.nextHeader(from: start + 1, limit: size) }
        try lookForProof(that: start, from: next)
        guard durableBytes > start else { return .torn(at: start) }
        let end = next ?? size
        offset = end
        return .damage(
            Damage(
                lane: reader.lane, segment: reader.number, range: start..<end, records: header?.records,
                reason: header == nil ? "the block's header is damaged" : "the block's checksum does not hold"))
    }
}
