/// Finds the JSON value in a text that may say more: prose before it, a code fence around it, reasoning ahead of it.
///
/// Three layers, in this order: the whole text; the first object or array that can be read; then every other stretch
/// between matching brackets, with strings and their escapes respected. What is inside a value is a part of it, not an
/// answer, also where the value does not fit or is broken: an answer that was cut off is not taken for one of its parts.
/// A fourth layer, which is asked for by itself, repairs what models do wrong (`JSONRepair`).
public struct JSONSearch: ~Copyable {
    /// In which layer a value was found.
    public enum Layer: String, Sendable, CaseIterable {
        /// The text is the value, but for white space around it.
        case whole
        /// The first bracket of the text begins it.
        case first
        /// Brackets further on, behind some that could not be read or were not wanted.
        case brackets
        /// Nowhere as it was written, but with its faults repaired.
        case repaired
    }

    /// A value and where it was found.
    public struct Found: Sendable {
        public var layer: Layer
        /// The value in a document of its own.
        public var value: JSONValue
        /// Where it begins in the text.
        var start = 0
    }

    private let parser = JSONParser()

    /// Brackets from which a value is looked for in one text.
    public static let startsMax = 256
    /// Bytes that are looked at, in lengths of the text.
    public static let passesMax = 8

    public init() {}

    /// The first value that `accepts` takes; where it takes none, the first that could be read, and `accepted` is false.
    /// Nil when the text holds no JSON value. Scalars count as whole texts only.
    ///
    /// With `repairs` faults are repaired where no value is taken as it was written, or where that one is a part of a value
    /// with faults. What has no end may be the beginning of something longer: it counts only where `isComplete` says that
    /// the model had ended.
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
            // The whole text has been looked at.
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

    /// What repairing a text comes to.
    private enum Repairing {
        case none
        case value(Found, accepted: Bool)
        /// There is something that is meant to be a value, and what it means is not plain.
        case unclear
    }

    /// The first value that `accepts` takes once its faults are repaired, else the first there is.
    /// - Parameter part: only what begins before this place and ends behind it counts, and counts at once.
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

    /// Whether nothing of a value is missing: it does not end where the text does, unless the model ended there too, and it
    /// does not go on behind a bracket that came too early.
    private static func isWhole(_ repaired: JSONRepair.Repaired, in text: ArraySlice<UInt8>, _ isComplete: Bool) -> Bool
    {
        if repaired.isClosedAtEnd { return isComplete }
        let next = text[repaired.end...].first { $0 > 0x20 }
        return next != UInt8(ascii: ",") && next != UInt8(ascii: ":")
    }

    private static func isOpening(_ byte: UInt8) -> Bool { byte == 0x7B || byte == 0x5B }

    /// Whether a text that begins with a bracket is meant to be JSON, or nearly so, and no prose.
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
