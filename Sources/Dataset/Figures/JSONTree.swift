import JSONText

/// A JSON value for output.
package indirect enum JSONTree: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int)
    /// Infinities and NaN, which JSON lacks, are written as null.
    case real(Double)
    case text(String)
    case list([JSONTree])
    /// Members are written in this order.
    case object([Member])

    package struct Member: Sendable, Hashable {
        package var name: String
        package var value: JSONTree

        package init(_ name: String, _ value: JSONTree) {
            self.name = name
            self.value = value
        }
    }

    package init(_ value: Int?) { self = value.map { .integer($0) } ?? .null }
    package init(_ value: Double?) { self = value.map { .real($0) } ?? .null }

    /// Indented text; lists and objects without nested ones are on one line.
    package var text: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes, depth: 0)
        bytes.append(0x0A)
        return bytes
    }

    /// The text without white space, on one line.
    package var line: [UInt8] {
        var bytes: [UInt8] = []
        writeLine(to: &bytes)
        return bytes
    }

    private func writeLine(to bytes: inout [UInt8]) {
        switch self {
        case .list(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.writeLine(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONString.append(member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.writeLine(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        default: write(to: &bytes, depth: 0)
        }
    }

    private var isFlat: Bool {
        switch self {
        case .list(let values): values.allSatisfy { !$0.isContainer }
        case .object(let members): members.allSatisfy { !$0.value.isContainer }
        default: true
        }
    }

    private var isContainer: Bool {
        switch self {
        case .list, .object: true
        default: false
        }
    }

    private func write(to bytes: inout [UInt8], depth: Int) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .boolean(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): bytes.append(contentsOf: String(value).utf8)
        case .real(let value): bytes.append(contentsOf: (value.isFinite ? value.description : "null").utf8)
        case .text(let text): JSONString.append(text, to: &bytes)
        case .list(let values):
            write(values.map { (nil, $0) }, "[", "]", to: &bytes, depth: depth)
        case .object(let members):
            write(members.map { ($0.name, $0.value) }, "{", "}", to: &bytes, depth: depth)
        }
    }

    private func write(
        _ parts: [(name: String?, value: JSONTree)], _ open: String, _ close: String, to bytes: inout [UInt8],
        depth: Int
    ) {
        let isFlat = isFlat
        bytes.append(contentsOf: open.utf8)
        for (index, part) in parts.enumerated() {
            if index > 0 { bytes.append(contentsOf: (isFlat ? ", " : ",").utf8) }
            if !isFlat { Self.newLine(to: &bytes, depth + 1) }
            if let name = part.name {
                JSONString.append(name, to: &bytes)
                bytes.append(contentsOf: ": ".utf8)
            }
            part.value.write(to: &bytes, depth: depth + 1)
        }
        if !isFlat { Self.newLine(to: &bytes, depth) }
        bytes.append(contentsOf: close.utf8)
    }

    private static func newLine(to bytes: inout [UInt8], _ depth: Int) {
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: 2 * depth))
    }
}
