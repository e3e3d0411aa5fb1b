/// Host names, IP addresses, mail addresses and UUIDs.
enum AddressFormat {
    /// RFC 5321 section 4.1.2, or RFC 6531 with letters beyond ASCII.
    static func isEmail(_ text: [UInt8], isInternational: Bool) -> Bool {
        guard let at = text.lastIndex(of: UInt8(ascii: "@")), at > 0 else { return false }
        let (local, domain) = (text[..<at], text[(at + 1)...])
        guard isLocalPart(local, isInternational) else { return false }
        if domain.first == UInt8(ascii: "["), domain.last == UInt8(ascii: "]") {
            let literal = domain.dropFirst().dropLast()
            let prefix = Array("IPv6:".utf8)
            return literal.starts(with: prefix) ? isIPv6(literal.dropFirst(prefix.count)) : isIPv4(literal)
        }
        return isInternational && domain.contains { $0 >= 0x80 } ? !domain.isEmpty : isHostname(domain)
    }

    private static let atomSigns = Set("!#$%&'*+-/=?^_`{|}~".utf8)

    private static func isLocalPart(_ text: ArraySlice<UInt8>, _ isInternational: Bool) -> Bool {
        if text.count >= 2, text.first == 0x22, text.last == 0x22 {
            var rest = text.dropFirst().dropLast()
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\\") {
                    if rest.popFirst() == nil { return false }
                } else if byte == 0x22 || byte < 0x20 {
                    return false
                }
            }
            return true
        }
        return text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty
                && atom.allSatisfy {
                    Bytes.isLetter($0) || Bytes.isDigit($0) || atomSigns.contains($0) || (isInternational && $0 >= 0x80)
                }
        }
    }

    /// RFC 1123 section 2.1.
    static func isHostname(_ text: ArraySlice<UInt8>) -> Bool {
        guard !text.isEmpty, text.count <= 253 else { return false }
        return text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            guard (1...63).contains(label.count), label.first != 0x2D, label.last != 0x2D else { return false }
            let isPlain = label.allSatisfy { Bytes.isLetter($0) || Bytes.isDigit($0) || $0 == 0x2D }
            // Hyphens in the third and fourth position mark encoded names, which are not decoded here.
            let bytes = Array(label)
            let isReserved = bytes.count >= 4 && bytes[2] == 0x2D && bytes[3] == 0x2D
            return isPlain
                && (!isReserved || bytes[0] | 0x20 == UInt8(ascii: "x") && bytes[1] | 0x20 == UInt8(ascii: "n"))
        }
    }

    /// RFC 2673 section 3.2, without leading zeros.
    static func isIPv4(_ text: ArraySlice<UInt8>) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy({ Bytes.isDigit($0) }) else { return false }
                return part.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255 && (part.count == 1 || part.first != 0x30)
            }
    }

    /// RFC 4291 section 2.2.
    static func isIPv6(_ text: ArraySlice<UInt8>) -> Bool {
        var groups = 0
        var hasGap = false
        var rest = text
        if rest.starts(with: [0x3A, 0x3A]) {
            hasGap = true
            rest = rest.dropFirst(2)
            if rest.isEmpty { return true }
        }
        while true {
            let group = rest.prefix { $0 != 0x3A }
            if group.contains(UInt8(ascii: ".")) {
                guard group.endIndex == rest.endIndex, isIPv4(group) else { return false }
                groups += 2
                break
            }
            guard (1...4).contains(group.count), group.allSatisfy({ Bytes.isHexadecimal($0) }) else { return false }
            groups += 1
            rest = rest[group.endIndex...]
            if rest.isEmpty { break }
            rest = rest.dropFirst()
            if rest.first == 0x3A {
                if hasGap { return false }
                hasGap = true
                rest = rest.dropFirst()
                if rest.isEmpty { break }
            }
            if rest.isEmpty { return false }
        }
        return hasGap ? groups < 8 : groups == 8
    }

    /// RFC 9562 section 4.
    static func isUUID(_ text: [UInt8]) -> Bool {
        text.count == 36
            && text.enumerated().allSatisfy { index, byte in
                [8, 13, 18, 23].contains(index) ? byte == 0x2D : Bytes.isHexadecimal(byte)
            }
    }
}
