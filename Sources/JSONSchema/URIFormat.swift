/// URIs (RFC 3986), IRIs (RFC 3987) and URI templates (RFC 6570).
enum URIFormat {
    static func isURI(_ text: [UInt8], isInternational: Bool) -> Bool {
        URIReference(String(decoding: text, as: UTF8.self)).scheme != nil
            && isReference(text, isInternational: isInternational)
    }

    static func isReference(_ text: [UInt8], isInternational: Bool) -> Bool {
        let reference = URIReference(String(decoding: text, as: UTF8.self))
        func allows(_ part: String?, _ signs: StaticString) -> Bool {
            part.map { isPart(Array($0.utf8)[...], signs, isInternational) } ?? true
        }
        if let authority = reference.authority, !isAuthority(Array(authority.utf8)[...], isInternational) {
            return false
        }
        // A colon in the first segment would make it a scheme.
        if reference.scheme == nil, reference.authority == nil,
            reference.path.prefix(while: { $0 != "/" }).contains(":")
        {
            return false
        }
        return allows(reference.path, ":@/") && allows(reference.query, ":@/?") && allows(reference.fragment, ":@/?")
    }

    private static func isAuthority(_ text: ArraySlice<UInt8>, _ isInternational: Bool) -> Bool {
        var rest = text
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            guard isPart(rest[..<at], ":", isInternational) else { return false }
            rest = rest[(at + 1)...]
        }
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let literal = rest[(rest.startIndex + 1)..<end]
            guard AddressFormat.isIPv6(literal) || isFutureAddress(literal) else { return false }
            rest = rest[(end + 1)...]
        } else {
            let host = rest.prefix { $0 != 0x3A }
            guard isPart(host, "", isInternational) else { return false }
            rest = rest[host.endIndex...]
        }
        return rest.isEmpty || (rest.first == 0x3A && rest.dropFirst().allSatisfy { Bytes.isDigit($0) })
    }

    private static func isFutureAddress(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = text.first, first | 0x20 == UInt8(ascii: "v"),
            let dot = text.firstIndex(of: UInt8(ascii: "."))
        else { return false }
        let version = text[(text.startIndex + 1)..<dot]
        return !version.isEmpty && version.allSatisfy { Bytes.isHexadecimal($0) } && dot + 1 < text.endIndex
            && isPart(text[(dot + 1)...], ":", false)
    }

    private static let signs = Set("-._~!$&'()*+,;=".utf8)

    /// Letters, digits, percent escapes, the characters allowed in every part, and `more`.
    private static func isPart(_ text: ArraySlice<UInt8>, _ more: StaticString, _ isInternational: Bool) -> Bool {
        let more = more.withUTF8Buffer { Array($0) }
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < text.endIndex, Bytes.isHexadecimal(text[index + 1]),
                    Bytes.isHexadecimal(text[index + 2])
                else { return false }
                index += 3
                continue
            }
            guard
                Bytes.isLetter(byte) || Bytes.isDigit(byte) || signs.contains(byte) || more.contains(byte)
                    || (isInternational && byte >= 0x80)
            else { return false }
            index += 1
        }
        return true
    }

    /// Expressions are in closed braces and hold a list of names.
    static func isTemplate(_ text: [UInt8]) -> Bool {
        var rest = text[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "}") || byte <= 0x20 || byte == 0x7F || byte == 0x22 || byte == 0x3C || byte == 0x3E
                || byte == 0x5C
                || byte == 0x5E || byte == 0x60 || byte == 0x7C
            {
                return false
            }
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2, rest.prefix(2).allSatisfy({ Bytes.isHexadecimal($0) }) else { return false }
            }
            guard byte == UInt8(ascii: "{") else { continue }
            guard let end = rest.firstIndex(of: UInt8(ascii: "}")), isExpression(rest[..<end]) else { return false }
            rest = rest[(end + 1)...]
        }
        return true
    }

    private static func isExpression(_ text: ArraySlice<UInt8>) -> Bool {
        var text = text
        if let first = text.first, "+#./;?&=,!@|".utf8.contains(first) { text = text.dropFirst() }
        return text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).allSatisfy { name in
            var name = name
            if name.last == UInt8(ascii: "*") { name = name.dropLast() }
            if let colon = name.firstIndex(of: 0x3A) {
                let length = name[(colon + 1)...]
                guard (1...4).contains(length.count), length.allSatisfy({ Bytes.isDigit($0) }), length.first != 0x30
                else { return false }
                name = name[..<colon]
            }
            return name.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
                && name.allSatisfy { Bytes.isLetter($0) || Bytes.isDigit($0) || $0 == 0x5F || $0 == 0x25 || $0 == 0x2E }
        }
    }
}
