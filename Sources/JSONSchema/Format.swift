/// The string formats that are checked if `format` is an assertion. Any other format accepts everything.
public enum Format: String, Sendable, CaseIterable {
    case dateTime = "date-time"
    case date, time, duration, email, hostname, ipv4, ipv6, uri, uuid, regex
    case uriReference = "uri-reference"
    case iri
    case iriReference = "iri-reference"
    case uriTemplate = "uri-template"
    case jsonPointer = "json-pointer"
    case relativeJSONPointer = "relative-json-pointer"
    case idnEmail = "idn-email"

    func accepts(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        switch self {
        case .dateTime: return DateFormat.isDateTime(bytes)
        case .date: return DateFormat.isDate(bytes)
        case .time: return DateFormat.isTime(bytes)
        case .duration: return DateFormat.isDuration(bytes)
        case .email: return AddressFormat.isEmail(bytes, isInternational: false)
        case .idnEmail: return AddressFormat.isEmail(bytes, isInternational: true)
        case .hostname: return AddressFormat.isHostname(bytes[...])
        case .ipv4: return AddressFormat.isIPv4(bytes[...])
        case .ipv6: return AddressFormat.isIPv6(bytes[...])
        case .uuid: return AddressFormat.isUUID(bytes)
        case .uri: return URIFormat.isURI(bytes, isInternational: false)
        case .uriReference: return URIFormat.isReference(bytes, isInternational: false)
        case .iri: return URIFormat.isURI(bytes, isInternational: true)
        case .iriReference: return URIFormat.isReference(bytes, isInternational: true)
        case .uriTemplate: return URIFormat.isTemplate(bytes)
        case .jsonPointer: return PointerFormat.isPointer(bytes[...])
        case .relativeJSONPointer: return PointerFormat.isRelative(bytes)
        case .regex: return (try? Pattern(text)) != nil
        }
    }
}

/// JSON pointers: RFC 6901, and the relative ones of draft-bhutton-relative-json-pointer-00.
private enum PointerFormat {
    static func isPointer(_ text: ArraySlice<UInt8>) -> Bool {
        if text.isEmpty { return true }
        guard text.first == UInt8(ascii: "/") else { return false }
        return text.indices.allSatisfy { index in
            guard text[index] == UInt8(ascii: "~") else { return true }
            return index + 1 < text.endIndex && (text[index + 1] == 0x30 || text[index + 1] == 0x31)
        }
    }

    static func isRelative(_ text: [UInt8]) -> Bool {
        let digits = text.prefix { Bytes.isDigit($0) }
        guard !digits.isEmpty, digits.count == 1 || digits.first != 0x30 else { return false }
        var rest = text[digits.endIndex...]
        if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            let shift = rest.dropFirst().prefix { Bytes.isDigit($0) }
            guard !shift.isEmpty, shift.first != 0x30 || shift.count == 1 else { return false }
            rest = rest[shift.endIndex...]
        }
        return (rest.count == 1 && rest.first == UInt8(ascii: "#")) || isPointer(rest)
    }
}

/// Character classes of ASCII.
enum Bytes {
    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }
    static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
    }
}
