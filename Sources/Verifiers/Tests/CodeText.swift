/// A block of code in an answer: the text between fences, or the whole text.
struct CodeText: Hashable, Sendable {
    var code: String
    /// The language tag of the fence; nil if there is none.
    var tag: String?

    /// Maximum bytes of an answer that are searched for code.
    static let textBytesMax = 4 << 20
    /// Maximum blocks of one answer.
    static let blocksMax = 1000

    /// The code of an answer in a supported language. If a name is given: the last Python block that defines it; else
    /// the longest block. A text without fences is code as a whole, without the white space around it.
    static func find(in text: String, defining name: String? = nil) -> (code: String, language: ProgramLanguage)? {
        let blocks = blocks(of: text)
        guard !blocks.isEmpty else {
            return text.trimmingBlanks.isEmpty ? nil : (text, .python)
        }
        let known: [(code: String, language: ProgramLanguage)] = blocks.compactMap { block in
            let language = block.tag.map { ProgramLanguage(tag: $0) } ?? .python
            return language.map { (block.code, $0) }
        }
        if let name, let definition = known.last(where: { $0.language == .python && defines($0.code, name) }) {
            return definition
        }
        if name != nil {
            // The block may hold only the function's body.
            return known.filter { $0.language == .python }.longest
        }
        return known.longest
    }

    /// Whether the code defines a function or class with this name at its top level.
    static func defines(_ code: String, _ name: String) -> Bool {
        code.split(whereSeparator: isLineEnd).contains { line in
            for word in ["def ", "async def ", "class "] where line.hasPrefix(word + name) {
                let next = line.dropFirst(word.count + name.count).first
                if next.map({ !$0.isLetter && !$0.isNumber && $0 != "_" }) ?? true { return true }
            }
            return line.hasPrefix(name) && line.dropFirst(name.count).drop { $0 == " " }.first == "="
        }
    }

    private static func isLineEnd(_ sign: Character) -> Bool { sign == "\n" || sign == "\r\n" }

    /// The fenced blocks, in order. An unclosed block extends to the end.
    static func blocks(of text: String) -> [CodeText] {
        var blocks: [CodeText] = []
        var open: (fence: Fence, lines: [Substring])?
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: isLineEnd) {
            guard blocks.count < blocksMax else { break }
            if let (fence, lines) = open {
                if let end = Fence(line), end.closes(fence) {
                    blocks.append(fence.block(lines))
                    open = nil
                } else {
                    open?.lines.append(line)
                }
            } else if let fence = Fence(line) {
                open = (fence, [])
            }
        }
        if let (fence, lines) = open { blocks.append(fence.block(lines)) }
        return blocks
    }
}

extension [(code: String, language: ProgramLanguage)] {
    /// Of several longest ones the last.
    fileprivate var longest: Element? {
        var best: Element?
        for element in self where element.code.utf8.count >= best?.code.utf8.count ?? 0 { best = element }
        return best
    }
}

/// A line that opens or closes a block of code.
private struct Fence {
    let indent: Int
    let mark: Character
    let count: Int
    let info: String

    init?(_ line: Substring) {
        let rest = line.drop { $0 == " " || $0 == "\t" }
        guard let mark = rest.first, mark == "`" || mark == "~" else { return nil }
        let marks = rest.prefix { $0 == mark }
        guard marks.count >= 3 else { return nil }
        let info = rest.dropFirst(marks.count).description.trimmingBlanks
        // ```code``` on one line is not a fence.
        guard !info.contains("`") else { return nil }
        (indent, self.mark, count, self.info) = (line.count - rest.count, mark, marks.count, info)
    }

    func closes(_ other: Fence) -> Bool { mark == other.mark && count >= other.count && info.isEmpty }

    func block(_ lines: [Substring]) -> CodeText {
        // A block inside a list is indented like its fence.
        let code = lines.map { line in
            let blanks = line.prefix(indent).prefix { $0 == " " || $0 == "\t" }.count
            return String(line.dropFirst(blanks))
        }
        let word = info.prefix { !$0.isWhitespace && $0 != "{" && $0 != "," }
        return CodeText(code: code.map { $0 + "\n" }.joined(), tag: word.isEmpty ? nil : String(word))
    }
}
