public import Basics

/// Why a text is not a valid value: the message without the option's name.
struct ValueError: Error, Equatable {
    var message: String

    init(_ message: String) { self.message = message }
}

/// A parsed value, of the type that its kind requires.
public enum OptionValue: Sendable, Hashable {
    case flag(Bool)
    /// A string, a path or a word.
    case text(String)
    case integer(Int)
    case number(Double)
    /// In bytes.
    case size(Int)
    case duration(Interval)
    case list([OptionValue])

    /// Parses one text. Lists return all values in the text.
    static func parse(_ text: String, as kind: ValueKind) throws(ValueError) -> OptionValue {
        switch kind {
        case .flag: .flag(try parseFlag(text))
        case .string: .text(text)
        case .path: .text(try parsePath(text))
        case .choice(let words): .text(try parseWord(text, of: words))
        case .integer(let range): .integer(try parseInteger(text, in: range))
        case .number(let range): .number(try parseNumber(text, in: range))
        case .size(let range): .size(try parseSize(text, in: range))
        case .duration(let range): .duration(try parseDuration(text, in: range))
        case .either(let words, or: let other): try parseEither(text, words, or: other)
        case .count(let range, or: let other):
            text.utf8.allSatisfy { (0x30...0x39).contains($0) } && !text.isEmpty
                ? .integer(try parseInteger(text, in: range)) : try parse(text, as: other)
        case .list(let element): .list(try parseList(text, of: element))
        case .repeated(let element): .list([try parse(text, as: element)])
        }
    }

    /// The value as a user would write it; it parses to the same value.
    public var text: String {
        switch self {
        case .flag(let isOn): isOn ? "true" : "false"
        case .text(let text): text
        case .integer(let value), .size(let value): String(value)
        case .number(let value): value.description
        case .duration(let value): DurationText.exact(value)
        case .list(let values): values.map(\.text).joined(separator: ",")
        }
    }

    private static func parseFlag(_ text: String) throws(ValueError) -> Bool {
        switch text.lowercased() {
        case "1", "true", "yes", "on": return true
        case "0", "false", "no", "off": return false
        default: throw ValueError("\(quoted(text)) is neither true nor false")
        }
    }

    private static func parsePath(_ text: String) throws(ValueError) -> String {
        if text.isEmpty { throw ValueError("the path is empty") }
        if text.utf8.contains(0) { throw ValueError("the path has a NUL byte") }
        return text
    }

    private static func parseWord(_ text: String, of words: [String]) throws(ValueError) -> String {
        if words.contains(text) { return text }
        let hint = Suggestion.nearest(to: text, among: words).map { "; did you mean \($0)?" } ?? ""
        throw ValueError("\(quoted(text)) is not one of \(words.joined(separator: ", "))\(hint)")
    }

    private static func parseEither(
        _ text: String, _ words: [String], or other: ValueKind
    ) throws(ValueError) -> OptionValue {
        if words.contains(text) { return .text(text) }
        do throws(ValueError) {
            return try parse(text, as: other)
        } catch {
            throw ValueError("\(error.message), and not \(words.joined(separator: " or "))")
        }
    }

    private static func parseList(_ text: String, of element: ValueKind) throws(ValueError) -> [OptionValue] {
        var values: [OptionValue] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            if part.isEmpty { throw ValueError("\(quoted(text)) has an empty item") }
            values.append(try parse(String(part), as: element))
        }
        return values
    }

    /// The text in quotes, so that empty texts and spaces are visible; long ones are truncated.
    static func quoted(_ text: String) -> String {
        text.count > quotedCharactersMax ? "'\(text.prefix(quotedCharactersMax))...'" : "'\(text)'"
    }

    private static let quotedCharactersMax = 60
}
