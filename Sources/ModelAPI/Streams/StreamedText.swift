internal import Glibc
internal import JSONText

/// A streamed answer as one text, to search for what may be split between pieces.
public enum StreamedText {
    /// The replacement for an incomplete stream that contained a secret: an incomplete stream.
    private static let broken = Array("data: {\"choices\":[]}\n\n".utf8)

    /// The replacement for a stream if `blot` changes its joined text: the changed answer in one piece. Nil if the body
    /// is not a stream, or if nothing is changed.
    public static func replacement(of body: [UInt8], blotting blot: (inout [UInt8]) -> Void) -> [UInt8]? {
        let start = ReplyText.start(of: body)
        guard start < body.endIndex else { return nil }
        let text = start == 0 ? body : Array(body[start...])
        let isLines = text[0] == UInt8(ascii: "{")
        guard isLines ? isSeries(text) : EventStream.looksLikeOne(text) else { return nil }
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

    /// Whether a second JSON object follows on another line.
    private static func isSeries(_ text: [UInt8]) -> Bool {
        let end: Int? = text.withUnsafeBytes { bytes in
            memchr(bytes.baseAddress!, 0x0A, bytes.count).map { UnsafeRawPointer($0) - bytes.baseAddress! }
        }
        guard let end else { return false }
        return text[..<end].last { !AnswerParser.isSpace($0) } == UInt8(ascii: "}")
            && text[end...].first { !AnswerParser.isSpace($0) } == UInt8(ascii: "{")
    }
}
