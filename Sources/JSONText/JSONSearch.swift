/// Finds the JSON value in a text that may say more: prose before it, a code fence around it, reasoning ahead of it.
///
/// Three layers, in this order: the whole text; the first object or array that can be read; then every other stretch
/// between matching brackets, with strings and their escapes respected. What is inside a value is a part of it, not an
/// answer, also where the value does not fit or is broken: an answer that was cut off is not taken for one of its parts.
public struct JSONSearch: ~Copyable {
    /// In which layer a value was found.
    public enum Layer: String, Sendable, CaseIterable {
        /// The text is the value, but for white space around it.
        case whole
        /// The first bracket of the text begins it.
        case first
        /// Brackets further on, behind some that could not be read or were not wanted.
        case brackets
    }

    /// A value and where it was found.
    public struct Found: Sendable {
        public var layer: Layer
        /// The value in a document of its own.
        public var value: JSONValue
    }

    private let parser = JSONParser()

    /// Brackets from which a value is looked for in one text.
    public static let startsMax = 256
    /// Bytes that are looked at, in lengths of the text.
    public static let passesMax = 8

    public init() {}

    /// The first value that `accepts` takes; where it takes none, the first that could be read, and `accepted` is false.
    /// Nil when the text holds no JSON value. Scalars count as whole texts only.
    public func find(
        in text: [UInt8], accepts: (JSONValue) throws -> Bool
    ) rethrows -> (found: Found, accepted: Bool)? {
        var readable: Found?
        let whole = Self.trimmed(text[...])
        if let value = try? parser.parse(whole).root {
            let found = Found(layer: .whole, value: value)
            if try accepts(value) { return (found, true) }
            readable = found
        }
        var left = text.count * Self.passesMax
        var layer = Layer.first
        var at = text.startIndex
        for _ in 0..<Self.startsMax {
            guard left > 0, let start = text[at...].firstIndex(where: { $0 == 0x7B || $0 == 0x5B }) else { break }
            let end = Self.end(of: start, in: text)
            left -= (end ?? text.endIndex) - start
            let isMeant = Self.isMeant(text[start...])
            at = isMeant ? end ?? text.endIndex : start + 1
            guard let end else {
                layer = .brackets
                continue
            }
            // The whole text has been looked at.
            if start == whole.startIndex, end == whole.endIndex, readable != nil { break }
            if let value = try? parser.parse(text[start..<end]).root {
                let found = Found(layer: layer, value: value)
                if try accepts(value) { return (found, true) }
                if readable == nil { readable = found }
                at = end
            }
            layer = .brackets
        }
        return readable.map { ($0, false) }
    }

    /// Whether a text that begins with a bracket is meant to be JSON, and no prose.
    private static func isMeant(_ text: ArraySlice<UInt8>) -> Bool {
        guard let next = text.dropFirst().first(where: { $0 > 0x20 }) else { return false }
        return next == UInt8(ascii: "\"") || text.first == 0x5B && (next == 0x7B || next == 0x5B)
    }

    /// Behind the bracket that closes the one at `start`; nil when none does.
    private static func end(of start: Int, in text: [UInt8]) -> Int? {
        text.withUnsafeBufferPointer { bytes in
            var depth = 0
            var at = start
            while at < bytes.count {
                switch bytes[at] {
                case 0x7B, 0x5B: depth += 1
                case 0x7D, 0x5D:
                    depth -= 1
                    if depth == 0 { return at + 1 }
                case 0x22:
                    at += 1
                    while at < bytes.count, bytes[at] != 0x22 { at += bytes[at] == 0x5C ? 2 : 1 }
                default: break
                }
                at += 1
            }
            return nil
        }
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
        let start = text.firstIndex { !isSpace($0) } ?? text.endIndex
        let end = text.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
        return text[start..<max(start, end)]
    }
}
