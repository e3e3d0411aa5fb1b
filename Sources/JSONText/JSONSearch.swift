/// Finds the JSON value in a text with other content: prose before it, a code fence around it, reasoning ahead of it.
///
/// Three layers, in this order: the whole text; the first readable object or array; then every other range between
/// matching brackets, respecting strings and their escapes. What is inside a value is part of it, not an answer of its
/// own, even if the value does not fit or is broken: a truncated answer is not replaced by one of its parts. A fourth,
/// optional layer repairs common mistakes of models (`JSONRepair`).
public struct JSONSearch: ~Copyable {
    /// The layer in which a value was found.
    public enum Layer: String, Sendable, CaseIterable {
        /// The text is the value, except for surrounding white space.
        case whole
        /// The first bracket of the text begins it.
        case first
        /// Later brackets, after some that could not be read or were rejected.
        case brackets
        /// Not as written, but after repairing its faults.
        case repaired
    }

    /// A value, and where it was found.
    public struct Found: Sendable {
        public var layer: Layer
        /// The value in its own document.
        public var value: JSONValue
        /// Where it begins in the text.
        var start = 0
    }

    private let parser = JSONParser()

    /// Maximum brackets at which a value is looked for in one text.
    public static let startsMax = 256
    /// Maximum bytes examined, as a multiple of the text's length.
    public static let passesMax = 8

    public init() {}

    /// The first value that `accepts` returns true for; if there is none, the first readable one, with `accepted`
    /// false. Nil if the text contains no JSON value. Scalars count only as whole texts.
    ///
    /// With `repairs`, faults are repaired if no value is accepted as written, or if the accepted one is part of a
    /// value with faults. A value without an end may be the beginning of something longer: it counts only if
    /// `isComplete` says that the model had finished.
    public func find(
        in text: [UInt8], repairs: Bool = false, isComplete: Bool = false, accepts: (JSONValue) throws -> Bool
    ) rethrows -> (found: Found, accepted: Bool)? {
        let written = try findWritten(in: text, accepts: accepts)
        guard repairs, written?.accepted != true || written?.found.layer != .whole else { return written }
        let part = written.flatMap { $0.accepted ? $0.found.start : nil }
        switch try findRepaired(in: text, isComplete: isComplete, around: part, accepts: accepts) {
        case .value(let value, let accepted):
            if !accepted, part == nil, let written { return written }
            return (value, accepted)
        case .unclear: return part == nil ? written : nil
        case .none: return written
        }
    }

    private func findWritten(
        in text: [UInt8], accepts: (JSONValue) throws -> Bool
    ) rethrows -> (found: Found, accepted: Bool)? {
        var readable: Found?
        let whole = Self.trimmed(text[...])
        if let value = try? parser.parse(whole).root {
            let found = Found(layer: .whole, value: value, start: whole.startIndex)
            if try accepts(value) { return (found, true) }
            readable = found
        }
        var left = text.count * Self.passesMax
        var layer = Layer.first
        var at = text.startIndex
        for _ in 0..<Self.startsMax {
            guard left > 0, let start = text[at...].firstIndex(where: Self.isOpening) else { break }
            let end = Self.end(of: start, in: text)
            left -= (end ?? text.endIndex) - start
            let isMeant = Self.isMeant(text[start...])
            at = isMeant ? end ?? text.endIndex : start + 1
            guard let end else {
                layer = .brackets
                continue
            }
            // The whole text has been examined.
            if start == whole.startIndex, end == whole.endIndex, readable != nil { break }
            if let value = try? parser.parse(text[start..<end]).root {
                let found = Found(layer: layer, value: value, start: start)
                if try accepts(value) { return (found, true) }
                if readable == nil { readable = found }
                at = end
            }
            layer = .brackets
        }
        return readable.map { ($0, false) }
    }

    /// The result of repairing a text.
    private enum Repairing {
        case none
        case value(Found, accepted: Bool)
        /// Something looks like a value, but has no single meaning.
        case unclear
    }

    /// The first accepted value after repair, else the first one.
    ///
    /// - Parameter part: only a value that begins before this position and ends after it counts, and counts at once.
    private func findRepaired(
        in text: [UInt8], isComplete: Bool, around part: Int?, accepts: (JSONValue) throws -> Bool
    ) rethrows -> Repairing {
        let whole = Self.trimmed(text[...])
        var nearly = Repairing.none
        var left = text.count * Self.passesMax
        var at = whole.startIndex
        for _ in 0..<Self.startsMax {
            guard left > 0, let start = whole[at...].firstIndex(where: Self.isOpening), start < part ?? whole.endIndex
            else { break }
            let outcome = text.withUnsafeBufferPointer {
                JSONRepair.outcome(of: UnsafeBufferPointer(rebasing: $0[..<whole.endIndex]), from: start)
            }
            switch outcome {
            case .repaired(let repaired):
                left -= repaired.end - start
                at = repaired.end
                guard repaired.isChanged, repaired.end > part ?? start else { continue }
                guard Self.isWhole(repaired, in: whole, isComplete), let value = try? parser.parse(repaired.text).root
                else { return .unclear }
                let found = Found(layer: .repaired, value: value, start: start)
                let accepted = try accepts(value)
                if accepted || part != nil { return .value(found, accepted: accepted) }
                if case .none = nearly { nearly = .value(found, accepted: false) }
            case .refused(let place, let hasKey):
                left -= place - start
                at = start + 1
                guard hasKey || Self.isMeant(whole[start...]) else { continue }
                let end = Self.end(of: start, in: text) ?? text.endIndex
                if end > part ?? (text.endIndex - 1) { return .unclear }
                left -= end - start
                at = end
            }
        }
        return nearly
    }

    /// Whether a value is complete: it does not end where the text does, unless the model finished there, and it does
    /// not continue after a bracket that came too early.
    private static func isWhole(_ repaired: JSONRepair.Repaired, in text: ArraySlice<UInt8>, _ isComplete: Bool) -> Bool
    {
        if repaired.isClosedAtEnd { return isComplete }
        let next = text[repaired.end...].first { $0 > 0x20 }
        return next != UInt8(ascii: ",") && next != UInt8(ascii: ":")
    }

    private static func isOpening(_ byte: UInt8) -> Bool { byte == 0x7B || byte == 0x5B }

    /// Whether a text that begins with a bracket is meant as JSON, not as prose.
    private static func isMeant(_ text: ArraySlice<UInt8>) -> Bool {
        let inside = text.dropFirst().drop { $0 <= 0x20 }
        guard let next = inside.first else { return false }
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return true
        case UInt8(ascii: "/"): return inside.dropFirst().first == UInt8(ascii: "/") || inside.dropFirst().first == 0x2A
        case 0x7B, 0x5B: return text.first == 0x5B
        default:
            guard text.first == 0x7B else { return false }
            let behind = inside.drop { ($0 | 0x20) &- 0x61 < 26 || $0 == UInt8(ascii: "_") || $0 &- 0x30 < 10 }
            return behind.count < inside.count && behind.first { $0 > 0x20 } == UInt8(ascii: ":")
        }
    }

    /// The end of the bracket that begins at `start`; nil if it is not closed.
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
