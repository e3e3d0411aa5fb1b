internal import JSONText

/// One place where a value does not fit its schema.
public struct SchemaFailure: Sendable, Hashable, CustomStringConvertible {
    /// A JSON pointer to the place in the value; empty for the whole.
    public var pointer: String
    /// The keyword that is not met.
    public var keyword: String
    /// What was expected, as a phrase: "an integer", "at most 10 characters".
    public var expected: String
    /// What was there, cut to a few words.
    public var found: String

    public var description: String {
        "\(pointer.isEmpty ? "the value" : pointer): expected \(expected), found \(found)"
    }
}

/// One step from a value into a part of it.
enum PathStep {
    /// The member's key as it is written.
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
    /// Characters of a value that a message shows.
    private static let shownMax = 40

    /// What the value is, for a message: its kind and how it begins.
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
