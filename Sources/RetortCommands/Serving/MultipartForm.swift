/// A body of `multipart/form-data` (RFC 7578), as far as uploads need it: the parts' names, file names and contents.
struct MultipartForm {
    struct Part {
        var name: String
        var fileName: String?
        var content: ArraySlice<UInt8>
    }

    private(set) var parts: [Part] = []

    static let partsMax = 64
    private static let headBytesMax = 16 << 10

    /// Nil for what is no form of that kind, or breaks off.
    init?(_ body: [UInt8], contentType: String?) {
        guard let boundary = contentType.flatMap(Self.boundary) else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        guard var at = Self.place(of: delimiter, in: body, from: 0) else { return nil }
        at += delimiter.count
        while !body[at...].starts(with: "--".utf8) {
            guard parts.count < Self.partsMax, body[at...].starts(with: [0x0D, 0x0A]) else { return nil }
            let headStart = at + 2
            guard let headEnd = Self.place(of: [0x0D, 0x0A, 0x0D, 0x0A], in: body, from: at),
                headEnd - at <= Self.headBytesMax,
                let end = Self.place(of: [0x0D, 0x0A] + delimiter, in: body, from: headEnd + 2)
            else { return nil }
            let head = headStart <= headEnd ? String(decoding: body[headStart..<headEnd], as: UTF8.self) : ""
            let contentStart = min(headEnd + 4, end)
            if let part = Self.part(head, body[contentStart..<max(contentStart, end)]) { parts.append(part) }
            at = end + 2 + delimiter.count
        }
    }

    func part(_ name: String) -> Part? { parts.first { $0.name == name } }

    private static func boundary(_ contentType: String) -> String? {
        guard contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
        let text = parameter("boundary", of: contentType)
        return text.flatMap { (1...200).contains($0.utf8.count) ? $0 : nil }
    }

    private static func part(_ head: String, _ content: ArraySlice<UInt8>) -> Part? {
        let lines = head.split(whereSeparator: \.isNewline)
        guard let line = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
            let name = parameter("name", of: String(line))
        else { return nil }
        return Part(name: name, fileName: parameter("filename", of: String(line)), content: content)
    }

    /// `name=value` or `name="value"` behind a semicolon.
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

    private static func place(of needle: [UInt8], in body: [UInt8], from start: Int) -> Int? {
        guard body.count >= needle.count else { return nil }
        return body.withUnsafeBufferPointer { body in
            var at = max(0, start)
            while at <= body.count - needle.count {
                if body[at] == needle[0], body[at..<(at + needle.count)].elementsEqual(needle) { return at }
                at += 1
            }
            return nil
        }
    }
}
