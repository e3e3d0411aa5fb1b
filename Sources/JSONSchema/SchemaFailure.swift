internal import JSONText

/// One location where a value does not match its schema.
public struct SchemaFailure: Sendable, Hashable, CustomStringConvertible {
    /// A JSON pointer to the location in the value; empty for the whole value.
    public var pointer: String
    /// The violated keyword.
    public var keyword: String
    /// What was expected, as a phrase: "an integer", "at most 10 characters".
    public var expected: String
    /// What was found, shortened.
    public var found: String

    public var description: String {
        "\(pointer.isEmpty ? "the value" : pointer): expected \(expected), found \(found)"
    }
}

/// One step from a value into a part of it.
enum PathStep {
    /// The member's key as written.
    case member(JSONValue)
    case element(Int)
}

extension [PathStep] {
    /// RFC 6901.
    var pointer: String {
        map { step in
            switch step {
            case .element(let index): "/\(index)"
            case .member(let key):
                "/" + (key.string ?? "").replacing("~", with: "~0").replacing("/", with: "~1")
            }
        }.joined()
    }
}

extension JSONValue {
    /// Maximum characters of a value in a message.
    private static let shownMax = 40

    /// The value's kind and its beginning, for a message.
    var summary: String {
        switch kind {
        case .null: "null"
        case .boolean: bool == true ? "true" : "false"
        case .number: "the number \(excerpt)"
        case .string: "the string \(excerpt)"
        case .array: "an array"
        case .object: "an object"
        }
    }

    private var excerpt: String {
        let start = raw.prefix(Self.shownMax)
        return String(decoding: start, as: UTF8.self) + (start.count < raw.count ? "..." : "")
    }
}
