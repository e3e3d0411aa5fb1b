/// Which items of an input have an outcome: all below a low-water mark, and a bitmap above it.
///
/// Items are numbered row × samples + sample. The bitmap reaches from the mark to the highest item with an outcome: one
/// bit per item.
public struct RowLedger: Sendable, Hashable {
    /// Every item below it has an outcome.
    public private(set) var low: UInt64 = 0
    /// Bits of the items from `base` on.
    private var words: [UInt64] = []
    /// A multiple of 64, at most `low`.
    private var base: UInt64 = 0

    /// Words before the mark that may accumulate before the bitmap is moved.
    private static let wordsKeptMax = 4096

    public init() {}

    init(low: UInt64, words: [UInt64]) {
        self.low = low
        self.words = words
        base = low / 64 * 64
        advance()
    }

    /// The bitmap from the mark's word on, for the checkpoint.
    var wordsFromLow: ArraySlice<UInt64> { words.dropFirst(Int((low / 64 * 64 - base) / 64)) }

    /// Items with an outcome.
    var count: UInt64 {
        guard let first = wordsFromLow.first else { return low }
        let above =
            (first >> (low % 64)).nonzeroBitCount + wordsFromLow.dropFirst().reduce(0) { $0 + $1.nonzeroBitCount }
        return low + UInt64(above)
    }

    public func contains(_ item: UInt64) -> Bool {
        if item < low { return true }
        let offset = item - base
        let word = offset / 64
        return word < UInt64(words.count) && words[Int(word)] & (1 << (offset % 64)) != 0
    }

    /// Notes an outcome. One further than `StoreLimits.ledgerReachMax` above the mark is not remembered: such an item
    /// is looked up in the index.
    public mutating func insert(_ item: UInt64) {
        guard item >= low, item - low < StoreLimits.ledgerReachMax else { return }
        let offset = item - base
        let word = Int(offset / 64)
        if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
        words[word] |= 1 << (offset % 64)
        if item == low { advance() }
    }

    private mutating func advance() {
        while true {
            let offset = low - base
            let word = Int(offset / 64)
            guard word < words.count else { break }
            let ahead = ~(words[word] >> (offset % 64))
            let ones = min(UInt64(ahead.trailingZeroBitCount), 64 - offset % 64)
            low += ones
            if ones < 64 - offset % 64 { break }
        }
        let dead = Int((low - base) / 64)
        if dead >= Self.wordsKeptMax || dead == words.count {
            words.removeFirst(min(dead, words.count))
            base += UInt64(dead) * 64
        }
    }
}
