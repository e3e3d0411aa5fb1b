internal import Basics
public import JSONText

/// Removes what models add around the text that fills a gap: code fences, repetitions of the text before or after the
/// gap, marker tokens. An answer without any of these stays unchanged, byte for byte.
public struct FillStage: AnswerStage {
    /// Maximum bytes of an answer's text that are processed.
    static let textBytesMax = 8 << 20
    /// Minimum bytes, except white space, of a line that counts as a repetition, so that a single brace does not.
    static let echoBytesMin = 6

    private let marks: [String]

    /// - Parameter tokens: the markers that may be left at the end; nil if none were sent.
    public init(_ tokens: FIMTokens?) { marks = tokens?.marks ?? [] }

    public func judge(_ answer: ModelAnswer, of asked: AskedRequest, with parser: JSONParser) -> StageVerdict {
        let content = answer.responseRaw.dropFirst().dropLast()
        guard !content.isEmpty, content.count <= Self.textBytesMax else { return .accept(answer) }
        let text = JSONString.unescape(content)
        let sides = Self.sides(of: asked.request, parser)
        let filling = Self.filling(text[...], before: sides?.before ?? [], after: sides?.after ?? [], marks: marks)
        guard filling.count < text.count else { return .accept(answer) }
        var token: [UInt8] = []
        JSONString.append(filling, to: &token)
        return .accept(answer.with(response: token[...]))
    }

    /// The request's texts before and after the gap.
    private static func sides(of request: ModelRequest, _ parser: JSONParser) -> (before: [UInt8], after: [UInt8])? {
        guard let root = try? parser.parse(request.body).root else { return nil }
        if let prompt = root["prompt"]?.stringBytes { return (prompt, root["suffix"]?.stringBytes ?? []) }
        guard let content = root["messages"]?.elements.last?["content"]?.stringBytes else { return nil }
        return InfillPrompt.sides(of: content)
    }

    static func filling(
        _ text: ArraySlice<UInt8>, before: [UInt8], after: [UInt8], marks: [String]
    ) -> ArraySlice<UInt8> {
        var text = withoutFence(text)
        while let mark = marks.first(where: { text.hasSuffix($0.utf8) }) { text = text.dropLast(mark.utf8.count) }
        text = text.dropFirst(echo(before, at: text))
        return text.dropLast(echoAtEnd(after, of: text))
    }

    /// The content of a text that is one fenced block, ignoring white space around it.
    private static func withoutFence(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let fence = Array("```".utf8)
        var trimmed = text.drop { isSpace($0) }
        while let last = trimmed.last, isSpace(last) { trimmed.removeLast() }
        guard trimmed.starts(with: fence), trimmed.count > 6, trimmed.hasSuffix(fence),
            let lineEnd = trimmed.firstIndex(of: 0x0A)
        else { return text }
        let inside = trimmed[(lineEnd + 1)...].dropLast(fence.count)
        // Two blocks cannot be the text of one gap.
        guard inside.firstRange(of: fence) == nil else { return text }
        return inside.last == 0x0A ? inside.dropLast() : inside
    }

    /// How many bytes at the start of `text` repeat the end of the text before the gap: all of it, or its last lines.
    private static func echo(_ before: [UInt8], at text: ArraySlice<UInt8>) -> Int {
        var start = 0
        while true {
            let rest = before[start...]
            if rest.count <= text.count, text.starts(with: rest), isWorthy(rest) { return rest.count }
            guard let next = rest.firstIndex(of: 0x0A), rest.count - (next - start) > echoBytesMin else { return 0 }
            start = next + 1
        }
    }

    /// How many bytes at the end of `text` repeat the start of the text after the gap.
    private static func echoAtEnd(_ after: [UInt8], of text: ArraySlice<UInt8>) -> Int {
        var end = after.count
        while true {
            let part = after[..<end]
            if text.hasSuffix(part), isWorthy(part) { return part.count }
            guard let line = part.lastIndex(of: 0x0A), line > 0 else { return 0 }
            end = line
        }
    }

    private static func isWorthy(_ text: ArraySlice<UInt8>) -> Bool { text.count { !isSpace($0) } >= echoBytesMin }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

extension ArraySlice<UInt8> {
    fileprivate func hasSuffix(_ other: some BidirectionalCollection<UInt8>) -> Bool {
        count >= other.count && suffix(other.count).elementsEqual(other)
    }
}
