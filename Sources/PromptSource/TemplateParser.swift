internal import Basics
internal import JSONText

/// Parses a template's text in one pass, line by line, and builds its nodes.
struct TemplateParser {
    private static let brace = UInt8(ascii: "{")
    /// Maximum nesting of blocks.
    static let depthMax = 16

    /// An open block, or the whole template.
    private struct Level {
        /// The word that closes it; nil for the template.
        var word: String?
        var start = 0
        var condition: Template.Condition?
        var list: Template.Field?
        var nodes: [Template.Node] = []
        /// The nodes before `{{else}}`.
        var before: [Template.Node]?
    }

    private let text: [UInt8]
    private let name: String
    private var at = 0
    private var levels = [Level()]
    /// Literal text since the last node, not yet escaped.
    private var literal: [UInt8] = []
    private var hasTurns = false
    /// The offset of the first text outside a turn.
    private var textBeforeTurns = false
    /// For each turn the offset of its marker, in text order.
    private var turnStarts: [Int] = []
    /// The inserted files' texts, by path.
    private(set) var inserted: [String: String] = [:]
    private var insertedBytes = 0

    init(_ text: [UInt8], name: String) {
        self.text = text.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(text.dropFirst(3)) : text
        self.name = name
    }

    mutating func parse() throws(RetortError) -> [Template.Node] {
        while at < text.count {
            let line = at..<(text[at...].firstIndex(of: 0x0A).map { $0 + 1 } ?? text.count)
            if let role = role(text[line]) {
                try beginTurn(role, line)
            } else if let (kind, path) = attachment(text[line]) {
                try takeAttachment(kind, path, line)
            } else if let tag = soleTag(line) {
                // A tag alone on its line removes the whole line.
                at = tag
                try takePlaceholder(upTo: line.upperBound)
                at = line.upperBound
            } else {
                let rest = text[line].dropFirst()
                if text[at] == UInt8(ascii: "@"), role(rest) != nil || attachment(rest) != nil { at += 1 }
                try takeLine(upTo: line.upperBound)
            }
        }
        flushLiteral()
        if levels.count > 1 {
            let open = levels[levels.count - 1]
            throw error(
                "the block {{#\(open.word ?? "")}} has no end", at: open.start,
                remedy: "Write {{/\(open.word ?? "")}} behind it.")
        }
        let nodes = levels[0].nodes
        if nodes.allSatisfy({ if case .literal(let text) = $0 { text.isBlank } else { false } }) {
            throw error("the template is empty", at: 0)
        }
        if hasTurns, textBeforeTurns {
            throw error("there is text before the first turn", at: 0, remedy: "Begin with a line such as @user.")
        }
        var number = 0
        try checkTurns(nodes, &number)
        return nodes
    }

    // MARK: Turns

    /// The role that a line marks.
    private func role(_ line: ArraySlice<UInt8>) -> String? {
        guard line.first == UInt8(ascii: "@") else { return nil }
        var word = line.dropFirst()
        while let last = word.last, [0x20, 0x09, 0x0A, 0x0D].contains(last) { word.removeLast() }
        return Template.roles.first { word.elementsEqual($0.utf8) }
    }

    private mutating func beginTurn(_ role: String, _ line: Range<Int>) throws(RetortError) {
        flushLiteral()
        hasTurns = true
        turnStarts.append(line.lowerBound)
        levels[levels.count - 1].nodes.append(.turn(role))
        at = line.upperBound
    }

    /// Throws for an empty turn, one followed only by the next turn or the end of its block.
    private func checkTurns(_ nodes: [Template.Node], _ number: inout Int) throws(RetortError) {
        var open: (role: String, start: Int)?
        func empty(_ turn: (role: String, start: Int)) -> RetortError {
            error("the turn @\(turn.role) is empty", at: turn.start)
        }
        for node in nodes {
            switch node {
            case .literal(let text): if !text.isBlank { open = nil }
            case .field, .attachment: open = nil
            case .turn(let role):
                if let open { throw empty(open) }
                open = (role, number < turnStarts.count ? turnStarts[number] : 0)
                number += 1
            case .choice(_, let nodes, let otherwise), .loop(_, let nodes, let otherwise):
                open = nil
                try checkTurns(nodes, &number)
                try checkTurns(otherwise, &number)
            }
        }
        if let open { throw empty(open) }
    }

    // MARK: Attachments

    /// The kind and the path of a line such as `@image figures/{{file}}`.
    private func attachment(_ line: ArraySlice<UInt8>) -> (Template.Attachment, ArraySlice<UInt8>)? {
        guard line.first == UInt8(ascii: "@") else { return nil }
        for kind in Template.Attachment.allCases where line.dropFirst().starts(with: (kind.rawValue + " ").utf8) {
            var path = line.dropFirst(kind.rawValue.utf8.count + 2)
            while let first = path.first, first == 0x20 || first == 0x09 { path.removeFirst() }
            while let last = path.last, [0x20, 0x09, 0x0A, 0x0D].contains(last) { path.removeLast() }
            // A sentence may begin with the same word; it has spaces and no path.
            let isPath = path.contains(UInt8(ascii: ".")) && !path.contains(0x20) || path.contains(Self.brace)
            return isPath ? (kind, path) : nil
        }
        return nil
    }

    private mutating func takeAttachment(
        _ kind: Template.Attachment, _ path: ArraySlice<UInt8>, _ line: Range<Int>
    ) throws(RetortError) {
        flushLiteral()
        if !hasTurns, levels.count == 1 { textBeforeTurns = true }
        let outer = levels
        levels = [Level()]
        at = path.startIndex
        try takeLine(upTo: path.endIndex)
        flushLiteral()
        let nodes = levels[0].nodes
        let isPlain = nodes.allSatisfy {
            if case .literal = $0 { true } else if case .field = $0 { true } else { false }
        }
        guard levels.count == 1, isPlain else {
            throw error(
                "a path holds a block", at: line.lowerBound,
                remedy: "Write @\(kind.rawValue) PATH with {{field}} alone.")
        }
        levels = outer
        levels[levels.count - 1].nodes.append(.attachment(kind, path: nodes))
        at = line.upperBound
    }

    // MARK: Text

    private mutating func takeLine(upTo end: Int) throws(RetortError) {
        while at < end {
            guard text[at] == Self.brace else {
                literal.append(text[at])
                at += 1
                continue
            }
            if let foreign = ForeignSyntax.statement(text[at..<end]) {
                throw error(foreign.message, at: at, remedy: foreign.remedy)
            }
            let run = text[at..<end].prefix { $0 == Self.brace }.count
            for _ in 0..<run / 4 { literal += [Self.brace, Self.brace] }
            at += run / 4 * 4
            let left = run % 4
            if left % 2 == 1 {
                literal.append(Self.brace)
                at += 1
            }
            if left >= 2 { try takePlaceholder(upTo: end) }
        }
    }

    private mutating func flushLiteral() {
        guard !literal.isEmpty else { return }
        let isBlank = { (byte: UInt8) in byte == 0x0A || byte == 0x0D }
        var (escaped, before, after): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
        JSONString.appendContent(literal, to: &escaped)
        JSONString.appendContent(Array(literal.prefix(while: isBlank)), to: &before)
        JSONString.appendContent(Array(literal.reversed().prefix(while: isBlank)), to: &after)
        let node = Template.Literal(text: escaped, blankBefore: before.count, blankAfter: after.count)
        if !hasTurns, !node.isBlank { textBeforeTurns = true }
        levels[levels.count - 1].nodes.append(.literal(node))
        literal.removeAll()
    }

    // MARK: Placeholders

    /// Parses the placeholder whose opening braces are at `at`; it must end on the same line.
    private mutating func takePlaceholder(upTo end: Int) throws(RetortError) {
        let open = at
        guard let close = closing(open, upTo: end) else {
            throw error(
                "a placeholder is not closed on its line", at: open,
                remedy: "Write {{field}}, or {{{{ for a literal {{.")
        }
        let content = Self.trimmed(text[open + 2..<close])
        at = close + 2
        if try takeTag(content, open) { return }
        if try takeFile(content, open) { return }
        guard !content.isEmpty else {
            throw error(
                "a placeholder names no field", at: open, remedy: "Write {{field}}, or {{{{ for a literal {{.")
        }
        if let foreign = ForeignSyntax.expression(content) {
            throw error(foreign.message, at: open, remedy: foreign.remedy)
        }
        let field = try field(content, open)
        flushLiteral()
        if !hasTurns, levels.count == 1 { textBeforeTurns = true }
        levels[levels.count - 1].nodes.append(.field(field))
    }

    /// The offset of the closing braces; braces inside a quoted text do not count.
    private func closing(_ open: Int, upTo end: Int) -> Int? {
        var close = open + 2
        var isQuoted = false
        let mayQuote =
            text[open..<end].contains(UInt8(ascii: "\""))
            && (text[open..<end].firstRange(of: Array("??".utf8)) != nil
                || text[open..<end].firstRange(of: Array("==".utf8)) != nil
                || text[open..<end].firstRange(of: Array("!=".utf8)) != nil)
        while close + 1 < end {
            if mayQuote, text[close] == UInt8(ascii: "\\"), isQuoted {
                close += 2
                continue
            }
            if mayQuote, text[close] == UInt8(ascii: "\"") { isQuoted.toggle() }
            if !isQuoted, text[close] == UInt8(ascii: "}"), text[close + 1] == UInt8(ascii: "}") { return close }
            close += 1
        }
        return nil
    }

    private func field(_ content: ArraySlice<UInt8>, _ open: Int) throws(RetortError) -> Template.Field {
        var rest = content
        let isJSON = rest.starts(with: "json ".utf8)
        if isJSON { rest = Self.trimmed(rest.dropFirst(5)) }
        var standIn: [UInt8]?
        if let mark = rest.firstRange(of: Array("??".utf8)) {
            standIn = try json(Self.trimmed(rest[mark.upperBound...]), open, "the value behind ??")
            rest = Self.trimmed(rest[..<mark.lowerBound])
        }
        guard !rest.isEmpty, !rest.contains(Self.brace), !rest.contains(UInt8(ascii: "}")) else {
            throw error(
                rest.isEmpty ? "a placeholder names no field" : "a placeholder's name holds a brace", at: open,
                remedy: "Write {{field}}, or {{{{ for a literal {{.")
        }
        var field = Template.Field(rest)
        (field.standIn, field.isJSON) = (standIn, isJSON)
        return field
    }

    /// Whether the content was `file "PATH"`. The file's text is inserted literally; tags in it have no effect.
    private mutating func takeFile(_ content: ArraySlice<UInt8>, _ open: Int) throws(RetortError) -> Bool {
        let word = "file \"".utf8
        guard content.starts(with: word), content.last == UInt8(ascii: "\""), content.count > word.count + 1 else {
            return false
        }
        let path = String(decoding: content.dropFirst(word.count).dropLast(), as: UTF8.self)
        var text = try textOfFile(path, open)
        // The text continues with the rest of the placeholder's line, so the file's last line end is dropped.
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        literal += text.utf8
        return true
    }

    private mutating func textOfFile(_ path: String, _ open: Int) throws(RetortError) -> String {
        if let text = inserted[path] { return text }
        let text: String
        do throws(RetortError) { text = try TextFile.read(path) } catch {
            var fault = self.error("the file \"\(path)\" cannot be inserted", at: open)
            fault.cause = error.description
            fault.remedy = "A path is taken from the directory in which retort is started."
            throw fault
        }
        insertedBytes += text.utf8.count
        guard insertedBytes <= Template.insertedBytesMax else {
            throw error(
                "the files that the template inserts are larger than \(Template.insertedBytesMax >> 20) MiB", at: open)
        }
        inserted[path] = text
        return text
    }

    private func json(_ text: ArraySlice<UInt8>, _ open: Int, _ what: String) throws(RetortError) -> [UInt8] {
        guard (try? JSONParser().parse(text)) != nil else {
            throw error("\(what) is not JSON", at: open, remedy: "Write a text in double quotes: \"text\".")
        }
        return Array(text)
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text
        while let first = text.first, first == 0x20 || first == 0x09 { text.removeFirst() }
        while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
        return text
    }

    private func error(_ message: String, at offset: Int, remedy: String? = nil) -> RetortError {
        let before = text[..<offset]
        let line = before.count { $0 == 0x0A } + 1
        let column = offset - (before.lastIndex(of: 0x0A) ?? -1)
        return RetortError(.configuration, message, at: "\(name):\(line):\(column)", remedy: remedy)
    }
}

// MARK: Blocks

extension TemplateParser {
    /// The words that open and close blocks.
    private static let words = ["if", "unless", "each", "items"]

    /// The offset of the tag on a line that contains nothing else.
    private func soleTag(_ line: Range<Int>) -> Int? {
        let trimmed = text[line].drop { $0 == 0x20 || $0 == 0x09 }
        guard trimmed.starts(with: "{{".utf8), let end = closing(trimmed.startIndex, upTo: line.upperBound),
            text[(end + 2)..<line.upperBound].allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) })
        else { return nil }
        return tag(Self.trimmed(text[trimmed.startIndex + 2..<end])) == nil ? nil : trimmed.startIndex
    }

    private enum Tag {
        case open(String, ArraySlice<UInt8>)
        case close(String)
        case otherwise
    }

    private func tag(_ content: ArraySlice<UInt8>) -> Tag? {
        let isOpen = levels.count > 1
        if content.elementsEqual("else".utf8), isOpen { return .otherwise }
        guard let first = content.first, first == UInt8(ascii: "#") || first == UInt8(ascii: "/") else { return nil }
        let word = String(decoding: content.dropFirst().prefix { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self)
        guard Self.words.contains(word) else { return nil }
        let rest = Self.trimmed(content.dropFirst(1 + word.utf8.count))
        if first == UInt8(ascii: "/") { return rest.isEmpty ? .close(word) : nil }
        return .open(word, rest)
    }

    /// Parses a block tag. False if the content is not one.
    private mutating func takeTag(_ content: ArraySlice<UInt8>, _ start: Int) throws(RetortError) -> Bool {
        guard let tag = tag(content) else { return false }
        flushLiteral()
        switch tag {
        case .open(let word, let rest): try open(word, rest, start)
        case .otherwise:
            let last = levels.count - 1
            guard levels[last].before == nil else { throw error("the block has a second {{else}}", at: start) }
            levels[last].before = levels[last].nodes
            levels[last].nodes = []
        case .close(let word):
            guard levels.count > 1, let level = levels.popLast(), level.word == word else {
                throw error("{{/\(word)}} ends no block that is open", at: start)
            }
            let (nodes, otherwise) = level.before.map { ($0, level.nodes) } ?? (level.nodes, [])
            if let condition = level.condition {
                levels[levels.count - 1].nodes.append(.choice(condition, nodes, otherwise: otherwise))
            } else if let list = level.list {
                levels[levels.count - 1].nodes.append(.loop(list, nodes, otherwise: otherwise))
            }
        }
        return true
    }

    private mutating func open(_ word: String, _ rest: ArraySlice<UInt8>, _ start: Int) throws(RetortError) {
        guard levels.count <= Self.depthMax else {
            throw error("blocks are nested deeper than \(Self.depthMax)", at: start)
        }
        var level = Level(word: word, start: start)
        switch word {
        case "items":
            guard rest.isEmpty else { throw error("{{#items}} takes no name", at: start) }
            level.list = Template.Field("items".utf8)
        case "each":
            guard !rest.isEmpty else {
                throw error("{{#each}} names no list", at: start, remedy: "Write {{#each field}}.")
            }
            level.list = Template.Field(rest)
        default: level.condition = try condition(rest, start, isNegated: word == "unless")
        }
        levels.append(level)
    }

    private func condition(
        _ rest: ArraySlice<UInt8>, _ start: Int, isNegated: Bool
    ) throws(RetortError) -> Template.Condition {
        var condition = Template.Condition(field: Template.Field(rest), isNegated: isNegated)
        for (mark, isEqual) in [("==", true), ("!=", false)] {
            guard let range = rest.firstRange(of: Array(mark.utf8)) else { continue }
            condition.field = Template.Field(Self.trimmed(rest[..<range.lowerBound]))
            condition.equals = try json(Self.trimmed(rest[range.upperBound...]), start, "the value behind \(mark)")
            if !isEqual { condition.isNegated.toggle() }
            break
        }
        guard !condition.field.name.isEmpty else {
            throw error(
                "a condition names no field", at: start, remedy: "Write {{#if field}}, or {{#if field == \"text\"}}.")
        }
        return condition
    }
}
