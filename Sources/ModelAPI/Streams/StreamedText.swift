internal import Glibc
internal import JSONText

/// A streamed answer as one text, for those who look for what may be cut in two by the pieces.
public enum StreamedText {
    /// What a stream becomes that held something to hide and did not come to its end: as broken off as it was.
    private static let broken = Array("data: {\"choices\":[]}\n\n".utf8)

    /// A body to take in place of a stream in whose joined text `blot` finds something: the answer in one piece, blotted.
    /// Nil where the body is no stream, or where nothing is found.
    public static func replacement(of body: [UInt8], blotting blot: (inout [UInt8]) -> Void) -> [UInt8]? {
        let start = ReplyText.start(of: body)
        guard start < body.endIndex else { return nil }
        let text = start == 0 ? body : Array(body[start...])
        let isLines = text[0] == UInt8(ascii: "{") && isSeries(text)
        guard isLines || EventStream.looksLikeOne(text) else { return nil }
        let parser = JSONParser()
        let assembly =
            isLines
            ? EventStream.assembled(lines: text, with: parser) : EventStream.assembled(text, with: parser)
        guard let joined = assembly.joined else { return nil }
        var blotted = joined
        blot(&blotted)
        guard blotted != joined else { return nil }
        return assembly.isWhole ? blotted : broken
    }

    /// Whether a second JSON object follows on a line of its own.
    private static func isSeries(_ text: [UInt8]) -> Bool {
        let end: Int? = text.withUnsafeBytes { bytes in
            memchr(bytes.baseAddress!, 0x0A, bytes.count).map { UnsafeRawPointer($0) - bytes.baseAddress! }
        }
        guard let end else { return false }
        return text[..<end].last { !AnswerParser.isSpace($0) } == UInt8(ascii: "}")
            && text[end...].first { !AnswerParser.isSpace($0) } == UInt8(ascii: "{")
    }
}
