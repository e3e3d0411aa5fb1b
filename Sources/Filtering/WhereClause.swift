public import Basics

/// A condition on records, as `--where` takes it: `pass and score >= 0.8 and metadata.topic != "music"`.
///
/// Grammar, loosest first: `a or b`, `a and b`, `not a`, comparisons by `==`, `!=`, `<`, `<=`, `>`, `>=`, parentheses. Operands
/// are fields, texts in single or double quotes, numbers, `true`, `false` and `null`. A field is a name, or a path of names with
/// dots between; a name of other signs than letters, digits, `_` and `-` is written in quotes: `metadata."my field"`.
///
/// Every condition is true or false: values of different types are unequal and in no order, a field that is not there is `null`.
/// A value alone holds unless it is false, null, zero or an empty text.
public struct WhereClause: Sendable, Hashable {
    /// As it was given.
    public let text: String
    let root: WhereNode

    /// Bytes of the longest text.
    public static let textBytesMax = 64 << 10

    /// Reads a text. Throws `.usage` with the column where it stops being a condition, and for a field whose first name is not
    /// in `fields`.
    public init(_ text: String, fields: [String]) throws(RetortError) {
        self.text = text
        var parser = try WhereParser(text, fields: fields)
        root = try parser.clause()
    }

    /// Whether the condition holds. `value` is asked for fields by their paths.
    public func holds(_ value: (_ path: [String]) -> WhereValue) -> Bool { root.value(value).isTrue }

    /// The fields that it asks for.
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
