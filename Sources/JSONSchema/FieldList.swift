public import Basics
internal import JSONText

/// The short notation for a schema: `title:string, year:integer, tags:string[], level:easy|medium|hard`.
///
/// A name followed by `?` is optional. Types are `string`, `integer`, `number`, `boolean`, `object` and `any`, each
/// with `[]` for a list. Types joined by `|` are alternatives and may include `null`; other words joined by `|` are the
/// allowed values. No other members are allowed.
public enum FieldList {
    private static let types: [String: String] = [
        "string": #"{"type":"string"}"#, "integer": #"{"type":"integer"}"#, "number": #"{"type":"number"}"#,
        "boolean": #"{"type":"boolean"}"#, "object": #"{"type":"object"}"#, "any": "{}",
    ]

    /// Names of the types in other languages.
    private static let otherNames = [
        "str": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object",
    ]

    /// The schema that the list describes, as JSON. Throws `.usage` with the field that cannot be parsed.
    public static func schema(_ text: String) throws(RetortError) -> [UInt8] {
        var properties: [String] = []
        var required: [String] = []
        var names: Set<String> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let field = trimmed(part)
            guard let colon = field.lastIndex(of: ":") else {
                throw error("the field \(field.isEmpty ? "between two commas" : field) has no type")
            }
            var name = trimmed(field[..<colon])
            let isOptional = name.hasSuffix("?")
            if isOptional { name = trimmed(name.dropLast()) }
            guard !name.isEmpty else { throw error("the field \(field) has no name") }
            guard names.insert(name).inserted else { throw error("the field \(name) is there twice") }
            properties.append("\(quoted(name)):\(try type(trimmed(field[field.index(after: colon)...]), of: name))")
            if !isOptional { required.append(quoted(name)) }
        }
        let members = properties.joined(separator: ",")
        return Array(
            (#"{"type":"object","properties":{\#(members)},"required":[\#(required.joined(separator: ","))],"#
                + #""additionalProperties":false}"#).utf8)
    }

    private static func type(_ text: String, of name: String) throws(RetortError) -> String {
        if text.hasSuffix("[]") {
            return #"{"type":"array","items":\#(try type(trimmed(text.dropLast(2)), of: name))}"#
        }
        if let known = types[otherNames[text] ?? text] { return known }
        if text.contains("|") {
            let words = text.split(separator: "|", omittingEmptySubsequences: false).map(trimmed)
            let names = words.map { otherNames[$0] ?? $0 }
            // In a mix such as `string|other` one word would be read in the unintended way.
            let kinds = names.filter { $0 == "null" || types[$0] != nil }
            guard !kinds.isEmpty else {
                return #"{"enum":[\#(words.map { quoted(unquoted($0)) }.joined(separator: ","))]}"#
            }
            guard kinds.count == names.count, !names.contains("any") else {
                throw error("\(text) of \(name) mixes types and words: quote those that are words")
            }
            return #"{"type":[\#(names.map(quoted).joined(separator: ","))]}"#
        }
        throw error("the type \(text.isEmpty ? "of \(name) is missing" : "\(text) of \(name) is unknown")")
    }

    private static func error(_ message: String) -> RetortError {
        RetortError(
            .usage, message,
            remedy: "Write fields as NAME:TYPE with commas between, such as 'title:string, tags:string[]'; types are "
                + types.keys.sorted().joined(separator: ", ") + ", TYPE|null, or words with | between them.")
    }

    private static func unquoted(_ text: String) -> String {
        guard text.utf8.count > 1, let quote = text.first, quote == "'" || quote == "\"", text.last == quote else {
            return text
        }
        return String(text.dropFirst().dropLast())
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = text[...]
        while text.first?.isWhitespace ?? false { text = text.dropFirst() }
        while text.last?.isWhitespace ?? false { text = text.dropLast() }
        return String(text)
    }

    private static func quoted(_ text: String) -> String {
        var output: [UInt8] = []
        JSONString.append(text, to: &output)
        return String(decoding: output, as: UTF8.self)
    }
}
