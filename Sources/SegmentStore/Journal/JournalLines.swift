import Basics

/// The lines of a journal's file in order, in bounded memory whatever the file holds.
struct JournalLines {
    /// One line, without its line feed.
    struct Line {
        var range: Range<Int>
        /// Its content; only the first bytes if it cannot be a journal's line.
        var bytes: [UInt8]
        /// False for what follows the last line feed.
        var isEnded: Bool
        /// Whether some of its bytes were never written, so that the disk returned zeros.
        var isHoled: Bool
    }

    private let file: any StoreFile
    private let end: Int
    /// Bytes of the file from `windowStart` on.
    private var window: [UInt8] = []
    private var windowStart = 0
    /// Where in the file the next line begins.
    private var position = 0

    private static let stretchBytes = 1 << 20
    /// Enough to see that a line is invalid.
    private static let headBytes = 16
    private static let lineBytesMax = StoreLimits.lineBytesMax + JournalLine.suffixBytes

    init(_ file: any StoreFile) throws(RetortError) {
        self.file = file
        end = try file.size()
    }

    mutating func next() throws(RetortError) -> Line? {
        guard position < end else { return nil }
        let start = position
        var searched = start
        // If it does not begin like a line, no more is kept.
        var isKept = true
        var head: [UInt8] = []
        while true {
            if let feed = window.withUnsafeBytes({ $0.first(0x0A, from: searched - windowStart) }) {
                return take(start, to: windowStart + feed, head: isKept ? nil : head, isEnded: true)
            }
            searched = windowStart + window.count
            if searched >= end { return take(start, to: end, head: isKept ? nil : head, isEnded: false) }
            let first = start - windowStart
            if isKept, first >= 0, first < window.count {
                head = Array(window[first...].prefix(Self.headBytes))
                isKept = head[0] == UInt8(ascii: "{") && searched - start <= Self.lineBytesMax
            }
            try readOn(from: isKept ? start : searched, to: searched)
            if window.count == searched - windowStart {
                return take(start, to: searched, head: isKept ? nil : head, isEnded: false)
            }
        }
    }

    /// Keeps the window from `first` on and adds what follows at `searched`.
    private mutating func readOn(from first: Int, to searched: Int) throws(RetortError) {
        window.removeFirst(min(first - windowStart, window.count))
        windowStart = first
        window += try file.read(at: searched, count: min(Self.stretchBytes, end - searched))
    }

    private mutating func take(_ start: Int, to stop: Int, head: [UInt8]?, isEnded: Bool) -> Line {
        position = isEnded ? stop + 1 : end
        if let head { return Line(range: start..<stop, bytes: head, isEnded: isEnded, isHoled: head.first == 0) }
        let bytes = Array(window[start - windowStart..<stop - windowStart])
        return Line(range: start..<stop, bytes: bytes, isEnded: isEnded, isHoled: Self.isHoled(bytes))
    }

    /// A power cut leaves zeros where a write did not reach the disk: many of them, or such that a line begins after
    /// them. JSON contains none, and a flipped bit makes only one.
    private static func isHoled(_ bytes: [UInt8]) -> Bool {
        guard let zero = bytes.withUnsafeBytes({ $0.first(0, from: 0) }) else { return false }
        let rest = bytes[(zero + 1)...]
        return rest.first == 0 || JournalLine.beginsLikeOne(rest)
    }
}
