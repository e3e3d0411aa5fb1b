public import JSONText

/// The value of a record's field in a condition.
public enum WhereValue: Sendable, Hashable {
    /// Also a missing field.
    case null
    case boolean(Bool)
    case number(Double)
    case text(String)
    /// A list or an object, as written.
    case json([UInt8])

    /// The value of a JSON value; nil means missing.
    public init(_ value: JSONValue?) {
        switch value?.kind {
        case nil, .null: self = .null
        case .boolean: self = .boolean(value?.bool ?? false)
        case .number: self = value?.double.map { .number($0) } ?? .null
        case .string: self = .text(value?.string ?? "")
        case .array, .object: self = .json(Array(value?.raw ?? []))
        }
    }

    /// The value at a path of names within a JSON value; a number in the path indexes a list from 0.
    public init(_ value: JSONValue?, at path: some Collection<String>) {
        var value = value
        for name in path {
            if value?.kind == .array, let place = Int(name), place >= 0 {
                let elements = value?.elements ?? []
                value = place < elements.count ? elements[place] : nil
            } else {
                value = value?.member(Array(name.utf8))
            }
        }
        self.init(value)
    }

    /// Whether the value alone counts as true.
    var isTrue: Bool {
        switch self {
        case .null: false
        case .boolean(let value): value
        case .number(let value): value != 0
        case .text(let text): !text.isEmpty
        case .json: true
        }
    }

    /// Nil if the two values have no order.
    func isLess(than other: WhereValue) -> Bool? {
        switch (self, other) {
        case (.number(let a), .number(let b)): a.isNaN || b.isNaN ? nil : a < b
        case (.text(let a), .text(let b)): a < b
        default: nil
        }
    }
}
