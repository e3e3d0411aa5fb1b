import JSONText

/// Shortened texts for display.
package enum Excerpt {
    /// Maximum length of an answer's excerpt.
    package static let answerScalarsMax = 2000
    /// Maximum length of a prompt's excerpt, and of ids.
    package static let askedScalarsMax = 240
    /// Maximum bytes of a JSON string that are decoded.
    private static let decodedBytesMax = 8192
    /// The longest escape, a surrogate pair.
    private static let escapeBytesMax = 12

    package static func text(_ text: String, _ scalarsMax: Int) -> String {
        text.unicodeScalars.count <= scalarsMax
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(scalarsMax))) + "…"
    }

    /// The text of a JSON string with its quotes, shortened before it is decoded.
    package static func answer(_ raw: ArraySlice<UInt8>) -> String {
        var content = raw.dropFirst().dropLast()
        if content.count > decodedBytesMax {
            content = content.prefix(decodedBytesMax)
            // A truncated escape would be decoded as something else.
            let tail = content.suffix(escapeBytesMax)
            if let escape = tail.lastIndex(of: UInt8(ascii: "\\")) { content = content[..<escape] }
        }
        return text(String(decoding: JSONString.unescape(content), as: UTF8.self), answerScalarsMax)
    }
}
