internal import Basics

/// Reads conditions by recursive descent.
struct WhereParser {
    private let source: String
    private let fields: [String]
    private var rest: Substring.UnicodeScalarView
    private var depth = 0
    private var nodes = 0

    /// Maximum nesting of parentheses and `not`.
    private static let depthMax = 100
    /// Maximum comparisons, names and operators of a condition.
    private static let nodesMax = 1000

    init(_ source: String, fields: [String]) throws(RetortError) {
        self.source = source
        self.fields = fields
        rest = source[...].unicodeScalars
        guard source.utf8.count <= WhereClause.textBytesMax else {
            throw RetortError(
                .usage, "the condition is longer than \(WhereClause.textBytesMax >> 10) KiB", at: "--where")
        }
    }

    mutating func clause() throws(RetortError) -> WhereNode {
        let node = try either()
        skipBlanks()
        guard rest.isEmpty else {
            if rest.first == "=" { throw error("a comparison is written ==") }
            throw error("'and', 'or' or a comparison was expected, not \(next)")
        }
        return node
    }

    // MARK: Levels

    private mutating func either() throws(RetortError) -> WhereNode {
        var node = try both()
        while takeWord("or") { node = .either(node, try both()) }
        return node
    }

    private mutating func both() throws(RetortError) -> WhereNode {
        var node = try negation()
        while takeWord("and") { node = .both(node, try negation()) }
        return node
    }

    private mutating func negation() throws(RetortError) -> WhereNode {
        guard takeWord("not") else { return try comparison() }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw error("the condition is nested deeper than \(Self.depthMax) levels") }
        return .not(try negation())
    }

    private mutating func comparison() throws(RetortError) -> WhereNode {
        let node = try operand()
        skipBlanks()
        for comparison in WhereNode.Comparison.allCases where take(comparison.rawValue) {
            return .compare(node, comparison, try operand())
        }
        return node
    }

    private mutating func operand() throws(RetortError) -> WhereNode {
        nodes += 1
        guard nodes <= Self.nodesMax else { throw error("the condition has more than \(Self.nodesMax) parts") }
        skipBlanks()
        guard let first = rest.first else { throw error("a field or a value is missing") }
        switch first {
        case "(": return try parentheses()
        case "'", "\"": return .constant(.text(try quoted()))
        case "0"..."9", "-", "+", ".": return .constant(.number(try number()))
        default: return try fieldOrWord()
        }
    }

    private mutating func parentheses() throws(RetortError) -> WhereNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw error("the condition is nested deeper than \(Self.depthMax) levels") }
        rest.removeFirst()
        let node = try either()
        skipBlanks()
        guard take(")") else { throw error(") was expected, not \(next)") }
        return node
    }

    // MARK: Words

    private mutating func fieldOrWord() throws(RetortError) -> WhereNode {
        let start = rest
        guard let name = word() else { throw error("a field or a value was expected, not \(next)") }
        if rest.first != "." {
            switch name {
            case "true": return .constant(.boolean(true))
            case "false": return .constant(.boolean(false))
            case "null": return .constant(.null)
            case "and", "or", "not":
                rest = start
                throw error("a field or a value was expected, not \(name)")
            default: break
            }
        }
        guard fields.contains(name) else {
            rest = start
            throw error("there is no field \(name)", "The fields: \(fields.joined(separator: ", ")).")
        }
        var path = [name]
        while rest.first == "." {
            rest.removeFirst()
            if rest.first == "\"" || rest.first == "'" {
                path.append(try quoted())
            } else if let name = word() {
                path.append(name)
            } else {
                throw error("a name was expected, not \(next)")
            }
        }
        return .field(path)
    }

    /// Letters of any script, digits, `_` and `-`.
    private mutating func word() -> String? {
        let word = rest.prefix { $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" || $0 == "-" }
        guard !word.isEmpty else { return nil }
        rest.removeFirst(word.count)
        return String(Substring(word))
    }

    private mutating func takeWord(_ wanted: String) -> Bool {
        skipBlanks()
        let start = rest
        if word() == wanted, rest.first != "." { return true }
        rest = start
        return false
    }

    /// A backslash escapes a quote or another backslash.
    private mutating func quoted() throws(RetortError) -> String {
        let start = rest
        let quote = rest.removeFirst()
        var text = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            if scalar == quote { return String(text) }
            if scalar == "\\", let next = rest.first, next == "\\" || next == "'" || next == "\"" {
                text.append(rest.removeFirst())
            } else {
                text.append(scalar)
            }
        }
        rest = start
        throw error("a text is not closed")
    }

    private mutating func number() throws(RetortError) -> Double {
        let text = rest.prefix { ("0"..."9").contains($0) || "+-.eE_".unicodeScalars.contains($0) }
        guard let number = Double(String(Substring(text))), number.isFinite else {
            throw error("\(String(Substring(text))) is not a number")
        }
        rest.removeFirst(text.count)
        return number
    }

    private mutating func take(_ sign: String) -> Bool {
        guard rest.starts(with: sign.unicodeScalars) else { return false }
        rest.removeFirst(sign.unicodeScalars.count)
        return true
    }

    private mutating func skipBlanks() { rest = rest.drop { $0.properties.isWhitespace } }

    // MARK: Errors

    /// What comes next, for messages.
    private var next: String {
        let word = rest.drop { $0.properties.isWhitespace }.prefix { !$0.properties.isWhitespace }.prefix(20)
        return word.isEmpty ? "the end" : "'\(String(Substring(word)))'"
    }

    private func error(_ message: String, _ remedy: String? = nil) -> RetortError {
        let column = source.unicodeScalars.distance(from: source.startIndex, to: rest.startIndex) + 1
        return RetortError(
            .usage, message, at: "--where, column \(column)",
            remedy: remedy ?? "Write it like: pass and score >= 0.8 and metadata.topic != \"music\".")
    }
}
