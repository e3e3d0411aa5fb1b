import Glibc

/// An answer that a hostile or broken server may send, written for a request whose body is a number in decimal.
enum HostileForm: String, CaseIterable {
    // Status lines.
    case statusOfHTTP2, statusOfNoVersion, statusOfNoNumber, statusOfTwoDigits, statusMissing, statusEndless, notHTTP
    // Header sections.
    case foldedFirst, foldedFirstByTab, headerWithoutColon, nulInName, headersEndless, valueEndless, nameEndless
    // Lengths and chunks.
    case twoLengths, lengthNegative, lengthHuge, lengthOfLetters, lengthEmpty
    case chunkOfLetters, chunkHuge, chunkNegative, extensionEndless, trailersEndless, lastChunkEndless
    // Interim answers.
    case interimEndless, switchingProtocols
    // Ends at each position.
    case endsAtOnce, endsInStatus, endsInHeaders, endsInBody, endsInChunk, endsBeforeLastChunk, resets
    // Bodies.
    case gzipCut, gzipBomb, unknownEncoding, tooLarge
    // Good answers in unusual forms.
    case notGzip, notBrotli, lengthAndChunks, withoutLength, oddValue, extensions, trailers, someInterim, oneByteEach,
        version10

    /// Whether it contains the request's own answer.
    var isGood: Bool {
        switch self {
        case .notGzip, .notBrotli, .lengthAndChunks, .withoutLength, .oddValue, .extensions, .trailers, .someInterim,
            .oneByteEach, .version10:
            true
        default: false
        }
    }

    /// The limit of the transport under test.
    static let bodyBytesMax = 1 << 20

    func send(to connection: ScriptedServer.Connection, _ body: String) {
        let plain = "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let chunk = "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n"
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        switch self {
        case .statusOfHTTP2: connection.send("HTTP/2 200\r\n\(plain)")
        case .statusOfNoVersion: connection.send("HTTP/ 200 OK\r\n\(plain)")
        case .statusOfNoNumber: connection.send("HTTP/1.1 OK\r\n\(plain)")
        case .statusOfTwoDigits: connection.send("HTTP/1.1 20\r\n\(plain)")
        case .statusMissing: connection.send(plain)
        case .statusEndless: endless("HTTP/1.1 200 ", "x", connection)
        case .notHTTP:
            connection.send("SSH-2.0-OpenSSH_9.2\r\n")
            connection.finish()
        case .foldedFirst: connection.send("HTTP/1.1 200 OK\r\n X: y\r\n\(plain)")
        case .foldedFirstByTab: connection.send("HTTP/1.1 200 OK\r\n\tX: y\r\n\(plain)")
        case .headerWithoutColon: connection.send("HTTP/1.1 200 OK\r\nno colon here\r\n\(plain)")
        case .nulInName: connection.send("HTTP/1.1 200 OK\r\nX\0: y\r\n\(plain)")
        case .headersEndless: endless("HTTP/1.1 200 OK\r\n", "X-Header: some value\r\n", connection)
        case .valueEndless: endless("HTTP/1.1 200 OK\r\nX-RateLimit-Limit: ", "1", connection)
        case .nameEndless: endless("HTTP/1.1 200 OK\r\nX-RateLimit-", "L", connection)
        case .twoLengths: connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\(plain)")
        case .lengthNegative: connection.send("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n\(body)")
        case .lengthHuge: connection.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n\(body)")
        case .lengthOfLetters: connection.send("HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n\(body)")
        case .lengthEmpty: connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5 6\r\n\r\n\(body)")
        default: sendMore(to: connection, body, plain: plain, chunk: chunk, chunked: chunked)
        }
    }

    private func sendMore(
        to connection: ScriptedServer.Connection, _ body: String, plain: String, chunk: String, chunked: String
    ) {
        switch self {
        case .chunkOfLetters: connection.send(chunked + "xyz\r\n\(body)\r\n0\r\n\r\n")
        case .chunkHuge: connection.send(chunked + "fffffffffffffffff\r\n\(body)\r\n0\r\n\r\n")
        case .chunkNegative: connection.send(chunked + "-5\r\n\(body)\r\n0\r\n\r\n")
        case .extensionEndless: endless(chunked + "5;", "x", connection)
        case .trailersEndless: endless(chunked + chunk + "0\r\n", "X-Trailer: some value\r\n", connection)
        case .lastChunkEndless: endless(chunked + chunk, "0", connection)
        case .interimEndless: endless("", "HTTP/1.1 102 Processing\r\n\r\n", connection)
        case .switchingProtocols: ending("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes", connection)
        case .endsAtOnce: connection.finish()
        case .endsInStatus: ending("HTTP/1.1 2", connection)
        case .endsInHeaders: ending("HTTP/1.1 200 OK\r\nContent-Le", connection)
        case .endsInBody: ending("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n\(body)", connection)
        case .endsInChunk: ending(chunked + "500\r\n\(body)", connection)
        case .endsBeforeLastChunk: ending(chunked + chunk, connection)
        case .resets:
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n\(body)")
            connection.reset()
        case .notGzip: connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\(plain)")
        case .gzipCut: sendGzip(Array(storedGzip(Array(body.utf8)).dropLast(9)), connection)
        case .gzipBomb: sendGzip(HostileForm.bomb, connection)
        case .unknownEncoding:
            connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\n\u{1}\u{2}\u{3}\u{4}")
        case .notBrotli: connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\(plain)")
        case .tooLarge: endless("HTTP/1.1 200 OK\r\n\r\n", body, connection)
        case .lengthAndChunks:
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.send(head + chunk + "0\r\n\r\n")
        case .withoutLength: ending("HTTP/1.0 200 OK\r\nX: y\r\n\r\n\(body)", connection)
        case .oddValue: connection.send("HTTP/1.1 200 OK\r\nX: y\u{80}z\r\n\(plain)")
        case .extensions:
            let size = String(body.utf8.count, radix: 16)
            connection.send(chunked + "\(size);name=value\r\n\(body)\r\n0;last\r\n\r\n")
        case .trailers: connection.send(chunked + chunk + "0\r\nX-Trailer: y\r\nContent-Length: 3\r\n\r\n")
        case .someInterim:
            for _ in 0..<20 { connection.send("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n") }
            connection.send("HTTP/1.1 200 OK\r\n\(plain)")
        case .oneByteEach: for byte in "HTTP/1.1 200 OK\r\n\(plain)".utf8 { connection.send([byte]) }
        default: ending("HTTP/1.0 200 OK\r\n\(plain)", connection)
        }
    }

    private func endless(_ start: String, _ piece: String, _ connection: ScriptedServer.Connection) {
        connection.send(start)
        connection.sendEndlessly(piece)
    }

    private func ending(_ text: String, _ connection: ScriptedServer.Connection) {
        connection.send(text)
        connection.finish()
    }

    private func sendGzip(_ bytes: [UInt8], _ connection: ScriptedServer.Connection) {
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(bytes.count)\r\n\r\n"
        connection.send(Array(head.utf8) + bytes)
    }

    /// 50 MB of zeros in 300 KB: a block of fixed codes, one literal and then copies of 258 bytes (RFC 1951, 3.2.6).
    private static let bomb: [UInt8] = {
        var bits: [UInt8] = []
        func append(_ value: Int, _ count: Int, isCode: Bool) {
            for place in 0..<count { bits.append(UInt8(value >> (isCode ? count - 1 - place : place) & 1)) }
        }
        append(1, 1, isCode: false)
        append(1, 2, isCode: false)
        append(0b0011_0000, 8, isCode: true)
        for _ in 0..<(50_000_000 / 258) {
            append(0b1100_0101, 8, isCode: true)
            append(0, 5, isCode: true)
        }
        append(0, 7, isCode: true)
        var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        for start in stride(from: 0, to: bits.count, by: 8) {
            var byte: UInt8 = 0
            for (place, bit) in bits[start..<min(start + 8, bits.count)].enumerated() { byte |= bit << UInt8(place) }
            bytes.append(byte)
        }
        return bytes + [UInt8](repeating: 0, count: 8)
    }()
}
