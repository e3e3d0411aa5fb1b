import Glibc

/// The parts of a `multipart/form-data` body (RFC 7578) or a `multipart/related` body, as far as file uploads need
/// them.
struct MultipartForm {
    struct Part {
        var name: String
        var fileName: String?
        var range: Range<Int>
    }

    private(set) var parts: [Part] = []

    subscript(name: String) -> Part? { parts.first { $0.name == name } }

    /// Nil if the body is not a multipart form.
    init?(_ body: [UInt8], contentType: String?) {
        guard let contentType, let kind = contentType.lowercased().split(separator: ";").first,
            kind == "multipart/form-data" || kind == "multipart/related",
            let mark = contentType.firstRange(of: "boundary=")
        else { return nil }
        var boundary = contentType[mark.upperBound...].prefix { $0 != ";" }
        if boundary.hasPrefix("\""), boundary.hasSuffix("\""), boundary.count > 1 {
            boundary = boundary.dropFirst().dropLast()
        }
        guard !boundary.isEmpty else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        guard var at = Self.find(delimiter, in: body, from: 0) else { return nil }
        while true {
            at += delimiter.count
            // Two hyphens end the form.
            guard at + 2 <= body.count else { return nil }
            if body[at] == UInt8(ascii: "-"), body[at + 1] == UInt8(ascii: "-") { return }
            guard let head = Self.find(Array("\r\n\r\n".utf8), in: body, from: at) else { return nil }
            let start = head + 4
            guard let next = Self.find(Array("\r\n".utf8) + delimiter, in: body, from: start) else { return nil }
            if let part = Self.part(String(decoding: body[at..<head], as: UTF8.self), start..<next) {
                parts.append(part)
            }
            at = next + 2
        }
    }

    private static func part(_ head: String, _ range: Range<Int>) -> Part? {
        for line in head.split(whereSeparator: { $0 == "\r\n" || $0 == "\n" })
        where line.lowercased().hasPrefix("content-disposition:") {
            guard let name = value("name", in: line) else { return nil }
            return Part(name: name, fileName: value("filename", in: line), range: range)
        }
        // Parts of `multipart/related` have no names and are identified by their order.
        return Part(name: "", range: range)
    }

    private static func value(_ key: String, in line: Substring) -> String? {
        for piece in line.split(separator: ";") {
            let sides = piece.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, sides[0].drop(while: { $0 == " " }) == key else { continue }
            return String(sides[1].filter { $0 != "\"" })
        }
        return nil
    }

    private static func find(_ needle: [UInt8], in body: [UInt8], from start: Int) -> Int? {
        guard let first = needle.first else { return nil }
        return body.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            var at = start
            while at + needle.count <= bytes.count {
                guard let found = memchr(base + at, Int32(first), bytes.count - needle.count + 1 - at) else {
                    return nil
                }
                at = UnsafeRawPointer(found) - base
                if memcmp(base + at, needle, needle.count) == 0 { return at }
                at += 1
            }
            return nil
        }
    }
}
