internal import Basics
internal import Glibc

/// The hashes of one member of an object: its name's and its value's.
public struct JSONMemberHash: Sendable, Hashable {
    var name: UInt64
    var value: UInt64
}

/// Hashes the meaning of JSON texts: escapes, white space, the order of members and the spelling of numbers do not
/// matter. Of members with one name the last counts. Integers are compared exactly, other numbers as doubles; an
/// unpaired surrogate differs from U+FFFD.
///
/// Its buffers are reused: nothing is allocated per value.
struct ValueHasher {
    private enum Kind: UInt64 {
        case null = 1
        case no, yes, integer, largeInteger, fraction, string, array, object
    }

    /// Members of the open objects.
    private var members: [JSONMemberHash] = []
    private var bytes: [UInt8] = []

    private static let insertionSortMax = 48
    /// Maximum length of a number that is read as a double.
    private static let numberBytesMax = 256

    mutating func hash(_ nodes: UnsafePointer<JSONNode>, _ at: Int, _ text: UnsafePointer<UInt8>) -> UInt64 {
        let node = nodes[at]
        switch node.kind {
        case 0: return Self.leaf(.null)
        case 1: return Self.leaf(.no)
        case 2: return Self.leaf(.yes)
        case 3: return number(UnsafeBufferPointer(start: text + Int(node.start), count: Int(node.end - node.start)))
        case 4, 5: return string(node, text)
        case 6:
            var hash = Self.leaf(.array)
            var element = at + 1
            while element < Int(node.next) {
                hash = Self.mix(hash, self.hash(nodes, element, text))
                element = Int(nodes[element].next)
            }
            return hash
        default:
            let first = members.count
            appendMembers(nodes, at, text)
            return closeObject(from: first)
        }
    }

    /// The hash of a whole text. If it is an object: with the members of `others` and its own, which take precedence,
    /// without those in `ignored`.
    mutating func hash(
        _ nodes: UnsafePointer<JSONNode>, _ text: UnsafePointer<UInt8>, besides others: [JSONMemberHash],
        without ignored: Set<JSONMemberHash>
    ) -> UInt64 {
        guard nodes[0].kind == 7 else { return hash(nodes, 0, text) }
        members.append(contentsOf: others)
        appendMembers(nodes, 0, text)
        if !ignored.isEmpty { members.removeAll { ignored.contains($0) } }
        return closeObject(from: 0)
    }

    mutating func memberHashes(
        _ nodes: UnsafePointer<JSONNode>, _ at: Int, _ text: UnsafePointer<UInt8>
    ) -> [JSONMemberHash] {
        appendMembers(nodes, at, text)
        defer { members.removeAll(keepingCapacity: true) }
        return members
    }

    private mutating func appendMembers(
        _ nodes: UnsafePointer<JSONNode>, _ at: Int, _ text: UnsafePointer<UInt8>
    ) {
        let end = Int(nodes[at].next)
        var key = at + 1
        while key < end {
            let name = string(nodes[key], text)
            let value = hash(nodes, key + 1, text)
            members.append(JSONMemberHash(name: name, value: value))
            key = Int(nodes[key + 1].next)
        }
    }

    /// Hashes the members from `first` on in the order of their names' hashes, and removes them.
    private mutating func closeObject(from first: Int) -> UInt64 {
        if members.count - first <= Self.insertionSortMax {
            sortByInsertion(from: first)
        } else {
            let numbered = members[first...].enumerated()
            let sorted = numbered.sorted { ($0.element.name, $0.offset) < ($1.element.name, $1.offset) }
            members.replaceSubrange(first..., with: sorted.lazy.map(\.element))
        }
        var hash = Self.leaf(.object)
        for index in first..<members.count {
            let isRepeated = index + 1 < members.count && members[index + 1].name == members[index].name
            if !isRepeated { hash = Self.mix(Self.mix(hash, members[index].name), members[index].value) }
        }
        members.removeSubrange(first...)
        return hash
    }

    /// Stable, so that of equal names the last one stays last.
    private mutating func sortByInsertion(from first: Int) {
        members.withUnsafeMutableBufferPointer { members in
            var index = first + 1
            while index < members.count {
                let member = members[index]
                var place = index
                while place > first, members[place - 1].name > member.name {
                    members[place] = members[place - 1]
                    place -= 1
                }
                members[place] = member
                index += 1
            }
        }
    }

    private mutating func string(_ node: JSONNode, _ text: UnsafePointer<UInt8>) -> UInt64 {
        let content = UnsafeBufferPointer(start: text + Int(node.start) + 1, count: Int(node.end - node.start) - 2)
        guard node.kind == 5 else {
            return ContentHash.hash64(UnsafeRawBufferPointer(content), seed: Kind.string.rawValue)
        }
        bytes.removeAll(keepingCapacity: true)
        JSONString.appendUnescaped(content, to: &bytes)
        return bytes.withUnsafeBytes { ContentHash.hash64($0, seed: Kind.string.rawValue) }
    }

    // MARK: Numbers

    private mutating func number(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let isNegative = text[0] == UInt8(ascii: "-")
        var (at, point, exponent) = (isNegative ? 1 : 0, false, 0)
        bytes.removeAll(keepingCapacity: true)
        while at < text.count, text[at] | 0x20 != UInt8(ascii: "e") {
            if text[at] == UInt8(ascii: ".") {
                point = true
            } else {
                if !bytes.isEmpty || text[at] != UInt8(ascii: "0") { bytes.append(text[at]) }
                if point { exponent -= 1 }
            }
            at += 1
        }
        exponent += Self.exponent(text, at)
        while bytes.last == UInt8(ascii: "0") {
            bytes.removeLast()
            exponent += 1
        }
        guard !bytes.isEmpty else { return Self.mix(Self.leaf(.integer), 0) }
        if exponent < 0, text.count <= Self.numberBytesMax { return fraction(text) }
        if exponent >= 0, bytes.count + exponent <= 18 {
            var value: Int64 = 0
            for digit in bytes { value = value * 10 + Int64(digit - 0x30) }
            for _ in 0..<exponent { value *= 10 }
            return Self.mix(Self.leaf(.integer), UInt64(bitPattern: isNegative ? -value : value))
        }
        let digits = bytes.withUnsafeBytes { ContentHash.hash64($0, seed: isNegative ? 1 : 0) }
        return Self.mix(Self.mix(Self.leaf(.largeInteger), digits), UInt64(bitPattern: Int64(exponent)))
    }

    private mutating func fraction(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: text)
        bytes.append(0)
        let value = bytes.withUnsafeBytes { strtod($0.baseAddress!.assumingMemoryBound(to: CChar.self), nil) }
        return Self.mix(Self.leaf(.fraction), value.bitPattern)
    }

    /// The exponent written at `start`, bounded far below overflow.
    private static func exponent(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        guard start < text.count else { return 0 }
        var (at, value) = (start + 1, 0)
        let isNegative = text[at] == UInt8(ascii: "-")
        if isNegative || text[at] == UInt8(ascii: "+") { at += 1 }
        while at < text.count {
            value = min(value * 10 + Int(text[at] - 0x30), 1 << 40)
            at += 1
        }
        return isNegative ? -value : value
    }

    // MARK: Mixing

    @inline(__always)
    private static func leaf(_ kind: Kind) -> UInt64 { kind.rawValue &* 0x9E37_79B9_7F4A_7C15 }

    @inline(__always)
    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        withUnsafeBytes(of: (a, b)) { ContentHash.hash64($0) }
    }
}
