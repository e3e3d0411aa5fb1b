public import Basics

/// A condition on records, as `--where` takes it: `pass and score >= 0.8 and metadata.topic != "music"`.
///
/// Grammar, lowest precedence first: `a or b`, `a and b`, `not a`, comparisons with `==`, `!=`, `<`, `<=`, `>`, `>=`,
/// parentheses. Operands are fields, texts in single or double quotes, numbers, `true`, `false` and `null`. A field is
/// a name, or a path of names separated by dots; a name with characters other than letters, digits, `_` and `-` is
/// quoted: `metadata."my field"`.
///
/// Every condition is true or false. Values of different types are unequal and have no order; a missing field is
/// `null`. A value alone is true unless it is false, null, zero or an empty text.
public struct WhereClause: Sendable, Hashable {
    /// The text as given.
    public let text: String
    let root: WhereNode

    /// Maximum bytes of a condition.
    public static let textBytesMax = 64 << 10

    /// Parses a condition. Throws `.usage` with the column of a syntax error, and for a field whose first name is not
    /// in `fields`.
    public init(_ text: String, fields: [String]) throws(RetortError) {
        self.text = text
        var parser = try WhereParser(text, fields: fields)
        root = try parser.clause()
    }

    /// Whether the condition is true. `value` returns the field at a path.
    public func holds(_ value: (_ path: [String]) -> WhereValue) -> Bool { root.value(value).isTrue }

    /// The paths of all fields in the condition.
    public var paths: Set<[String]> {
        var paths: Set<[String]> = []
        root.collectPaths(&paths)
        return paths
    }
}

/// A part of a condition.
indirect enum WhereNode: Sendable, Hashable {
    case constant(WhereValue)
    case field([String])
    case not(WhereNode)
    case both(WhereNode, WhereNode)
    case either(WhereNode, WhereNode)
    case compare(WhereNode, Comparison, WhereNode)

    enum Comparison: String, Sendable, CaseIterable {
        case equal = "=="
        case unequal = "!="
        case lessOrEqual = "<="
        case greaterOrEqual = ">="
        case less = "<"
        case greater = ">"
    }

    func value(_ field: (_ path: [String]) -> WhereValue) -> WhereValue {
        switch self {
        case .constant(let value): value
        case .field(let path): field(path)
        case .not(let node): .boolean(!node.value(field).isTrue)
        case .both(let a, let b): .boolean(a.value(field).isTrue && b.value(field).isTrue)
        case .either(let a, let b): .boolean(a.value(field).isTrue || b.value(field).isTrue)
        case .compare(let a, let comparison, let b):
            .boolean(Self.compare(a.value(field), comparison, b.value(field)))
        }
    }

    private static func compare(_ a: WhereValue, _ comparison: Comparison, _ b: WhereValue) -> Bool {
        switch comparison {
        case .equal: a == b
        case .unequal: a != b
        case .less: a.isLess(than: b) == true
        case .greater: b.isLess(than: a) == true
        case .lessOrEqual: b.isLess(than: a) == false
        case .greaterOrEqual: a.isLess(than: b) == false
        }
    }

    func collectPaths(_ paths: inout Set<[String]>) {
        switch self {
        case .constant: break
        case .field(let path): paths.insert(path)
        case .not(let node): node.collectPaths(&paths)
        case .both(let a, let b), .either(let a, let b), .compare(let a, _, let b):
            a.collectPaths(&paths)
            b.collectPaths(&paths)
        }
    }
}
