import Basics

/// Excludes most keys that a run does not contain, without reading its entries: a split block Bloom filter.
///
/// A key has one block of 32 bytes and one bit in each of the block's eight 32-bit words. The block follows from the
/// high half of the key's hash, in hash order, so that a filter is written from the first block to the last as sorted
/// entries arrive; the bits follow from the low half. At 12 bits per key the false positive rate is about 1 in 200. (F.
/// Putze, P. Sanders, J. Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007; with these eight words it is
/// the filter of Apache Parquet.)
enum RunFilter {
    static let blockBytes = 32
    static let bitsPerKey = 12
    static let blocksPerPage = 127

    static func blocks(keys: Int) -> Int { (keys * bitsPerKey + blockBytes * 8 - 1) / (blockBytes * 8) }
    static func pages(blocks: Int) -> Int { (blocks + blocksPerPage - 1) / blocksPerPage }

    /// The number of a key's block.
    @inline(__always)
    static func block(of hash: Hash128, among blocks: Int) -> Int {
        Int(hash.high.multipliedFullWidth(by: UInt64(blocks)).high)
    }

    /// The bits of a key in 64-bit word `word` of the four of its block.
    @inline(__always)
    static func mask(_ hash: Hash128, word: Int) -> UInt64 {
        let bits = hash.low >> UInt64(10 * word)
        return 1 << (bits & 31) | 1 << (bits >> 5 & 31 | 32)
    }

    /// Whether the block at `offset` has all bits of a key.
    @inline(__always)
    static func holds(_ hash: Hash128, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        var missing: UInt64 = 0
        for word in 0..<4 {
            missing |= mask(hash, word: word) & ~bytes.load(littleEndianAt: offset + word * 8, as: UInt64.self)
        }
        return missing == 0
    }
}

/// Writes the pages of a filter from keys in hash order.
struct RunFilterWriter {
    let blocks: Int
    /// The words of the page at hand, as they are on disk.
    private var page = Self.emptyPage
    private var pageNumber = 0
    private var stream: RunPageStream

    private static let emptyPage = [UInt64](repeating: 0, count: RunFilter.blocksPerPage * 4)

    /// `keys` is the maximum number of keys. With 0 there is no filter.
    init(keys: Int, stream: RunPageStream) {
        blocks = RunFilter.blocks(keys: keys)
        self.stream = stream
    }

    mutating func insert(_ hash: Hash128) throws(RetortError) {
        guard blocks > 0 else { return }
        let block = RunFilter.block(of: hash, among: blocks)
        while block / RunFilter.blocksPerPage > pageNumber { try finishPage() }
        let first = block % RunFilter.blocksPerPage * 4
        for word in 0..<4 { page[first + word] |= RunFilter.mask(hash, word: word).littleEndian }
    }

    private mutating func finishPage() throws(RetortError) {
        try stream.append(count: RunFilter.blocksPerPage) { [page] body in
            page.withUnsafeBytes { body.copyMemory(from: $0) }
        }
        page = Self.emptyPage
        pageNumber += 1
    }

    mutating func finish() throws(RetortError) {
        while pageNumber < RunFilter.pages(blocks: blocks) { try finishPage() }
        try stream.flush()
    }
}
