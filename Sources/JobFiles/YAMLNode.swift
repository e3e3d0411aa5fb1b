internal import JSONText

/// A value of a YAML file, and where it is.
public struct YAMLNode: Sendable, Hashable {
    /// A member of a mapping.
    public struct Member: Sendable, Hashable {
        /// A scalar.
        public var key: YAMLNode
        public var value: YAMLNode

        public var name: String { key.text ?? "" }
    }

    public enum Content: Sendable, Hashable {
        /// A text; `isPlain` if it is neither quoted nor a block, so that it may mean a number, true, false or null.
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        case map([Member])
    }

    public var content: Content
    /// The file's name.
    public var file: String
    /// 1-based.
    public var line: Int
    /// 1-based, in characters.
    public var column: Int
    /// Whether it is a literal block (`|`), which begins on the next line.
    public var isBlock = false

    /// `file:line:column`, for messages.
    public var place: String { "\(file):\(line):\(column)" }

    /// A scalar's text.
    public var text: String? { if case .scalar(let text, _) = content { text } else { nil } }

    /// A list's elements.
    public var elements: [YAMLNode]? { if case .list(let elements) = content { elements } else { nil } }

    /// A mapping's members in order.
    public var members: [Member]? { if case .map(let members) = content { members } else { nil } }

    /// Whether it is empty or null.
    public var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// The elements of a list, or a scalar as the only one; nil for a mapping.
    public var scalars: [YAMLNode]? {
        switch content {
        case .scalar: [self]
        case .list(let elements): elements.allSatisfy { $0.text != nil } ? elements : nil
        case .map: nil
        }
    }

    public subscript(name: String) -> YAMLNode? { members?.first { $0.name == name }?.value }

    // MARK: JSON

    /// The value as JSON; plain scalars are read by YAML's core schema. Infinity and NaN, which JSON lacks, become
    /// texts.
    public var json: [UInt8] {
        var output: [UInt8] = []
        append(to: &output)
        return output
    }

    private func append(to output: inout [UInt8]) {
        switch content {
        case .scalar(let text, let isPlain):
            if isPlain, let word = Self.word(text) { output += word.utf8 } else { JSONString.append(text, to: &output) }
        case .list(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.append(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .map(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                JSONString.append(member.name, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.append(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// The JSON form of a plain scalar that is not a text.
    private static func word(_ text: String) -> String? {
        switch text {
        case "", "~", "null", "Null", "NULL": "null"
        case "true", "True", "TRUE": "true"
        case "false", "False", "FALSE": "false"
        default: number(text)
        }
    }

    /// A decimal number in JSON's spelling: without plus sign and leading zeros, with digits on both sides of a point.
    private static func number(_ text: String) -> String? {
        var rest = text.utf8[...]
        var output = ""
        if rest.first == UInt8(ascii: "-") { output = "-" }
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        func digits() -> String {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count)
            return String(decoding: digits, as: UTF8.self)
        }
        let whole = digits()
        var fraction: String?
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = digits()
        }
        guard !whole.isEmpty || fraction?.isEmpty == false else { return nil }
        let significant = whole.drop { $0 == "0" }
        output += significant.isEmpty ? "0" : String(significant)
        if let fraction { output += "." + (fraction.isEmpty ? "0" : fraction) }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            output += "e"
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
                output += rest.removeFirst() == UInt8(ascii: "-") ? "-" : ""
            }
            let exponent = digits()
            guard !exponent.isEmpty else { return nil }
            output += exponent
        }
        return rest.isEmpty ? output : nil
    }
}
