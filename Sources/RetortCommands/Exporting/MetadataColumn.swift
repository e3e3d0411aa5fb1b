import JSONText

/// The type that a field of the rows has in an export: its own where all rows agree, else text.
struct MetadataColumn: Hashable {
    private var kinds: Set<Kind> = []

    private enum Kind: Hashable { case text, boolean, integer, real, other }

    mutating func note(_ value: JSONValue) { kinds.insert(Self.kind(value)) }

    private static func kind(_ value: JSONValue) -> Kind {
        switch value.kind {
        case .string: .text
        case .boolean: .boolean
        // Beyond 64 bits, and beyond a double, readers differ.
        case .number: value.int != nil ? .integer : value.double?.isFinite == true && isReal(value.raw) ? .real : .other
        default: .other
        }
    }

    private static func isReal(_ number: ArraySlice<UInt8>) -> Bool {
        number.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
    }

    /// The value as a token of the column's type; null where the row has none.
    func token(_ value: JSONValue?) -> [UInt8] {
        guard let value, value.kind != .null else { return JSONLine.null }
        if value.kind == .string || kinds == [.boolean] || kinds == [.integer] || kinds == [.real] {
            return Array(value.raw)
        }
        if kinds == [.integer, .real] {
            return Self.kind(value) == .integer ? Array(value.raw) + Array(".0".utf8) : Array(value.raw)
        }
        return JSONLine.token(value.raw)
    }
}
