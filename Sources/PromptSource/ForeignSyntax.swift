/// Syntax of other template languages, mainly Jinja. Unchecked, it would reach the model as text or be taken for a
/// field name.
enum ForeignSyntax {
    struct Found {
        var message: String
        var remedy: String
    }

    private static let remedy =
        "Templates here have {{field}}, {{field ?? \"text\"}}, {{json field}}, {{#if field}}, {{#each list}} and lines such as "
        + "@user: prepare other texts as fields of the row."

    private static let statements: Set<String> = [
        "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "block", "endblock", "include", "extends",
        "macro", "endmacro", "raw", "endraw", "import", "from", "with", "endwith", "filter", "endfilter", "call",
        "endcall", "unless", "endunless", "case", "when", "assign", "capture", "generation", "endgeneration",
    ]

    private static let filters: Set<String> = [
        "default", "d", "upper", "lower", "trim", "tojson", "join", "length", "count", "safe", "replace", "title",
        "capitalize", "int", "float", "list", "first", "last", "round", "sort", "unique", "escape", "e", "string",
        "truncate", "indent", "map", "select", "reject", "striptags", "wordcount", "abs", "items", "reverse", "batch",
    ]

    /// A statement such as `{% if x %}` or a comment `{# x #}` at the start of `line`, closed on that line.
    static func statement(_ line: ArraySlice<UInt8>) -> Found? {
        switch line.dropFirst().first {
        case UInt8(ascii: "%"):
            guard line.firstRange(of: Array("%}".utf8)) != nil else { return nil }
            let rest = line.dropFirst(2).drop { [0x20, 0x09, UInt8(ascii: "-"), UInt8(ascii: "+")].contains($0) }
            let word = String(decoding: rest.prefix { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }, as: UTF8.self)
            guard statements.contains(word) else { return nil }
            return Found(message: "{% \(word) %} is a statement of another template language", remedy: remedy)
        case UInt8(ascii: "#"):
            guard line.dropFirst(2).firstRange(of: Array("#}".utf8)) != nil else { return nil }
            return Found(
                message: "{# ... #} is a remark of another template language",
                remedy: "Leave it out: templates here have no remarks.")
        default: return nil
        }
    }

    /// Foreign syntax in the text between a placeholder's braces.
    static func expression(_ content: ArraySlice<UInt8>) -> Found? {
        let text = String(decoding: content, as: UTF8.self)
        func found(_ what: String) -> Found {
            Found(message: "{{\(text.prefix(60))}} is \(what) of another template language", remedy: remedy)
        }
        if text.hasPrefix("\"") || text.hasPrefix("'") { return found("an expression") }
        for part in text.split(separator: "|", omittingEmptySubsequences: false).dropFirst() {
            let word = part.drop { $0 == " " }.prefix { $0.isLetter || $0 == "_" }
            if filters.contains(String(word)) { return found("a filter") }
        }
        if text.hasSuffix(")"), let open = text.firstIndex(of: "("), open != text.startIndex,
            text[..<open].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." })
        {
            return found("a call")
        }
        if text.hasSuffix("]"), let open = text.firstIndex(of: "["), open != text.startIndex,
            let first = text[text.index(after: open)...].first, first == "'" || first == "\"" || first.isNumber
        {
            return found("an index")
        }
        return nil
    }
}
