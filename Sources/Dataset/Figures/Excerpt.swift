import JSONText

/// Texts that are shown in part.
package enum Excerpt {
    /// Of an answer's text.
    package static let answerScalarsMax = 2000
    /// Of what is asked, and of ids.
    package static let askedScalarsMax = 240
    /// More of a JSON string is not decoded.
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
            // An escape that was cut in two would be read as something else.
            let tail = content.suffix(escapeBytesMax)
            if let escape = tail.lastIndex(of: UInt8(ascii: "\\")) { content = content[..<escape] }
        }
        return text(String(decoding: JSONString.unescape(content), as: UTF8.self), answerScalarsMax)
    }
}
