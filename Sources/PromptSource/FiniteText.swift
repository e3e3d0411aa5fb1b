/// A row's text with null in place of NaN, Infinity and -Infinity, which some writers put where JSON has no number.
struct FiniteText {
    /// The text that may be JSON.
    private(set) var text: [UInt8] = []
    /// Where in it null was put.
    private(set) var places: [Int] = []
    /// The places at which it became longer by a byte.
    private var grown: [Int] = []

    private static let words: [(word: [UInt8], null: [UInt8])] = [
        (Array("NaN".utf8), Array("null".utf8)), (Array("Infinity".utf8), Array("null    ".utf8)),
        (Array("-Infinity".utf8), Array("null     ".utf8)),
    ]

    /// Nil where the text holds none of them outside its strings.
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

    /// The offset in the source of an offset in the text.
    func original(_ offset: Int) -> Int { offset - grown.count { $0 < offset } }
}
