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
        switch encoding {
        case "", "identity": return body
        // An empty compressed body is empty, not damaged.
        case "gzip", "x-gzip": return body.isEmpty ? [] : try inflate(body, bytesMax)
        default: throw .damaged("it is encoded with \(encoding), which was not requested")
        }
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
