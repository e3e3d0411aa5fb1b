import Basics

/// A run, mapped. Lookups mark pages as checked, so they must be serialised by the owner; reading in order marks
/// nothing and may go on beside them.
final class Run {
    let number: UInt64
    let lane: Lane
    let level: UInt8
    let count: Int
    /// Pages of entries.
    let pageCount: Int
    /// Where the pages of entries begin.
    private let entriesStart: Int
    private let fencesStart: Int
    private let filterBlocks: Int
    /// Whether it has entries of a lane; the lists of a revision, which are read by the process that wrote them, have
    /// others.
    private let isOfIndex: Bool
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
            bytes.load(littleEndianAt: RunFormat.checksumOffset, as: UInt64.self)
                == ContentHash.hash64(bytes.slice(0, RunFormat.checksumOffset))
        else { throw Run.damage("the head of the index file is damaged", path) }
        self.number = number
        self.lane = lane
        isOfIndex = storeID != 0
        level = bytes[17]
        // No more of anything than the file has bytes: what is computed of them does not overflow.
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

    /// Whether the filter has some of the keys, so that it is as large as it was when it was written.
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

    /// Whether a lookup finds the entries of a page: the page's fence is that of its first one, and the filter has all.
    func finds(_ entries: [IndexEntry], ofPage page: Int) throws(RetortError) -> Bool {
        guard entries.first?.hash.high == fence(page) else { return false }
        for entry in entries where try !mayHold(entry.hash) { return false }
        return true
    }

    private static func damage(_ message: String, _ path: String) -> RetortError {
        RetortError(
            .damagedData, message, at: path,
            remedy: "The next run makes the index anew; `retort reindex` does it at once.")
    }

    @inline(__always)
    private func fence(_ page: Int) -> UInt64 { bytes.load(littleEndianAt: fencesStart + page * 8) }

    /// The entry of a key. Throws `.damagedData` when its page does not hold.
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        guard count > 0, try mayHold(hash) else { return nil }
        return try find(hash, from: try guess(hash))
    }

    /// Looks up those keys of a batch that are still open.
    ///
    /// In passes: each has the memory that the next one reads on its way for all keys at once. One by one a key waits
    /// for its part of the filter, and then for its entry.
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
            // Without a branch, which would be foreseen wrongly half of the time.
            keys[count] = key
            count += RunFilter.holds(batch.hashes[key], bytes, at: offset) ? 1 : 0
        }
        keys.removeSubrange(count...)
        return keys
    }

    /// Says that a key is going to be looked up: its part of the filter is on its way into the cache.
    func expect(_ hash: Hash128) {
        guard filterBlocks > 0 else { return }
        let (page, block) = RunFilter.block(of: hash, among: filterBlocks)
            .quotientAndRemainder(dividingBy: RunFilter.blocksPerPage)
        bytes.prefetch(at: (1 + page) * RunFormat.pageBytes + block * RunFilter.blockBytes)
    }

    /// False when the filter knows that the key is not there.
    @inline(__always)
    private func mayHold(_ hash: Hash128) throws(RetortError) -> Bool {
        guard filterBlocks > 0 else { return true }
        return RunFilter.holds(hash, bytes, at: try filterOffset(hash))
    }

    /// Where the filter's block of a key is.
    @inline(__always)
    private func filterOffset(_ hash: Hash128) throws(RetortError) -> Int {
        let (page, block) = RunFilter.block(of: hash, among: filterBlocks)
            .quotientAndRemainder(dividingBy: RunFilter.blocksPerPage)
        let start = (1 + page) * RunFormat.pageBytes
        try check(pageAt: start)
        return start + block * RunFilter.blockBytes
    }

    /// The page of a key, and where in it its entry may be.
    private struct Guess {
        var page: Int
        var offset: Int
    }

    private static let cacheLineBytes = 64

    /// By the fences, the page's own and the next one's. Its entries are on their way into the cache.
    @inline(__always)
    private func guess(_ hash: Hash128) throws(RetortError) -> Guess {
        var page = min(pageCount - 1, Int(hash.high.multipliedFullWidth(by: UInt64(pageCount)).high))
        while page > 0, fence(page) >= hash.high { page -= 1 }
        while page + 1 < pageCount, fence(page + 1) < hash.high { page += 1 }
        let base = entriesStart + page * RunFormat.pageBytes
        try check(pageAt: base)
        let start = fence(page)
        let end = page + 1 < pageCount ? fence(page + 1) : .max
        // Where the fences are in order this is the distance; where they are not, any guess will do.
        let share = hash.high <= start ? 0 : Double(hash.high - start) / Double(max(end &- start, 1))
        let offset = base + Int(min(share, 1) * Double(entriesInPage(page) - 1)) * IndexEntry.bytes
        // It is off by three or four entries.
        for line in -1...1 { bytes.prefetch(at: offset + line * Self.cacheLineBytes) }
        return Guess(page: page, offset: offset)
    }

    /// Corrects a guess entry by entry: that touches fewer lines of the cache than halving would.
    private func find(_ hash: Hash128, from guess: Guess) throws(RetortError) -> IndexEntry? {
        var guess = guess
        while true {
            let base = entriesStart + guess.page * RunFormat.pageBytes
            let last = base + (entriesInPage(guess.page) - 1) * IndexEntry.bytes
            var at = guess.offset
            while at > base, key(at) > hash { at -= IndexEntry.bytes }
            while at < last, key(at) < hash { at += IndexEntry.bytes }
            if key(at) == hash { return try entry(at: at) }
            // Equal high halves may begin at the end of one page and go on in the next.
            let next = guess.page + 1
            guard next < pageCount, fence(next) == hash.high else { return nil }
            let start = base + RunFormat.pageBytes
            try check(pageAt: start)
            guess = Guess(page: next, offset: start)
        }
    }

    /// The entry there. Throws `.damagedData` when a record cannot be as it says.
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

    /// Each page's checksum is tried the first time the page is touched.
    @inline(__always)
    private func check(pageAt start: Int) throws(RetortError) {
        let page = start / RunFormat.pageBytes
        if checkedPages[page >> 6] & (1 << UInt64(page & 63)) != 0 { return }
        try verify(pageAt: start)
        checkedPages[page >> 6] |= 1 << UInt64(page & 63)
    }

    /// Whole, this page, and of this run: where a write was lost there may be a good page of a run that is gone.
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

    /// The filter's pages against their checksums.
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

    /// The pages are read from the file again, and checked again, when they are touched next: until then they are not
    /// in this process's memory. Serialised with lookups.
    func letGo() {
        mapping.letGo(0..<bytes.count)
        for word in checkedPages.indices { checkedPages[word] = 0 }
    }

    /// The same of some of the pages of entries, but for the check. May be called beside lookups.
    func letGo(ofPages pages: Range<Int>) {
        let start = entriesStart + pages.lowerBound * RunFormat.pageBytes
        mapping.letGo(start..<start + pages.count * RunFormat.pageBytes)
    }
}
