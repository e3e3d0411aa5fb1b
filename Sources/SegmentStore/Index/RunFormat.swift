import Basics

/// An immutable file of entries sorted by key hash, in pages of 4 KiB: a head, a filter, the entries, fences.
///
///     page 0:        "RTRN"  version u32  storeID u64  lane u8  level u8  0 u16  0 u32  entries u64
///                    pages of entries P u64  number u64  blocks of the filter u64, … checksum u64 at 4088
///     page 1…F:      127 blocks of the filter, then a trailer
///     page F+1…F+P:  131 entries of 31 bytes, zeros up to 4064, then a trailer: page number u32, entries (or blocks)
///                    in the page u32, run number u64, reserved u64, checksum u64
///     fences:        P x u64: the high half of each page's first hash; then their checksum u64
///
/// A checksum is XXH3-64 of the 4088 bytes before it. Hashes are uniform, so the page of a hash is guessed by
/// interpolation and corrected on the fences: one page is touched for a lookup, whatever the size of the file, and for
/// most keys that are not there none but the filter's.
enum RunFormat {
    static let magic: [UInt8] = Array("RTRN".utf8)
    static let version: UInt32 = 2
    static let pageBytes = 4096
    static let entriesPerPage = 131
    static let trailerOffset = pageBytes - 32
    static let checksumOffset = pageBytes - 8

    static func pages(entries: Int) -> Int { (entries + entriesPerPage - 1) / entriesPerPage }
    static func fileBytes(entries: Int, filterBlocks: Int) -> Int {
        let pages = pages(entries: entries)
        return (1 + RunFilter.pages(blocks: filterBlocks) + pages) * pageBytes + pages * 8 + 8
    }
}

/// Writes consecutive pages of a run in large chunks.
struct RunPageStream {
    private let file: any StoreFile
    private let run: UInt64
    private var nextPage: Int
    private var pending: [UInt8] = []

    private static let writeBytes = 1 << 20
    private static let emptyPage = [UInt8](repeating: 0, count: RunFormat.pageBytes)

    /// `page` is the number of the first page; the head is page 0.
    init(_ file: any StoreFile, run: UInt64, page: Int) {
        self.file = file
        self.run = run
        nextPage = page
    }

    /// Appends a page of `count` entries or blocks. `body` writes them at the front of the page, which is zeros.
    mutating func append(count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) throws(RetortError) {
        let start = pending.count
        pending.append(contentsOf: Self.emptyPage)
        let number = UInt32(nextPage)
        let run = run
        pending.withUnsafeMutableBytes { bytes in
            let page = UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
            body(page)
            let trailer = RunFormat.trailerOffset
            page.storeBytes(of: number.littleEndian, toByteOffset: trailer, as: UInt32.self)
            page.storeBytes(of: UInt32(count).littleEndian, toByteOffset: trailer + 4, as: UInt32.self)
            page.storeBytes(of: run.littleEndian, toByteOffset: trailer + 8, as: UInt64.self)
            let checksum = ContentHash.hash64(UnsafeRawBufferPointer(page).slice(0, RunFormat.checksumOffset))
            page.storeBytes(of: checksum.littleEndian, toByteOffset: RunFormat.checksumOffset, as: UInt64.self)
        }
        nextPage += 1
        if pending.count >= Self.writeBytes { try flush() }
    }

    /// Writes the gathered pages. Returns the next page's offset.
    @discardableResult
    mutating func flush() throws(RetortError) -> Int {
        let end = nextPage * RunFormat.pageBytes
        if !pending.isEmpty { try file.write(pending, at: end - pending.count) }
        pending.removeAll(keepingCapacity: true)
        return end
    }
}
