/// A row's text in which NaN, Infinity and -Infinity are replaced by null: some writers produce them, but JSON has no
/// such numbers.
struct FiniteText {
    /// The text after the replacement, which may be valid JSON.
    private(set) var text: [UInt8] = []
    /// The positions in `text` where null was inserted.
    private(set) var places: [Int] = []
    /// The positions at which the text grew by one byte.
    private var grown: [Int] = []

    private static let words: [(word: [UInt8], null: [UInt8])] = [
        (Array("NaN".utf8), Array("null".utf8)), (Array("Infinity".utf8), Array("null    ".utf8)),
        (Array("-Infinity".utf8), Array("null     ".utf8)),
    ]

    /// Nil when the text has none of these words outside its strings.
    init?(_ source: [UInt8]) {
        text.reserveCapacity(source.count + 16)
        var (at, isInString) = (0, false)
        while at < source.count {
            let byte = source[at]
            if isInString {
                text.append(byte)
                if byte == UInt8(ascii: "\\"), at + 1 < source.count {
                    at += 1
                    text.append(source[at])
                }
                isInString = byte != UInt8(ascii: "\"")
                at += 1
                continue
            }
            if byte == UInt8(ascii: "N") || byte == UInt8(ascii: "I") || byte == UInt8(ascii: "-"),
                let found = Self.words.first(where: { source[at...].starts(with: $0.word) })
            {
                places.append(text.count)
                if found.null.count > found.word.count { grown.append(text.count) }
                text += found.null
                at += found.word.count
                continue
            }
            isInString = byte == UInt8(ascii: "\"")
            text.append(byte)
            at += 1
        }
        if places.isEmpty { return nil }
    }

    /// Maps an offset in the text to the offset in the source.
    func original(_ offset: Int) -> Int { offset - grown.count { $0 < offset } }
}
