import Dataset
package import JSONText
package import Parquet

/// The type of a column for one member of rows or values: its own if all values agree, otherwise text.
package struct ValueColumn: Hashable {
    package private(set) var kinds: Set<Kind>
    /// Whether `1.0` counts as an integer, as in JSON Schema.
    private let isInteger: Bool

    package enum Kind: Hashable { case text, boolean, integer, real, other }

    /// - Parameter kinds: the kinds known before any value has been seen.
    package init(_ kinds: Set<Kind> = []) {
        self.kinds = kinds
        isInteger = kinds == [.integer]
    }

    package mutating func note(_ value: JSONValue) { kinds.insert(kind(value)) }

    private func kind(_ value: JSONValue) -> Kind {
        switch value.kind {
        case .string: .text
        case .boolean: .boolean
        // Readers differ for numbers beyond 64 bits or beyond a double.
        case .number:
            value.int != nil || wholeNumber(value) != nil
                ? .integer : value.double?.isFinite == true && Self.isReal(value.raw) ? .real : .other
        default: .other
        }
    }

    /// The integer that `12.0` or `1e3` means in a column of integers.
    private func wholeNumber(_ value: JSONValue) -> Int? {
        isInteger && value.int == nil ? value.double.flatMap { Int(exactly: $0) } : nil
    }

    private static func isReal(_ number: ArraySlice<UInt8>) -> Bool {
        number.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
    }

    /// The column's type in a table.
    package var type: ParquetType {
        switch kinds {
        case [.boolean]: .boolean
        case [.integer]: .integer
        case [.real], [.integer, .real]: .double
        default: .string
        }
    }

    /// The value as a token of the column's type; null if the row has none.
    package func token(_ value: JSONValue?) -> [UInt8] {
        guard let value, value.kind != .null else { return JSONLine.null }
        switch type {
        case .string: return value.kind == .string ? Array(value.raw) : JSONLine.token(JSONLine.compact(value.raw))
        case .boolean: return Array(value.raw)
        case .integer: return wholeNumber(value).map { Array(String($0).utf8) } ?? Array(value.raw)
        case .double: return Self.isReal(value.raw) ? Array(value.raw) : Array(value.raw) + Array(".0".utf8)
        }
    }
}
