import Basics
import Gzip

/// The lines of one block, verified and decompressed.
struct Block: Sendable {
    var header: BlockHeader
    /// Lines with their line feeds.
    var raw: [UInt8]

    /// The range of each line in `raw`, without its line feed.
    var lineRanges: [Range<Int>] { raw.lineRanges }
}

extension [UInt8] {
    /// The ranges between line feeds; what follows the last line feed is not a line.
    var lineRanges: [Range<Int>] {
        var ranges: [Range<Int>] = []
        withUnsafeBytes { buffer in
            var start = 0
            while start < buffer.count, let end = buffer.firstLineFeed(from: start) {
                ranges.append(start..<end)
                start = end + 1
            }
        }
        return ranges
    }
}

/// A block's member without its header: what follows from its lines alone.
struct PackedBlock: Sendable {
    /// Begins with zeros in place of the header.
    var member: [UInt8]
    var rawBytes: Int
    var hasChecks: Bool
    var checksum: UInt64

    /// The complete member. `header` gives everything except sizes and checksums, which are filled in.
    func member(_ header: BlockHeader) -> (member: [UInt8], header: BlockHeader) {
        var (member, header) = (member, header)
        header.hasChecks = hasChecks
        header.rawBytes = rawBytes
        header.memberBytes = member.count
        header.payloadChecksum = checksum
        member.replaceSubrange(0..<BlockHeader.bytes, with: header.encoded())
        return (member, header)
    }
}

/// Converts lines to gzip members and back. Use one codec per thread.
final class BlockCodec {
    // Created lazily: it has tables of tens to hundreds of KiB, and most codecs only read.
    private lazy var compressor = DeflateCompressor(level: level)
    private lazy var decompressor = DeflateDecompressor()
    private let level: Int
    private let writesChecks: Bool

    /// The level is libdeflate's, and matters only to `encode`, as do the checks of lines.
    init(level: Int = 1, writesChecks: Bool = false) {
        self.level = level
        self.writesChecks = writesChecks
    }

    /// The complete member for `raw` lines. `header` gives everything except sizes and checksums, which are filled in.
    func encode(_ raw: [UInt8], header: BlockHeader) -> (member: [UInt8], header: BlockHeader) {
        packed(raw).member(header)
    }

    func packed(_ raw: [UInt8]) -> PackedBlock {
        var member = [UInt8](repeating: 0, count: BlockHeader.bytes)
        let hasChecks = writesChecks && raw.count >= BlockChecks.rawBytesMin
        if hasChecks { member += BlockChecks.encoded(of: raw) }
        raw.withUnsafeBytes { compressor.compress($0, into: &member) }
        var trailer = ByteWriter()
        trailer.append(raw.withUnsafeBytes { CRC32.checksum($0) })
        trailer.append(UInt32(raw.count))
        member.append(contentsOf: trailer.bytes)
        let checksum = member.withUnsafeBytes { buffer in
            ContentHash.hash64(buffer.slice(BlockHeader.bytes, buffer.count - BlockHeader.bytes))
        }
        return PackedBlock(member: member, rawBytes: raw.count, hasChecks: hasChecks, checksum: checksum)
    }

    /// Decompresses a member whose header has been decoded. Throws `.damagedData` naming `place` if a check fails.
    func decode(_ member: UnsafeRawBufferPointer, header: BlockHeader, place: String) throws(RetortError) -> Block {
        guard member.count >= header.memberBytes, Self.payloadIsIntact(member, header: header) else {
            throw Self.damage("the block's checksum does not hold", place)
        }
        let payload = member.slice(header.payloadStart, header.payloadEnd - header.payloadStart)
        let raw = try decompressor.decompress(payload, rawLength: header.rawBytes)
        let crc: UInt32 = member.load(littleEndianAt: header.payloadEnd)
        let size: UInt32 = member.load(littleEndianAt: header.payloadEnd + 4)
        guard crc == raw.withUnsafeBytes({ CRC32.checksum($0) }), Int(size) == raw.count else {
            throw Self.damage("the block's gzip trailer does not hold", place)
        }
        return Block(header: header, raw: raw)
    }

    /// Whether the bytes after a member's header are those that it was written for.
    static func payloadIsIntact(_ member: UnsafeRawBufferPointer, header: BlockHeader) -> Bool {
        guard member.count >= header.memberBytes else { return false }
        let payload = member.slice(BlockHeader.bytes, header.memberBytes - BlockHeader.bytes)
        return ContentHash.hash64(payload) == header.payloadChecksum
    }

    static func damage(_ message: String, _ place: String) -> RetortError {
        RetortError(
            .damagedData, message, at: place,
            remedy: "Run `retort verify` to see the extent and `retort repair` to set the block aside.")
    }
}
