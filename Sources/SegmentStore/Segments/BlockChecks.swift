import Basics

/// Checksums of parts of a block's lines, by which the lines before a damage can be proven. They are in a second
/// subfield after the header's own:
///
///     "RC"  length u16 (64)  7 x u64  checksum u64 (XXH3-64 of the seven, seeded with rawBytes)
///
/// The lines are divided at seven points: the k-th is after the first line that ends at or beyond `rawBytes * k / 8`.
/// Each part's check is its XXH3-64, seeded with the previous check, the first with 0: it proves everything before it
/// as well.
enum BlockChecks {
    /// The feature that a manifest names if blocks may have them: older code would take such blocks for damaged ones.
    static let feature = "checks"
    static let bytes = 4 + 8 * count + 8
    /// Smaller blocks have none.
    static let rawBytesMin = 4096
    private static let count = 7
    private static let parts = 8
    private static let magic: [UInt8] = [UInt8(ascii: "R"), UInt8(ascii: "C"), UInt8(8 * count + 8), 0]

    static func encoded(of raw: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(magic)
        var (start, check) = (0, UInt64(0))
        raw.withUnsafeBytes { buffer in
            for part in 1...count {
                let end = Self.end(part, of: buffer, rawBytes: raw.count) ?? raw.count
                if end > start { check = ContentHash.hash64(buffer.slice(start, end - start), seed: check) }
                writer.append(check)
                start = max(start, end)
            }
        }
        writer.append(sum(of: writer.bytes[4...], rawBytes: raw.count))
        return writer.bytes
    }

    /// Whether a header is followed by such a subfield.
    static func begin(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 4 && bytes.prefix(4).elementsEqual(magic)
    }

    /// How many of the first bytes of `raw` are proven to be the block's original ones; `stored` is the subfield.
    static func proven(_ raw: [UInt8], rawBytes: Int, stored: UnsafeRawBufferPointer) -> (bytes: Int, isDamaged: Bool) {
        guard stored.count >= bytes, begin(stored),
            stored.load(littleEndianAt: bytes - 8, as: UInt64.self)
                == sum(of: Array(stored.slice(4, bytes - 12))[...], rawBytes: rawBytes)
        else { return (0, true) }
        var (start, check) = (0, UInt64(0))
        raw.withUnsafeBytes { buffer in
            for part in 1...count {
                guard let end = Self.end(part, of: buffer, rawBytes: rawBytes) else { return }
                let next = end > start ? ContentHash.hash64(buffer.slice(start, end - start), seed: check) : check
                guard next == stored.load(littleEndianAt: 4 + 8 * (part - 1), as: UInt64.self) else { return }
                (start, check) = (max(start, end), next)
            }
        }
        return (start, false)
    }

    /// The end of the part with that number; nil if the lines do not reach that far.
    private static func end(_ part: Int, of raw: UnsafeRawBufferPointer, rawBytes: Int) -> Int? {
        let place = rawBytes / parts * part + rawBytes % parts * part / parts
        guard place > 0 else { return 0 }
        return raw.firstLineFeed(from: place - 1).map { $0 + 1 }
    }

    private static func sum(of checks: ArraySlice<UInt8>, rawBytes: Int) -> UInt64 {
        checks.withUnsafeBytes { ContentHash.hash64($0, seed: UInt64(rawBytes)) }
    }
}
