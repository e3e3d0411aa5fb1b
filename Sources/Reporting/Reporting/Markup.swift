import CommandLine

/// HTML and SVG text. Names are literals; every text and attribute value is escaped, so no data can become markup.
package struct Markup {
    package typealias Attributes = KeyValuePairs<StaticString, String>

    package private(set) var text = ""

    /// An element with content.
    package mutating func element(
        _ name: StaticString, _ attributes: Attributes = [:], _ content: (inout Markup) -> Void
    ) {
        open(name, attributes)
        content(&self)
        text += "</\(name)>"
    }

    /// An element with a text.
    package mutating func element(_ name: StaticString, _ attributes: Attributes = [:], text content: String) {
        element(name, attributes) { $0.write(content) }
    }

    /// An HTML element without content and end tag: `meta`, `link`.
    package mutating func void(_ name: StaticString, _ attributes: Attributes) { open(name, attributes) }

    /// A line feed, to make the source readable.
    package mutating func newLine() { text += "\n" }

    /// Text, escaped. Control characters and those that change the writing direction become spaces.
    package mutating func write(_ content: String) { text += Self.escaped(content) }

    /// The document type and a style sheet: the only texts inserted unescaped, and both are literals.
    package mutating func documentType() { text += "<!doctype html>\n" }
    package mutating func style(_ sheet: StaticString) { text += "<style>\n\(sheet)</style>\n" }

    private mutating func open(_ name: StaticString, _ attributes: Attributes) {
        text += "<\(name)"
        for (name, value) in attributes { text += " \(name)=\"\(Self.escaped(value))\"" }
        text += ">"
    }

    package static func escaped(_ content: String) -> String {
        let content = CellWidth.sanitized(content)
        guard content.utf8.contains(where: isSpecial) else { return content }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.utf8.count + 32)
        for byte in content.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes.append(contentsOf: "&amp;".utf8)
            case UInt8(ascii: "<"): bytes.append(contentsOf: "&lt;".utf8)
            case UInt8(ascii: ">"): bytes.append(contentsOf: "&gt;".utf8)
            case UInt8(ascii: "\""): bytes.append(contentsOf: "&quot;".utf8)
            case UInt8(ascii: "'"): bytes.append(contentsOf: "&#39;".utf8)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"): true
        default: false
        }
    }
}
