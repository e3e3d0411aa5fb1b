internal import Basics
internal import JSONText

/// Goes through a template's text once, from line to line, and collects its turns.
struct TemplateParser {
    private static let brace = UInt8(ascii: "{")

    private let text: [UInt8]
    private let name: String
    private var at = 0
    private var turns: [Template.Turn] = []
    private var turn = Template.Turn(role: nil, pieces: [])
    /// Where the turn's marker stands.
    private var turnStart = 0
    /// Literal text since the last placeholder, not yet escaped.
    private var literal: [UInt8] = []

    init(_ text: [UInt8], name: String) {
        self.text = text.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(text.dropFirst(3)) : text
        self.name = name
    }

    mutating func parse() throws(RetortError) -> [Template.Turn] {
        while at < text.count {
            let line = at..<(text[at...].firstIndex(of: 0x0A).map { $0 + 1 } ?? text.count)
            if let role = role(text[line]) {
                try endTurn()
                turn = Template.Turn(role: role, pieces: [])
                turnStart = at
                at = line.upperBound
                continue
            }
            if text[at] == UInt8(ascii: "@"), role(text[line].dropFirst()) != nil { at += 1 }
            try takeLine(upTo: line.upperBound)
        }
        try endTurn()
        if turns.isEmpty { throw error("the template is empty", at: 0) }
        return turns
    }

    /// The role that a line marks.
    private func role(_ line: ArraySlice<UInt8>) -> String? {
        guard line.first == UInt8(ascii: "@") else { return nil }
        var word = line.dropFirst()
        while let last = word.last, [0x20, 0x09, 0x0A, 0x0D].contains(last) { word.removeLast() }
        return Template.roles.first { word.elementsEqual($0.utf8) }
    }

    private mutating func takeLine(upTo end: Int) throws(RetortError) {
        while at < end {
            guard text[at] == TemplateParser.brace else {
                literal.append(text[at])
                at += 1
                continue
            }
            if let word = statement(at: at, upTo: end) {
                throw error(
                    "{% \(word) %} is a statement of another template language", at: at,
                    remedy: "Templates here have {{field}} and lines such as @user only: prepare the text as a field "
                        + "of the row.")
            }
            let run = text[at..<end].prefix { $0 == TemplateParser.brace }.count
            for _ in 0..<run / 4 { literal += [TemplateParser.brace, TemplateParser.brace] }
            at += run / 4 * 4
            let left = run % 4
            if left % 2 == 1 {
                literal.append(TemplateParser.brace)
                at += 1
            }
            if left >= 2 { try takePlaceholder(upTo: end) }
        }
    }

    private static let statements: Set<String> = [
        "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "block", "endblock", "include", "extends",
        "macro", "endmacro", "raw", "endraw", "import", "from", "with", "endwith", "filter", "endfilter", "call",
        "endcall",
        "unless", "endunless", "case", "when", "assign", "capture", "generation", "endgeneration",
    ]

    /// The word of a statement such as `{% if x %}` that begins at `start` and ends on its line.
    private func statement(at start: Int, upTo end: Int) -> String? {
        guard start + 1 < end, text[start + 1] == UInt8(ascii: "%") else { return nil }
        var rest = text[start + 2..<end]
        guard rest.firstRange(of: Array("%}".utf8)) != nil else { return nil }
        rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        let word = String(decoding: rest.prefix { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }, as: UTF8.self)
        return Self.statements.contains(word) ? word : nil
    }

    /// Takes a placeholder whose opening braces stand at `at`; it ends on its line.
    private mutating func takePlaceholder(upTo end: Int) throws(RetortError) {
        let open = at
        var close = open + 2
        while close + 1 < end, text[close] != UInt8(ascii: "}") || text[close + 1] != UInt8(ascii: "}") { close += 1 }
        guard close + 1 < end else {
            throw error(
                "a placeholder is not closed on its line", at: open,
                remedy: "Write {{field}}, or {{{{ for a literal {{.")
        }
        var field = text[open + 2..<close]
        while let first = field.first, first == 0x20 || first == 0x09 { field.removeFirst() }
        while let last = field.last, last == 0x20 || last == 0x09 { field.removeLast() }
        guard !field.isEmpty, !field.contains(TemplateParser.brace), !field.contains(UInt8(ascii: "}")) else {
            throw error(
                field.isEmpty ? "a placeholder names no field" : "a placeholder's name holds a brace", at: open,
                remedy: "Write {{field}}, or {{{{ for a literal {{.")
        }
        flushLiteral()
        let path = field.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Array($0) }
        turn.pieces.append(.field(name: Array(field), path: path))
        at = close + 2
    }

    private mutating func flushLiteral() {
        if turn.pieces.isEmpty { literal = Array(literal.drop { $0 == 0x0A || $0 == 0x0D }) }
        guard !literal.isEmpty else { return }
        var escaped: [UInt8] = []
        JSONString.appendContent(literal, to: &escaped)
        turn.pieces.append(.literal(escaped))
        literal.removeAll()
    }

    private mutating func endTurn() throws(RetortError) {
        while let last = literal.last, last == 0x0A || last == 0x0D { literal.removeLast() }
        flushLiteral()
        guard turn.role != nil || at == text.count || turn.pieces.isEmpty else {
            throw error("text stands before the first turn", at: 0, remedy: "Begin with a line such as @user.")
        }
        if turn.pieces.isEmpty {
            guard let role = turn.role else { return }
            throw error("the turn @\(role) is empty", at: turnStart)
        }
        turns.append(turn)
    }

    private func error(_ message: String, at offset: Int, remedy: String? = nil) -> RetortError {
        let before = text[..<offset]
        let line = before.count { $0 == 0x0A } + 1
        let column = offset - (before.lastIndex(of: 0x0A) ?? -1)
        return RetortError(.configuration, message, at: "\(name):\(line):\(column)", remedy: remedy)
    }
}
