import Basics

/// A mapped run. Lookups mark pages as verified, so the owner must serialise them; sequential reading marks nothing and
/// may happen concurrently.
final class Run {
    let number: UInt64
    let lane: Lane
    let level: UInt8
    let count: Int
    /// Pages of entries.
    let pageCount: Int
    /// Offset of the first page of entries.
    private let entriesStart: Int
    private let fencesStart: Int
    private let filterBlocks: Int
    /// Whether its entries belong to a lane; the lists of a revision, which are read by the process that wrote them,
    /// contain others.
    private let isOfIndex: Bool
    private let mapping: MappedBytes
    private let path: String
    private var checkedPages: [UInt64]

    private var bytes: UnsafeRawBufferPointer { mapping.bytes }

    /// Throws `.damagedData` if the head or the fences are invalid.
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
            bytes.load(littleEndianAt: RunFormat.checksumOffset, as: UInt64.self)
                == ContentHash.hash64(bytes.slice(0, RunFormat.checksumOffset))
        else { throw Run.damage("the head of the index file is damaged", path) }
        self.number = number
        self.lane = lane
        isOfIndex = storeID != 0
        level = bytes[17]
        // Bounded by the file's size, so that computations with them do not overflow.
        count = Int(clamping: bytes.load(littleEndianAt: 24, as: UInt64.self))
        pageCount = Int(clamping: bytes.load(littleEndianAt: 32, as: UInt64.self))
        filterBlocks = Int(clamping: bytes.load(littleEndianAt: 48, as: UInt64.self))
        guard max(count, pageCount, filterBlocks) <= bytes.count,
            bytes.count == RunFormat.fileBytes(entries: count, filterBlocks: filterBlocks),
            pageCount == RunFormat.pages(entries: count)
        else { throw Run.damage("the index file is cut", path) }
        let filterPages = RunFilter.pages(blocks: filterBlocks)
        entriesStart = (1 + filterPages) * RunFormat.pageBytes
        fencesStart = entriesStart + pageCount * RunFormat.pageBytes
        checkedPages = [UInt64](repeating: 0, count: (1 + filterPages + pageCount) / 64 + 1)
        guard
            bytes.load(littleEndianAt: bytes.count - 8, as: UInt64.self)
                == ContentHash.hash64(bytes.slice(fencesStart, pageCount * 8))
        else { throw Run.damage("the fences of the index file are damaged", path) }
        try checkFilter()
    }

    /// Checks that the filter contains some of the keys, and so that it has the size it was written with.
    private func checkFilter() throws(RetortError) {
        guard filterBlocks > 0, count > 0 else { return }
        guard filterBlocks >= RunFilter.blocks(keys: count) else {
            throw Run.damage("the filter of the index file is too small", path)
        }
        for number in [count / 2, count - 1] {
            let (page, place) = number.quotientAndRemainder(dividingBy: RunFormat.entriesPerPage)
            let start = entriesStart + page * RunFormat.pageBytes
            try check(pageAt: start)
            guard try mayHold(key(start + place * IndexEntry.bytes)) else {
                throw Run.damage("the filter of the index file lacks keys", path)
            }
        }
    }

    /// Whether a lookup finds a page's entries: the page's fence must be that of its first entry, and the filter must
    /// contain all.
    func finds(_ entries: [IndexEntry], ofPage page: Int) throws(RetortError) -> Bool {
        guard entries.first?.hash.high == fence(page) else { return false }
        for entry in entries where try !mayHold(entry.hash) { return false }
        return true
    }

    private static func damage(_ message: String, _ path: String) -> RetortError {
        RetortError(
            .damagedData, message, at: path,
            remedy: "The next run rebuilds the index; `retort reindex` does it at once.")
    }

    @inline(__always)
    private func fence(_ page: Int) -> UInt64 { bytes.load(littleEndianAt: fencesStart + page * 8) }

    /// The entry of a key. Throws `.damagedData` if its page is invalid.
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        guard count > 0, try mayHold(hash) else { return nil }
        return try find(hash, from: try guess(hash))
    }

    /// Looks up the open keys of a batch.
    ///
    /// In passes: each prefetches, for all keys, the memory that the next pass reads. One by one, a key would wait for
    /// its part of the filter and then for its entry.
    func lookup(_ batch: inout LookupBatch) throws(RetortError) {
        guard count > 0 else { return }
        var guesses: [(key: Int, guess: Guess)] = []
        guesses.reserveCapacity(batch.open.count)
        for key in try keysThatMayBeHere(batch) {
            guesses.append((key, try guess(batch.hashes[key])))
        }
        for (key, guess) in guesses { batch.entries[key] = try find(batch.hashes[key], from: guess) }
        batch.closeFound()
    }

    private func keysThatMayBeHere(_ batch: borrowing LookupBatch) throws(RetortError) -> [Int] {
        guard filterBlocks > 0 else { return batch.open }
        var keys = batch.open
        var offsets: [Int] = []
        offsets.reserveCapacity(keys.count)
        for key in keys {
            let offset = try filterOffset(batch.hashes[key])
            bytes.prefetch(at: offset)
            offsets.append(offset)
        }
        var count = 0
        for (key, offset) in zip(batch.open, offsets) {
            // Without a branch, which would be mispredicted half of the time.
            keys[count] = key
            count += RunFilter.holds(batch.hashes[key], bytes, at: offset) ? 1 : 0
        }
        keys.removeSubrange(count...)
        return keys
    }

    /// Announces the lookup of a key: prefetches its part of the filter.
    func expect(_ hash: Hash128) {
        guard filterBlocks > 0 else { return }
        let (page, block) = RunFilter.block(of: hash, among: filterBlocks)
            .quotientAndRemainder(dividingBy: RunFilter.blocksPerPage)
        bytes.prefetch(at: (1 + page) * RunFormat.pageBytes + block * RunFilter.blockBytes)
    }

    /// False if the filter excludes the key.
    @inline(__always)
    private func mayHold(_ hash: Hash128) throws(RetortError) -> Bool {
        guard filterBlocks > 0 else { return true }
        return RunFilter.holds(hash, bytes, at: try filterOffset(hash))
    }

    /// Offset of the key's block in the filter.
    @inline(__always)
    private func filterOffset(_ hash: Hash128) throws(RetortError) -> Int {
        let (page, block) = RunFilter.block(of: hash, among: filterBlocks)
            .quotientAndRemainder(dividingBy: RunFilter.blocksPerPage)
        let start = (1 + page) * RunFormat.pageBytes
        try check(pageAt: start)
        return start + block * RunFilter.blockBytes
    }

    /// A key's page, and the estimated position of its entry.
    private struct Guess {
        var page: Int
        var offset: Int
    }

    private static let cacheLineBytes = 64

    /// Interpolates between the page's own fence and the next one, and prefetches the entries.
    @inline(__always)
    private func guess(_ hash: Hash128) throws(RetortError) -> Guess {
        var page = min(pageCount - 1, Int(hash.high.multipliedFullWidth(by: UInt64(pageCount)).high))
        while page > 0, fence(page) >= hash.high { page -= 1 }
        while page + 1 < pageCount, fence(page + 1) < hash.high { page += 1 }
        let base = entriesStart + page * RunFormat.pageBytes
        try check(pageAt: base)
        let start = fence(page)
        let end = page + 1 < pageCount ? fence(page + 1) : .max
        // If the fences are in order this is the distance; if not, any estimate will do.
        let share = hash.high <= start ? 0 : Double(hash.high - start) / Double(max(end &- start, 1))
        let offset = base + Int(min(share, 1) * Double(entriesInPage(page) - 1)) * IndexEntry.bytes
        // The estimate is off by three or four entries.
        for line in -1...1 { bytes.prefetch(at: offset + line * Self.cacheLineBytes) }
        return Guess(page: page, offset: offset)
    }

    /// Corrects an estimate entry by entry, which touches fewer cache lines than bisection.
    private func find(_ hash: Hash128, from guess: Guess) throws(RetortError) -> IndexEntry? {
        var guess = guess
        while true {
            let base = entriesStart + guess.page * RunFormat.pageBytes
            let last = base + (entriesInPage(guess.page) - 1) * IndexEntry.bytes
            var at = guess.offset
            while at > base, key(at) > hash { at -= IndexEntry.bytes }
            while at < last, key(at) < hash { at += IndexEntry.bytes }
            if key(at) == hash { return try entry(at: at) }
            // Equal high halves may continue on the next page.
            let next = guess.page + 1
            guard next < pageCount, fence(next) == hash.high else { return nil }
            let start = base + RunFormat.pageBytes
            try check(pageAt: start)
            guess = Guess(page: next, offset: start)
        }
    }

    /// The entry at an index. Throws `.damagedData` if its content is invalid.
    @inline(__always)
    private func entry(at offset: Int) throws(RetortError) -> IndexEntry {
        let entry = IndexEntry.decode(bytes, at: offset)
        guard !isOfIndex || lane.holds(status: entry.status) && StoreLayout.isSegment(entry.segment) else {
            throw Run.damage("an entry of the index file is not valid", "\(path) at byte \(offset)")
        }
        return entry
    }

    @inline(__always)
    private func key(_ offset: Int) -> Hash128 {
        Hash128(high: bytes.load(littleEndianAt: offset), low: bytes.load(littleEndianAt: offset + 8))
    }

    private func entriesInPage(_ page: Int) -> Int {
        page + 1 < pageCount ? RunFormat.entriesPerPage : count - page * RunFormat.entriesPerPage
    }

    /// Each page's checksum is verified at the first access.
    @inline(__always)
    private func check(pageAt start: Int) throws(RetortError) {
        let page = start / RunFormat.pageBytes
        if checkedPages[page >> 6] & (1 << UInt64(page & 63)) != 0 { return }
        try verify(pageAt: start)
        checkedPages[page >> 6] |= 1 << UInt64(page & 63)
    }

    /// The page must be intact, this page, and of this run: after a lost write there may be a good page of a removed
    /// run.
    private func verify(pageAt start: Int) throws(RetortError) {
        let checksum: UInt64 = bytes.load(littleEndianAt: start + RunFormat.checksumOffset)
        let trailer = start + RunFormat.trailerOffset
        let count =
            start < entriesStart ? RunFilter.blocksPerPage : entriesInPage((start - entriesStart) / RunFormat.pageBytes)
        guard checksum == ContentHash.hash64(bytes.slice(start, RunFormat.checksumOffset)),
            bytes.load(littleEndianAt: trailer, as: UInt32.self) == UInt32(start / RunFormat.pageBytes),
            bytes.load(littleEndianAt: trailer + 4, as: UInt32.self) == UInt32(count),
            bytes.load(littleEndianAt: trailer + 8, as: UInt64.self) == number
        else { throw Run.damage("a page of the index file is damaged", "\(path) at byte \(start)") }
    }

    /// Verifies the filter's pages.
    func verifyFilter() throws(RetortError) {
        for page in 0..<RunFilter.pages(blocks: filterBlocks) {
            try verify(pageAt: (1 + page) * RunFormat.pageBytes)
        }
    }

    /// Appends the entries of one page, in order.
    func appendEntries(ofPage page: Int, to entries: inout [IndexEntry]) throws(RetortError) {
        let base = entriesStart + page * RunFormat.pageBytes
        try verify(pageAt: base)
        for index in 0..<entriesInPage(page) {
            entries.append(try entry(at: base + index * IndexEntry.bytes))
        }
    }

    /// Releases the mapped pages: they are read and verified again at the next access. Serialised with lookups.
    func letGo() {
        mapping.letGo(0..<bytes.count)
        for word in checkedPages.indices { checkedPages[word] = 0 }
    }

    /// Releases some pages of entries, without resetting their verification. May be called concurrently with lookups.
    func letGo(ofPages pages: Range<Int>) {
        let start = entriesStart + pages.lowerBound * RunFormat.pageBytes
        mapping.letGo(start..<start + pages.count * RunFormat.pageBytes)
    }
}
