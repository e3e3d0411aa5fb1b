internal import Basics
internal import Glibc
internal import JSONText

/// An image or a document as a part of a message: a data URL, in OpenAI's form, which the dialects translate.
enum AttachedFile {
    /// Bytes of the largest image and the largest document.
    static let imageBytesMax = 20 << 20
    static let documentBytesMax = 32 << 20

    /// The part as JSON. Throws when the file is missing, too large, or neither an image nor a PDF. Other types are
    /// refused because the row's author, who may not be the user, decides which files are sent.
    static func part(_ path: String, _ kind: Template.Attachment) throws(RowFault) -> [UInt8] {
        let limit = kind == .image ? imageBytesMax : documentBytesMax
        let bytes = try contents(path, limit, kind)
        guard let type = type(of: bytes, kind) else {
            let expected = kind == .image ? "a PNG, JPEG, GIF or WebP image" : "a PDF document"
            throw RowFault("the \(kind.rawValue) '\(shown(path))' is not \(expected)")
        }
        var part = Array(
            (kind == .image ? #"{"type":"image_url","image_url":{"url":""# : #"{"type":"file","file":{"filename":"#)
                .utf8)
        if kind == .file {
            JSONString.append(String(path.split(separator: "/").last ?? "document.pdf"), to: &part)
            part += #","file_data":""#.utf8
        }
        part += "data:\(type);base64,".utf8
        appendBase64(bytes, to: &part)
        part += #""}}"#.utf8
        return part
    }

    private static func shown(_ path: String) -> String { String(path.prefix(200)) }

    private static func contents(
        _ path: String, _ limit: Int, _ kind: Template.Attachment
    ) throws(RowFault) -> [UInt8] {
        let name = "the \(kind.rawValue) '\(shown(path))'"
        guard !path.isEmpty, !path.utf8.contains(0) else { throw RowFault("\(name) is not a path") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw RowFault("\(name) cannot be read", cause: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw RowFault("\(name) is not a regular file")
        }
        let size = Int(status.st_size)
        guard size <= limit else {
            throw RowFault(
                "\(name) is larger than \(limit >> 20) MiB", cause: "it has \(size) bytes", remedy: "Scale it down.")
        }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: max(size, 1)) { buffer, filled in
            while filled < size {
                let count = pread(descriptor, buffer.baseAddress! + filled, size - filled, off_t(filled))
                if count > 0 {
                    filled += count
                } else if count == 0 {
                    break
                } else if errno != EINTR {
                    failure = errno
                    break
                }
            }
        }
        guard failure == 0 else { throw RowFault("\(name) cannot be read", cause: String(cString: strerror(failure))) }
        return bytes
    }

    private static func type(of bytes: [UInt8], _ kind: Template.Attachment) -> String? {
        if kind == .file { return bytes.starts(with: "%PDF-".utf8) ? "application/pdf" : nil }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "image/png" }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if bytes.starts(with: "GIF8".utf8) { return "image/gif" }
        return bytes.starts(with: "RIFF".utf8) && bytes.dropFirst(8).starts(with: "WEBP".utf8) ? "image/webp" : nil
    }

    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func appendBase64(_ bytes: [UInt8], to output: inout [UInt8]) {
        output.reserveCapacity(output.count + (bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for byte in group { word = word << 8 | UInt32(byte) }
            word <<= UInt32(3 - group.count) * 8
            for index in 0..<4 {
                let letter = letters[Int(word >> UInt32(18 - 6 * index) & 63)]
                output.append(index <= group.count ? letter : UInt8(ascii: "="))
            }
        }
    }
}
