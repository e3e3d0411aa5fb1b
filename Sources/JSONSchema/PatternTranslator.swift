internal import Basics

/// Translates an ECMA-262 regular expression (with the `u` flag) for PCRE2, which differs in some escapes, `.`, `$` and
/// the names of Unicode properties.
struct PatternTranslator {
    private var rest: Substring.UnicodeScalarView
    private var output = ""
    private var isInClass = false

    /// Throws `.badInput` for an escape that ECMA-262 does not have.
    static func pcre(_ source: String) throws(RetortError) -> String {
        var translator = PatternTranslator(rest: source[...].unicodeScalars)
        try translator.translate()
        return translator.output
    }

    private init(rest: Substring.UnicodeScalarView) { self.rest = rest }

    private mutating func translate() throws(RetortError) {
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\\": try escape()
            case "[" where !isInClass: openClass()
            case "[": output += "\\["
            case "]" where isInClass:
                isInClass = false
                output += "]"
            case "]": output += "\\]"
            case "." where !isInClass: output += "[^\\n\\r\\x{2028}\\x{2029}]"
            // PCRE2 has verbs and group types that ECMA-262 lacks.
            case "(" where !isInClass: try openGroup()
            default: output.unicodeScalars.append(scalar)
            }
        }
    }

    private mutating func openGroup() throws(RetortError) {
        output += "("
        if rest.first == "*" { throw error("nothing to repeat after (") }
        guard rest.first == "?" else { return }
        let kinds = ["?:", "?=", "?!", "?<=", "?<!", "?<"]
        let text = String(String.UnicodeScalarView(rest.prefix(3)))
        guard kinds.contains(where: { text.hasPrefix($0) }) else { throw error("the group (\(text) is unknown") }
    }

    private mutating func openClass() {
        if rest.starts(with: "]".unicodeScalars) {
            rest.removeFirst()
            output += "(*FAIL)"
        } else if rest.starts(with: "^]".unicodeScalars) {
            rest.removeFirst(2)
            output += "[\\s\\S]"
        } else {
            isInClass = true
            output += "["
            if rest.first == "^" {
                rest.removeFirst()
                output += "^"
            }
        }
    }

    private mutating func escape() throws(RetortError) {
        guard let letter = rest.popFirst() else { throw error("a backslash ends it") }
        switch letter {
        case "d", "D", "w", "W", "b", "B", "f", "n", "r", "t":
            output += "\\" + String(letter)
        case "v": output += "\\x{0B}"
        case "s", "S": space(isNegated: letter == "S")
        case "c": try control()
        case "x": try hexadecimal(digits: 2)
        case "u": try codePoint()
        case "p", "P": try property(letter)
        case "k" where !isInClass: output += "\\k"
        case "0": output += "\\x{0}"
        case "1"..."9" where !isInClass: output += "\\" + String(letter)
        case "-", "/": output += "\\" + String(letter)
        case _ where Self.syntax.contains(letter): output += "\\" + String(letter)
        default: throw error("the escape \\\(letter) is unknown")
        }
    }

    private static let syntax = Set("^$\\.*+?()[]{}|\"'#%&,:;<=>@`~!_ ".unicodeScalars)

    /// White space and line ends of ECMA-262: Unicode's and U+FEFF.
    private static let spaces =
        "\\t\\n\\x{0B}\\f\\r \\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}\\x{FEFF}"
    private static let others =
        "\\x{0}-\\x{8}\\x{E}-\\x{1F}!-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}"
        + "\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{FEFE}\\x{FF00}-\\x{10FFFF}"

    private mutating func space(isNegated: Bool) {
        if isInClass {
            output += isNegated ? Self.others : Self.spaces
        } else {
            output += isNegated ? "[^\(Self.spaces)]" : "[\(Self.spaces)]"
        }
    }

    private mutating func control() throws(RetortError) {
        guard let letter = rest.popFirst(), letter.isASCII, letter.properties.isAlphabetic else {
            throw error("\\c wants a letter")
        }
        output += "\\x{" + String(letter.value & 31, radix: 16) + "}"
    }

    private mutating func hexadecimal(digits: Int) throws(RetortError) {
        output += "\\x{" + String(try hexadecimalValue(digits), radix: 16) + "}"
    }

    private mutating func hexadecimalValue(_ digits: Int) throws(RetortError) -> UInt32 {
        let text = String(String.UnicodeScalarView(rest.prefix(digits)))
        guard text.unicodeScalars.count == digits, text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16)
        else { throw error("an escape wants \(digits) hexadecimal digits") }
        rest = rest.dropFirst(digits)
        return value
    }

    private mutating func codePoint() throws(RetortError) {
        if rest.first == "{" {
            let digits = rest.dropFirst().prefix { $0 != "}" }
            let text = String(String.UnicodeScalarView(digits))
            guard digits.endIndex < rest.endIndex, let value = UInt32(text, radix: 16), value <= 0x10FFFF else {
                throw error("\\u{...} wants a code point")
            }
            rest = rest[digits.endIndex...].dropFirst()
            output += "\\x{" + String(value, radix: 16) + "}"
            return
        }
        var value = try hexadecimalValue(4)
        if (0xD800...0xDBFF).contains(value), rest.starts(with: "\\u".unicodeScalars) {
            let before = rest
            rest = rest.dropFirst(2)
            let low = try hexadecimalValue(4)
            if (0xDC00...0xDFFF).contains(low) {
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            } else {
                rest = before
            }
        }
        // Half a pair is U+FFFD in the text, so it is U+FFFD in the pattern.
        if (0xD800...0xDFFF).contains(value) { value = 0xFFFD }
        output += "\\x{" + String(value, radix: 16) + "}"
    }

    private mutating func property(_ letter: Unicode.Scalar) throws(RetortError) {
        guard rest.first == "{" else { throw error("\\\(letter) wants a name in braces") }
        let name = rest.dropFirst().prefix { $0 != "}" }
        guard name.endIndex < rest.endIndex else { throw error("\\\(letter){ is not closed") }
        rest = rest[name.endIndex...].dropFirst()
        let text = String(String.UnicodeScalarView(name))
        output += "\\\(letter){\(UnicodeProperty.pcreName(text))}"
    }

    private func error(_ cause: String) -> RetortError {
        RetortError(.badInput, "the pattern is no regular expression of ECMA-262", cause: cause)
    }
}

/// Names of Unicode properties: PCRE2 knows only the short names of the general categories.
private enum UnicodeProperty {
    private static let categories: [String: String] = [
        "Letter": "L", "Cased_Letter": "L&", "LC": "L&", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll",
        "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm", "Other_Letter": "Lo", "Mark": "M", "Combining_Mark": "M",
        "Nonspacing_Mark": "Mn", "Spacing_Mark": "Mc", "Enclosing_Mark": "Me", "Number": "N", "Decimal_Number": "Nd",
        "digit": "Nd", "Letter_Number": "Nl", "Other_Number": "No", "Punctuation": "P", "punct": "P",
        "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd", "Open_Punctuation": "Ps", "Close_Punctuation": "Pe",
        "Initial_Punctuation": "Pi", "Final_Punctuation": "Pf", "Other_Punctuation": "Po", "Symbol": "S",
        "Math_Symbol": "Sm", "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk", "Other_Symbol": "So", "Separator": "Z",
        "Space_Separator": "Zs", "Line_Separator": "Zl", "Paragraph_Separator": "Zp", "Other": "C", "Control": "Cc",
        "cntrl": "Cc", "Format": "Cf", "Surrogate": "Cs", "Private_Use": "Co", "Unassigned": "Cn",
    ]

    static func pcreName(_ name: String) -> String {
        let parts = name.split(separator: "=", maxSplits: 1).map(String.init)
        if parts.count == 2 {
            switch parts[0] {
            case "General_Category", "gc": return categories[parts[1]] ?? parts[1]
            case "Script", "sc": return "sc:" + parts[1]
            default: return "scx:" + parts[1]
            }
        }
        return categories[name] ?? name
    }
}
