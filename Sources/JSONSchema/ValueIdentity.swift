internal import Basics
internal import JSONText

/// Equality of JSON values as JSON Schema defines it, independent of notation: `1` equals `1.0`, the order of members
/// and the use of escapes do not matter, and of members with one name the last counts.
enum ValueIdentity {
    /// Equal values have equal hashes. `budget` is decreased by one per visited value.
    static func hash(_ value: JSONValue, _ budget: inout Int) -> UInt64 {
        budget -= 1
        switch value.kind {
        case .null: return 1
        case .boolean: return value.bool == true ? 2 : 3
        case .number: return hash(number: ExactNumber(value.raw))
        case .string: return hash(content(of: value), seed: 5)
        case .array:
            var sum: UInt64 = 6
            value.forEachElement { element in
                sum = sum &* 0x9E37_79B9_7F4A_7C15 &+ hash(element, &budget)
                return budget > 0
            }
            return sum
        case .object:
            var sum: UInt64 = 7
            for (key, member) in members(value, &budget) {
                sum &+= hash(key[...], seed: hash(member, &budget))
            }
            return sum
        }
    }

    static func areEqual(_ a: JSONValue, _ b: JSONValue, _ budget: inout Int) -> Bool {
        budget -= 1
        guard a.kind == b.kind, budget > 0 else { return false }
        switch a.kind {
        case .null: return true
        case .boolean: return a.bool == b.bool
        case .number: return a.raw == b.raw || ExactNumber(a.raw) == ExactNumber(b.raw)
        case .string: return content(of: a) == content(of: b)
        case .array:
            let (first, second) = (a.elements, b.elements)
            guard first.count == second.count else { return false }
            for (one, other) in zip(first, second) where !areEqual(one, other, &budget) { return false }
            return true
        case .object:
            let (first, second) = (members(a, &budget), members(b, &budget))
            guard first.count == second.count else { return false }
            for (key, value) in first {
                guard let other = second[key], areEqual(value, other, &budget) else { return false }
            }
            return true
        }
    }

    /// A string's bytes with its escapes decoded.
    static func content(of value: JSONValue) -> ArraySlice<UInt8> {
        value.isEscaped ? (value.stringBytes ?? [])[...] : value.rawStringContent ?? []
    }

    private static func members(_ value: JSONValue, _ budget: inout Int) -> [ArraySlice<UInt8>: JSONValue] {
        var members: [ArraySlice<UInt8>: JSONValue] = [:]
        value.forEachMember { key, member in
            budget -= 1
            members[content(of: key)] = member
            return budget > 0
        }
        return members
    }

    private static func hash(_ bytes: ArraySlice<UInt8>, seed: UInt64) -> UInt64 {
        bytes.withUnsafeBytes { ContentHash.hash64($0, seed: seed) }
    }

    private static func hash(number: ExactNumber) -> UInt64 {
        hash(number.digits[...], seed: UInt64(bitPattern: Int64(number.exponent)) &* 2 &+ (number.isNegative ? 1 : 0))
    }
}
