/// Moves `<think>...</think>` out of a response without decoding it.
///
/// The opening tag must come first (after white space), or be missing because the chat template put it into the prompt;
/// the first closing tag ends the reasoning. `<` and `>` may be escaped as `\u003c` and `\u003e`. White space around
/// both parts is removed. A response without a closing tag is left unchanged.
enum ThinkTags {
    static func split(_ answer: ModelAnswer) -> ModelAnswer {
        let content = answer.responseRaw.dropFirst().dropLast()
        var scanner = Scanner(content: content)
        guard let closing = scanner.find("</think>") else { return answer }
        scanner.at = content.startIndex
        scanner.skipSpace()
        _ = scanner.skip("<think>")
        let thought = quoted(content[min(scanner.at, closing.lowerBound)..<closing.lowerBound])
        let hasReasoning = answer.reasoningRaw.count > ModelAnswer.emptyString.count
        return answer.with(
            response: quoted(content[closing.upperBound...]), reasoning: hasReasoning ? nil : thought)
    }

    private static func quoted(_ content: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var scanner = Scanner(content: content)
        scanner.skipSpace()
        let trimmed = content[scanner.at..<scanner.endWithoutSpace()]
        return ([0x22] + trimmed + [0x22])[...]
    }

    /// Reads a string's content unit by unit, so that an escaped backslash is never taken for the start of an escape.
    private struct Scanner {
        let content: ArraySlice<UInt8>
        var at: Int

        init(content: ArraySlice<UInt8>) {
            self.content = content
            at = content.startIndex
        }

        /// The ASCII character at `index` and its written length; 0 for any other escape.
        func unit(_ index: Int) -> (byte: UInt8, length: Int) {
            let byte = content[index]
            guard byte == UInt8(ascii: "\\") else { return (byte, 1) }
            switch content[index + 1] {
            case UInt8(ascii: "n"): return (0x0A, 2)
            case UInt8(ascii: "r"): return (0x0D, 2)
            case UInt8(ascii: "t"): return (0x09, 2)
            case UInt8(ascii: "/"): return (0x2F, 2)
            case UInt8(ascii: "u"):
                let code = Int(String(decoding: content[index + 2..<index + 6], as: UTF8.self), radix: 16) ?? 0
                return (code < 0x80 ? UInt8(code) : 0, 6)
            default: return (0, 2)
            }
        }

        mutating func skipSpace() {
            while at < content.endIndex {
                let (byte, length) = unit(at)
                guard AnswerParser.isSpace(byte) else { return }
                at += length
            }
        }

        /// Skips `tag` if it is next.
        mutating func skip(_ tag: StaticString) -> Bool {
            var index = at
            for expected in UnsafeBufferPointer(start: tag.utf8Start, count: tag.utf8CodeUnitCount) {
                guard index < content.endIndex else { return false }
                let (byte, length) = unit(index)
                guard byte == expected else { return false }
                index += length
            }
            at = index
            return true
        }

        mutating func find(_ tag: StaticString) -> Range<Int>? {
            while at < content.endIndex {
                let start = at
                let (byte, length) = unit(at)
                if byte == UInt8(ascii: "<"), skip(tag) { return start..<at }
                at = start + length
            }
            return nil
        }

        /// Where the trailing white space begins.
        func endWithoutSpace() -> Int {
            var index = content.startIndex
            var end = index
            while index < content.endIndex {
                let (byte, length) = unit(index)
                index += length
                if !AnswerParser.isSpace(byte) { end = index }
            }
            return end
        }
    }
}
