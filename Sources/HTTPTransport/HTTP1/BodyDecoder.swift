internal import Basics
internal import Gzip

/// Decodes `Content-Encoding`.
enum BodyDecoder {
    enum Fault: Error, Equatable {
        case tooLarge
        /// Why it cannot be decompressed.
        case damaged(String)
    }

    /// `encoding` is in lower case; empty for none.
    static func decode(_ body: [UInt8], _ encoding: String, bytesMax: Int) throws(Fault) -> [UInt8] {
        if isCompressed(body) {
            switch encoding {
            case "gzip", "x-gzip": return try inflate(body, bytesMax)
            // Some gateways compress and do not say so.
            case "", "identity": return (try? inflate(body, bytesMax)) ?? body
            default: break
            }
        }
        // A label that its body does not bear out: an answer that was paid for is read all the same.
        if encoding.isEmpty || encoding == "identity" || isText(body) { return body }
        if encoding == "gzip" || encoding == "x-gzip" { return try inflate(body, bytesMax) }
        throw .damaged("it is encoded with \(encoding), which was not requested")
    }

    private static func isCompressed(_ body: [UInt8]) -> Bool { body.starts(with: [0x1F, 0x8B, 0x08]) }

    /// Whether it is empty, or its first bytes are printable or white space.
    private static func isText(_ body: [UInt8]) -> Bool {
        body.prefix(16).allSatisfy { (0x20..<0x7F).contains($0) || (0x09...0x0D).contains($0) }
    }

    private static func inflate(_ body: [UInt8], _ bytesMax: Int) throws(Fault) -> [UInt8] {
        var offset = 0
        let reader = GzipReader(name: "body") { room throws(RetortError) in
            let count = min(room.count, body.count - offset)
            body.withUnsafeBytes { room.copyMemory(from: .init(rebasing: $0[offset..<offset + count])) }
            offset += count
            return count
        }
        var text: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 16)
        defer { chunk.deallocate() }
        while true {
            let count = try read(reader, into: chunk)
            if count == 0 { return text }
            guard text.count + count <= bytesMax else { throw .tooLarge }
            text += chunk[..<count]
        }
    }

    private static func read(_ reader: GzipReader, into room: UnsafeMutableRawBufferPointer) throws(Fault) -> Int {
        do {
            return try reader.read(into: room)
        } catch {
            throw .damaged(error.cause ?? error.message)
        }
    }

    /// Decompressed at a time.
    private static let chunkBytes = 64 << 10
}
