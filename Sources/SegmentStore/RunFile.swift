import Basics

/// An immutable file of entries sorted by key hash, in pages of 4 KiB.
///
///     page 0:      "RTRN"  version u32  storeID u64  lane u8  level u8  0 u16  0 u32  entries u64  pages u64
///                  number u64, … checksum u64 at 4088 (XXH3-64 of bytes 0..<4088)
///     page 1…P:    127 entries of 32 bytes, then page number u32, entry count u32, run number u64, reserved u64,
///                  checksum u64 (XXH3-64 of the 4088 bytes before it)
///     fences:      P x u64: the high half of each page's first hash; then their checksum u64
///
/// Hashes are uniform, so the page of a hash is guessed by interpolation and corrected on the fences: one page is
/// touched for a lookup, whatever the size of the file.
enum RunFormat {
    static let magic: [UInt8] = Array("RTRN".utf8)
    static let version: UInt32 = 1
    static let pageBytes = 4096
    static let entriesPerPage = 127
    static let trailerOffset = entriesPerPage * IndexEntry.bytes

    static func pages(entries: Int) -> Int { (entries + entriesPerPage - 1) / entriesPerPage }
    static func fileBytes(entries: Int) -> Int {
        let pages = pages(entries: entries)
        return (1 + pages) * pageBytes + pages * 8 + 8
    }
}

/// Writes a run from entries that arrive in order of their hash, each hash once.
struct RunWriter {
    private let file: any StoreFile
    private let lane: Lane
    private let level: UInt8
    private let number: UInt64
    private let storeID: UInt64
    private var page = ByteWriter()
    private var pageEntries = 0
    private var pending: [UInt8] = []
    private var written = RunFormat.pageBytes
    private var fences = ByteWriter()
    private(set) var entries = 0
    private var pages = 0

    private static let writeBytes = 1 << 20

    init(
        lane: Lane, level: UInt8, number: UInt64, storeID: UInt64, layout: StoreLayout, files: any FileSystem
    ) throws(RetortError) {
        file = try files.open(layout.run(number), .createEmpty)
        self.lane = lane
        self.level = level
        self.number = number
        self.storeID = storeID
    }

    mutating func append(_ entry: IndexEntry) throws(RetortError) {
        if pageEntries == 0 { fences.append(entry.hash.high) }
        entry.encode(into: &page)
        pageEntries += 1
        entries += 1
        if pageEntries == RunFormat.entriesPerPage { try finishPage() }
    }

    private mutating func finishPage() throws(RetortError) {
        guard pageEntries > 0 else { return }
        pages += 1
        page.append([UInt8](repeating: 0, count: RunFormat.trailerOffset - page.bytes.count))
        page.append(UInt32(pages))
        page.append(UInt32(pageEntries))
        page.append(number)
        page.append(UInt64(0))
        page.append(page.bytes.withUnsafeBytes { ContentHash.hash64($0) })
        pending.append(contentsOf: page.bytes)
        page.bytes.removeAll(keepingCapacity: true)
        pageEntries = 0
        if pending.count >= Self.writeBytes { try flush() }
    }

    private mutating func flush() throws(RetortError) {
        try file.write(pending, at: written)
        written += pending.count
        pending.removeAll(keepingCapacity: true)
    }

    /// Completes the file and makes its data durable. The directory is the caller's.
    mutating func finish() throws(RetortError) {
        try finishPage()
        fences.append(fences.bytes.withUnsafeBytes { ContentHash.hash64($0) })
        pending.append(contentsOf: fences.bytes)
        try flush()
        var head = ByteWriter()
        head.append(RunFormat.magic)
        head.append(RunFormat.version)
        head.append(storeID)
        head.append(lane.rawValue)
        head.append(level)
        head.append(UInt16(0))
        head.append(UInt32(0))
        head.append(UInt64(entries))
        head.append(UInt64(pages))
        head.append(number)
        head.append([UInt8](repeating: 0, count: RunFormat.pageBytes - 8 - head.bytes.count))
        head.append(head.bytes.withUnsafeBytes { ContentHash.hash64($0) })
        try file.write(head.bytes, at: 0)
        try file.syncData()
    }
}

/// A run, mapped. Lookups mark pages as checked, so calls must be serialised by the owner.
final class Run {
    let number: UInt64
    let level: UInt8
    let count: Int
    private let pages: Int
    private let mapping: MappedBytes
    private let path: String
    private var checkedPages: [UInt64]

    private var bytes: UnsafeRawBufferPointer { mapping.bytes }

    /// Throws `.damagedData` when the head or the fences do not hold.
    init(
        number: UInt64, lane: Lane, storeID: UInt64, layout: StoreLayout, files: any FileSystem
    ) throws(RetortError) {
        path = layout.run(number)
        mapping = try files.open(path, .read).map()
        let bytes = mapping.bytes
        guard bytes.count >= RunFormat.pageBytes, bytes.prefix(4).elementsEqual(RunFormat.magic),
            bytes.load(littleEndianAt: 4, as: UInt32.self) == RunFormat.version,
            bytes.load(littleEndianAt: 8, as: UInt64.self) == storeID, bytes[16] == lane.rawValue,
            bytes.load(littleEndianAt: 40, as: UInt64.self) == number,
            bytes.load(littleEndianAt: RunFormat.pageBytes - 8, as: UInt64.self)
                == ContentHash.hash64(bytes.slice(0, RunFormat.pageBytes - 8))
        else { throw Run.damage("the head of the index file is damaged", path) }
        self.number = number
        level = bytes[17]
        count = Int(bytes.load(littleEndianAt: 24, as: UInt64.self))
        pages = Int(bytes.load(littleEndianAt: 32, as: UInt64.self))
        checkedPages = [UInt64](repeating: 0, count: pages / 64 + 1)
        guard bytes.count == RunFormat.fileBytes(entries: count), pages == RunFormat.pages(entries: count) else {
            throw Run.damage("the index file is cut", path)
        }
        let fences = bytes.slice((1 + pages) * RunFormat.pageBytes, pages * 8)
        guard
            bytes.load(littleEndianAt: bytes.count - 8, as: UInt64.self) == ContentHash.hash64(fences)
        else { throw Run.damage("the fences of the index file are damaged", path) }
    }

    private static func damage(_ message: String, _ path: String) -> RetortError {
        RetortError(
            .damagedData, message, at: path,
            remedy: "The next run makes the index anew; `retort reindex` does it at once.")
    }

    @inline(__always)
    private func fence(_ page: Int) -> UInt64 {
        bytes.load(littleEndianAt: (1 + pages) * RunFormat.pageBytes + page * 8)
    }

    /// The entry of a key. Throws `.damagedData` when its page does not hold.
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        guard count > 0 else { return nil }
        var page = min(pages - 1, Int(hash.high.multipliedFullWidth(by: UInt64(pages)).high))
        while page > 0, fence(page) >= hash.high { page -= 1 }
        while page + 1 < pages, fence(page + 1) < hash.high { page += 1 }
        // Equal high halves may begin at the end of one page and go on in the next.
        while true {
            if let entry = try find(hash, inPage: page) { return entry }
            guard page + 1 < pages, fence(page + 1) == hash.high else { return nil }
            page += 1
        }
    }

    private func find(_ hash: Hash128, inPage page: Int) throws(RetortError) -> IndexEntry? {
        let base = try checkedPage(page)
        let last = base + (entriesInPage(page) - 1) * IndexEntry.bytes
        // Guessed by the fences on both sides and corrected step by step: it touches fewer lines of the cache than
        // halving would.
        let start = fence(page)
        let end = page + 1 < pages ? fence(page + 1) : .max
        let share = hash.high <= start ? 0 : Double(hash.high - start) / Double(max(end - start, 1))
        var at = base + Int(min(share, 1) * Double(entriesInPage(page) - 1)) * IndexEntry.bytes
        while at > base, key(at) > hash { at -= IndexEntry.bytes }
        while at < last, key(at) < hash { at += IndexEntry.bytes }
        return key(at) == hash ? IndexEntry.decode(bytes, at: at) : nil
    }

    @inline(__always)
    private func key(_ offset: Int) -> Hash128 {
        Hash128(high: bytes.load(littleEndianAt: offset), low: bytes.load(littleEndianAt: offset + 8))
    }

    private func entriesInPage(_ page: Int) -> Int {
        page + 1 < pages ? RunFormat.entriesPerPage : count - page * RunFormat.entriesPerPage
    }

    /// The offset of a page whose checksum holds; each page is checked the first time it is touched.
    @inline(__always)
    private func checkedPage(_ page: Int) throws(RetortError) -> Int {
        let base = (1 + page) * RunFormat.pageBytes
        if checkedPages[page >> 6] & (1 << UInt64(page & 63)) != 0 { return base }
        let checksum: UInt64 = bytes.load(littleEndianAt: base + RunFormat.pageBytes - 8)
        guard checksum == ContentHash.hash64(bytes.slice(base, RunFormat.pageBytes - 8)),
            bytes.load(littleEndianAt: base + RunFormat.trailerOffset, as: UInt32.self) == UInt32(page + 1)
        else { throw Run.damage("a page of the index file is damaged", "\(path) at byte \(base)") }
        checkedPages[page >> 6] |= 1 << UInt64(page & 63)
        return base
    }

    /// Appends the entries of one page, in order.
    func appendEntries(ofPage page: Int, to entries: inout [IndexEntry]) throws(RetortError) {
        let base = try checkedPage(page)
        for index in 0..<entriesInPage(page) {
            entries.append(IndexEntry.decode(bytes, at: base + index * IndexEntry.bytes))
        }
    }

    /// The entries of one page, in order.
    func entries(ofPage page: Int) throws(RetortError) -> [IndexEntry] {
        var entries: [IndexEntry] = []
        try appendEntries(ofPage: page, to: &entries)
        return entries
    }

    var pageCount: Int { pages }
}
