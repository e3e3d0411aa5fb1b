import Basics
import Gzip

/// Recovers what is possible of a damaged block: all of it, if a single bit has flipped, found with the checksum;
/// otherwise the lines before the damage that a checksum proves.
struct BlockRescue {
    enum Found {
        /// The member as it was written.
        case whole(BlockHeader, [UInt8])
        /// Lines from the first one on, with their line feeds.
        case lines(BlockHeader, [UInt8])
        case nothing(BlockHeader?)
    }

    let reader: SegmentReader
    /// Bytes that may still be hashed to find flipped bits: a few seconds for a whole repair.
    private(set) var hashingLeft = Self.hashingMax
    static let hashingMax = 1 << 37

    init(_ reader: SegmentReader, hashingLeft: Int = Self.hashingMax) {
        self.reader = reader
        self.hashingLeft = hashingLeft
    }

    /// `bytes` are those of a damaged range that begins at `offset`.
    mutating func rescue(_ bytes: [UInt8], at offset: Int) -> Found {
        var member = bytes
        guard let header = header(of: &member, at: offset) else { return .nothing(nil) }
        guard header.memberBytes <= member.count else { return .nothing(header) }
        member.removeLast(member.count - header.memberBytes)
        if isIntact(member, header) { return .whole(header, member) }
        let lines = provenLines(member, header)
        if correct(&member, header, upTo: lines.damagedBefore) { return .whole(header, member) }
        return lines.raw.isEmpty ? .nothing(header) : .lines(header, lines.raw)
    }

    private func isIntact(_ member: [UInt8], _ header: BlockHeader) -> Bool {
        member.withUnsafeBytes { BlockCodec.payloadIsIntact($0, header: header) }
    }

    // MARK: One bit

    /// The header, corrected if one of its bits has flipped.
    private func header(of member: inout [UInt8], at offset: Int) -> BlockHeader? {
        func decoded() -> BlockHeader? {
            member.withUnsafeBytes { BlockHeader.decode($0) }.flatMap { reader.belongs($0, at: offset) ? $0 : nil }
        }
        guard member.count > BlockHeader.bytes else { return nil }
        if let header = decoded() { return header }
        for bit in 0..<BlockHeader.bytes * 8 {
            member[bit / 8] ^= 1 << (bit % 8)
            if let header = decoded() { return header }
            member[bit / 8] ^= 1 << (bit % 8)
        }
        return nil
    }

    /// Finds the one bit after the header with which the checksum is correct: from `limit` backwards, where it most
    /// likely is, then after it.
    private mutating func correct(_ member: inout [UInt8], _ header: BlockHeader, upTo limit: Int) -> Bool {
        let (first, last) = (BlockHeader.bytes, header.memberBytes)
        let middle = min(max(limit, first), last)
        let cost = last - first
        for byte in Array((first..<middle).reversed()) + Array(middle..<last) {
            guard hashingLeft >= 8 * cost else { return false }
            hashingLeft -= 8 * cost
            let isFound = member.withUnsafeMutableBytes { buffer in
                for bit in 0..<8 {
                    buffer[byte] ^= 1 << bit
                    let payload = UnsafeRawBufferPointer(rebasing: buffer[first..<last])
                    if ContentHash.hash64(payload) == header.payloadChecksum { return true }
                    buffer[byte] ^= 1 << bit
                }
                return false
            }
            if isFound { return true }
        }
        return false
    }

    // MARK: Lines

    /// The lines that are proven, and the last possible position of the damage in the member.
    private func provenLines(_ member: [UInt8], _ header: BlockHeader) -> (raw: [UInt8], damagedBefore: Int) {
        member.withUnsafeBytes { buffer in
            let start = header.payloadStart
            guard start < header.payloadEnd else { return ([], header.memberBytes) }
            let stream = buffer.slice(start, header.payloadEnd - start)
            let inflated = PartialInflate(stream, atMost: header.rawBytes)
            let end = min(header.memberBytes, start + inflated.consumed + 1)
            guard header.hasChecks else { return ([], end) }
            let stored = buffer.slice(BlockHeader.bytes, BlockChecks.bytes)
            let proven = BlockChecks.proven(inflated.bytes, rawBytes: header.rawBytes, stored: stored)
            if proven.isDamaged { return ([], start) }
            return (Array(inflated.bytes.prefix(proven.bytes)), end)
        }
    }
}
