package import Basics
import SegmentStore

/// The names of rows without an id: the hash of their prompt, with a number from the second identical row on.
package struct GeneratedNames {
    /// Hashes seen so far, and for repeated ones the next number.
    private var met: Set<UInt64> = []
    private var numbers: [UInt64: Int] = [:]

    /// The next name, provided that every row with that hash was named here.
    package mutating func next(_ hash: UInt64, _ prefix: StaticString = "") -> [UInt8] {
        if met.insert(hash).inserted { return Self.name(hash, 0, prefix) }
        let number = numbers[hash] ?? 1
        numbers[hash] = number + 1
        return Self.name(hash, number, prefix)
    }

    /// The name that `next` would return.
    package func peek(_ hash: UInt64, _ prefix: StaticString = "") -> [UInt8] {
        met.contains(hash) ? Self.name(hash, numbers[hash] ?? 1, prefix) : Self.name(hash, 0, prefix)
    }

    /// The next unused name. Needs memory for repeated rows only.
    package mutating func nextFree(
        _ hash: UInt64, _ prefix: StaticString = "", isTaken: ([UInt8]) throws(RetortError) -> Bool
    ) throws(RetortError) -> [UInt8] {
        var number = numbers[hash] ?? 0
        while try isTaken(Self.name(hash, number, prefix)) { number += 1 }
        if number > 0 { numbers[hash] = number + 1 }
        return Self.name(hash, number, prefix)
    }

    /// The generated name of a record without its number; nil if the row gave the id. Generated names have 16
    /// lower-case hexadecimal digits, after `bad-` if the row was malformed.
    package static func base(ofRecord line: [UInt8]) -> [UInt8]? {
        guard let id = line.withUnsafeBytes({ RecordHead.parse($0) })?.key.id else { return nil }
        let prefix = id.starts(with: "bad-".utf8) ? 4 : 0
        let digits = id.dropFirst(prefix).prefix(16)
        let rest = id.dropFirst(prefix + 16)
        let isHash =
            digits.count == 16 && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        let isNumber =
            rest.first == UInt8(ascii: "-") && rest.count > 1
            && rest.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
        guard isHash, rest.isEmpty || isNumber else { return nil }
        return Array(id.prefix(prefix + 16))
    }

    package static func name(_ hash: UInt64, _ number: Int, _ prefix: StaticString) -> [UInt8] {
        let name = "\(prefix)\(Hexadecimal.string(hash))"
        return Array((number == 0 ? name : "\(name)-\(number)").utf8)
    }
}
