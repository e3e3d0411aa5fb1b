package import JSONText

/// Lines of a CSV file (RFC 4180, except that a line feed ends a line). Text is always quoted, so that an empty text
/// differs from null, which is an empty cell; numbers, `true` and `false` are not quoted.
package enum CSVLine {
    package static func header(_ names: [String]) -> [UInt8] { joined(names.map { quoted(Array($0.utf8)) }) }

    package static func row(_ values: [JSONValue?]) -> [UInt8] { joined(values.map(cell)) }

    private static func cell(_ value: JSONValue?) -> [UInt8] {
        guard let value, value.kind != .null else { return [] }
        switch value.kind {
        case .string: return quoted(value.stringBytes ?? [])
        case .array, .object: return quoted(Array(value.raw))
        default: return Array(value.raw)
        }
    }

    private static func joined(_ cells: [[UInt8]]) -> [UInt8] {
        // Most readers ignore a line with a single empty cell.
        if cells.count == 1, cells[0].isEmpty { return Array(#""""#.utf8) }
        return Array(cells.joined(separator: [UInt8(ascii: ",")]))
    }

    private static func quoted(_ text: [UInt8]) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        var cell = [quote]
        cell.reserveCapacity(text.count + 2)
        for byte in text {
            if byte == quote { cell.append(quote) }
            cell.append(byte)
        }
        cell.append(quote)
        return cell
    }
}
