import Glibc

/// A `multipart/form-data` body (RFC 7578), as far as uploads need it: the parts' names, file names and contents.
package struct MultipartForm {
    package struct Part {
        package var name: String
        package var fileName: String?
        package var content: ArraySlice<UInt8>
    }

    package private(set) var parts: [Part] = []

    package static let partsMax = 64
    private static let headBytesMax = 16 << 10

    /// Nil if the body is not such a form, or is truncated.
    package init?(_ body: [UInt8], contentType: String?) {
        guard let boundary = contentType.flatMap(Self.boundary) else { return nil }
        // A delimiter starts on a new line; the first one may start the body.
        let delimiter = Array("\r\n--\(boundary)".utf8)
        var at = delimiter.count - 2
        if !body.starts(with: delimiter.dropFirst(2)) {
            guard let first = Self.place(of: delimiter, in: body, from: 0) else { return nil }
            at = first + delimiter.count
        }
        while !body[at...].starts(with: "--".utf8) {
            guard parts.count < Self.partsMax, body[at...].starts(with: [0x0D, 0x0A]) else { return nil }
            let headStart = at + 2
            let headPart = body[at...].prefix(Self.headBytesMax + 4)
            guard let headEnd = Self.place(of: [0x0D, 0x0A, 0x0D, 0x0A], in: headPart, from: at),
                let end = Self.place(of: delimiter, in: body, from: headEnd + 2)
            else { return nil }
            let head = headStart <= headEnd ? String(decoding: body[headStart..<headEnd], as: UTF8.self) : ""
            let contentStart = min(headEnd + 4, end)
            if let part = Self.part(head, body[contentStart..<max(contentStart, end)]) { parts.append(part) }
            at = end + delimiter.count
        }
    }

    package func part(_ name: String) -> Part? { parts.first { $0.name == name } }

    private static func boundary(_ contentType: String) -> String? {
        guard contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
        let text = parameter("boundary", of: contentType)
        return text.flatMap { text in
            // With a line break inside, the search would not be linear.
            (1...200).contains(text.utf8.count) && !text.utf8.contains(0x0D) ? text : nil
        }
    }

    private static func part(_ head: String, _ content: ArraySlice<UInt8>) -> Part? {
        let lines = head.split(whereSeparator: \.isNewline)
        guard let line = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
            let name = parameter("name", of: String(line))
        else { return nil }
        return Part(name: name, fileName: parameter("filename", of: String(line)), content: content)
    }

    /// `name=value` or `name="value"` after a semicolon.
    private static func parameter(_ name: String, of header: String) -> String? {
        for piece in header.split(separator: ";").dropFirst() {
            let pair = piece.split(separator: "=", maxSplits: 1)
            let key = pair.first.map { $0.filter { $0 != " " }.lowercased() }
            guard key == name, pair.count == 2 else { continue }
            var value = pair[1][...]
            while value.last == " " { value.removeLast() }
            if value.hasPrefix("\""), value.hasSuffix("\""), value.count >= 2 { value = value.dropFirst().dropLast() }
            return String(value)
        }
        return nil
    }

    /// The position of a text that begins with a line break. Only line breaks are compared.
    private static func place(of needle: [UInt8], in body: ArraySlice<UInt8>, from start: Int) -> Int? {
        let offset = body.startIndex
        return body.withUnsafeBufferPointer { body -> Int? in
            guard let base = body.baseAddress else { return nil }
            var at = max(0, start - offset)
            while at <= body.count - needle.count, let found = memchr(base + at, 0x0D, body.count - at) {
                at = UnsafeRawPointer(found) - UnsafeRawPointer(base)
                if at <= body.count - needle.count, memcmp(base + at, needle, needle.count) == 0 { return at + offset }
                at += 1
            }
            return nil
        }
    }

    private static func place(of needle: [UInt8], in body: [UInt8], from start: Int) -> Int? {
        place(of: needle, in: body[...], from: start)
    }
}
