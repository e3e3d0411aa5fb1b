import Testing

@testable import HTTPTransport

@Suite struct ResponseReaderTests {
    private typealias Outcome = ResponseReader.Outcome

    /// The result for the last piece, when the text arrives in pieces of `size` bytes.
    private func read(_ text: String, in size: Int, _ reader: ResponseReader) -> Outcome {
        reader.begin()
        return feed(text, in: size, reader)
    }

    private func feed(_ text: String, in size: Int, _ reader: ResponseReader) -> Outcome {
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let outcome = bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { reader.read($0) }
            if outcome != .more { return outcome }
        }
        return .more
    }

    private func body(_ reader: ResponseReader) throws -> String {
        String(decoding: try reader.takeBody(), as: UTF8.self)
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func readsAnAnswerHoweverItComes(size: Int) throws {
        let reader = ResponseReader(bodyBytesMax: 100)
        let text =
            "HTTP/1.1 429 Slow Down\r\nServer: s\r\nRetry-After:  7 \r\ndate: d\r\nContent-Length: 5\r\n"
            + "X-RateLimit-Remaining-Tokens: 9\r\nX-Empty:\r\nRetry-After-Ms:\r\n\r\nhello"
        for _ in 0..<2 {
            #expect(read(text, in: size, reader) == .complete(isKept: true, rest: 0))
            #expect(reader.status == 429)
            #expect(try body(reader) == "hello")
            #expect(
                reader.takeHeaders().map { "\($0.name)=\($0.value)" }
                    == ["retry-after=7", "x-ratelimit-remaining-tokens=9", "retry-after-ms=", "date=d"])
        }
    }

    @Test(arguments: [1, 1000])
    func readsChunksWithTrailersAndALengthBesideThem(size: Int) throws {
        let reader = ResponseReader(bodyBytesMax: 100)
        let text =
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nDate: late\r\n\r\n"
        #expect(read(text, in: size, reader) == .complete(isKept: true, rest: 0))
        #expect(try body(reader) == "hello!")
    }

    @Test(arguments: [1, 1000])
    func skipsInterimAnswers(size: Int) throws {
        let reader = ResponseReader(bodyBytesMax: 100)
        let text =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n"
            + "HTTP/1.1 204 No Content\r\nRetry-After-Ms: 1\r\n\r\n"
        #expect(read(text, in: size, reader) == .complete(isKept: true, rest: 0))
        #expect(reader.status == 204)
        #expect(try body(reader) == "")
        #expect(reader.takeHeaders().map(\.name) == ["retry-after-ms"])
    }

    @Test(arguments: ["204 No Content", "304 Not Modified"]) func someHaveNoBodyWhateverTheySay(status: String) throws {
        let reader = ResponseReader(bodyBytesMax: 100)
        for framing in ["Content-Length: 5", "Transfer-Encoding: chunked", "Server: s"] {
            #expect(read("HTTP/1.1 \(status)\r\n\(framing)\r\n\r\n", in: 9, reader) == .complete(isKept: true, rest: 0))
            #expect(try body(reader) == "")
        }
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true),
        ])
    func tellsWhetherTheConnectionMayStay(text: String, isKept: Bool) throws {
        let reader = ResponseReader(bodyBytesMax: 100)
        #expect(read(text, in: 1000, reader) == .complete(isKept: isKept, rest: 0))
        #expect(try body(reader) == "ok")
    }

    @Test func tellsHowMuchIsBehindTheEnd() throws {
        let reader = ResponseReader(bodyBytesMax: 100)
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more"
        #expect(read(text, in: 1000, reader) == .complete(isKept: true, rest: 9))
        #expect(try body(reader) == "ok")
    }

    @Test func anEndThatTLSDoesNotProveIsNone() {
        let reader = ResponseReader(bodyBytesMax: 100)
        _ = read("HTTP/1.1 200 OK\r\n\r\nhalf", in: 1000, reader)
        guard case .cut = reader.end(isProven: false) else {
            Issue.record("a truncated answer was taken for a whole one")
            return
        }
    }

    @Test func takesABodyThatEndsWithTheConnection() throws {
        let reader = ResponseReader(bodyBytesMax: 100)
        #expect(read("HTTP/1.1 200 OK\r\n\r\nto the ", in: 3, reader) == .more)
        #expect(feed("end", in: 3, reader) == .more)
        #expect(reader.end() == .complete(isKept: false, rest: 0))
        #expect(try body(reader) == "to the end")
    }

    @Test(
        arguments: [
            ("", Outcome.nothing),
            ("HTTP/1.1 200", .cut("its headers are not complete")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .cut("6 bytes are missing")),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", .cut("its last chunk is missing")),
        ])
    private func tellsWhereAnAnswerWasCut(text: String, outcome: Outcome) {
        let reader = ResponseReader(bodyBytesMax: 100)
        #expect(read(text, in: 1000, reader) == .more)
        #expect(reader.end() == outcome)
    }

    @Test(
        arguments: [
            "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 2xx OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551614\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nDate: " + String(repeating: "d", count: 200_000),
        ])
    func whatIsNotHTTP(text: String) {
        let reader = ResponseReader(bodyBytesMax: 100)
        guard case .malformed(let words) = read(text, in: 4096, reader) else {
            Issue.record("it was taken for HTTP: \(text.prefix(60))")
            return
        }
        #expect(words.hasPrefix("not HTTP: "))
    }

    @Test(
        arguments: [
            "Content-Length: 101\r\n\r\n", "Content-Length: 1844674407370955160\r\n\r\n",
            "Connection: close\r\n\r\n" + String(repeating: "x", count: 101),
            "Transfer-Encoding: chunked\r\n\r\n65\r\n" + String(repeating: "x", count: 101),
        ])
    func stopsAtTheLimit(rest: String) {
        let reader = ResponseReader(bodyBytesMax: 100)
        #expect(read("HTTP/1.1 200 OK\r\n" + rest, in: 50, reader) == .tooLarge)
        // The next answer is not affected.
        let good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        #expect(read(good, in: 50, reader) == .complete(isKept: true, rest: 0))
    }
}

@Suite struct BodyDecoderTests {
    private func decode(_ body: [UInt8], _ encoding: String, bytesMax: Int = 100) throws(BodyDecoder.Fault) -> String {
        String(decoding: try BodyDecoder.decode(body, encoding, bytesMax: bytesMax), as: UTF8.self)
    }

    @Test func undoesGzipAndNothing() throws {
        let packed = storedGzip(Array("hello".utf8))
        #expect(try decode(packed, "gzip") == "hello")
        #expect(try decode(packed + packed, "x-gzip") == "hellohello")
        #expect(try decode(Array("plain".utf8), "") == "plain")
        #expect(try decode(Array("plain".utf8), "identity") == "plain")
        #expect(try decode([], "gzip") == "")
    }

    @Test(arguments: ["gzip", "x-gzip", "br", "zstd", "deflate", "gzip, gzip"])
    func readsATextThatIsNotCompressedAsItsLabelSays(encoding: String) throws {
        #expect(try decode(Array(#"{"choices":[]}"#.utf8), encoding) == #"{"choices":[]}"#)
    }

    @Test func readsWhatIsCompressedWithoutALabel() throws {
        let packed = storedGzip(Array("hello".utf8))
        #expect(try decode(packed, "") == "hello")
        #expect(try decode(packed, "identity") == "hello")
        #expect(try BodyDecoder.decode(Array(packed.dropLast(3)), "", bytesMax: 100) == Array(packed.dropLast(3)))
    }

    @Test func refusesWhatIsTooLargeDamagedOrUnknown() {
        #expect(throws: BodyDecoder.Fault.tooLarge) {
            try decode(storedGzip([UInt8](repeating: 0, count: 101)), "gzip")
        }
        let packed = storedGzip(Array("hello".utf8))
        for damaged in [
            Array("\u{1}not gzip at all".utf8), Array(packed.dropLast(3)), Array(packed.dropLast()) + [0xFF],
        ] {
            guard case .damaged = #expect(throws: BodyDecoder.Fault.self, performing: { try decode(damaged, "gzip") })
            else {
                Issue.record("it was taken for gzip")
                continue
            }
        }
        #expect(throws: BodyDecoder.Fault.damaged("it is encoded with br, which was not requested")) {
            try decode([1], "br")
        }
    }
}

@Suite struct RequestHeadTests {
    private func head(
        _ baseURL: String, _ headers: [(name: String, value: String)] = [], path: String = "/x", bodyBytes: Int = 120
    ) throws -> [String] {
        let configuration = HTTPTransport.Configuration(baseURL: baseURL, headers: headers, userAgent: "retort/9")
        var head = RequestHead(configuration, try BaseURL(baseURL))
        var bytes = Array("before".utf8)
        head.write(path: path, bodyBytes: bodyBytes, to: &bytes)
        let text = String(decoding: bytes.dropFirst("before".utf8.count), as: UTF8.self)
        #expect(text.hasSuffix("\r\n\r\n"))
        return text.split(separator: "\r\n").map(String.init)
    }

    @Test func writesALineAndTheHeaders() throws {
        #expect(
            try head("http://127.0.0.1:8000/v1/", [("Authorization", "Bearer k"), ("X-Empty", "")])
                == [
                    "POST /v1/x HTTP/1.1", "Host: 127.0.0.1:8000", "Accept: */*", "User-Agent: retort/9",
                    "Accept-Encoding: gzip", "Content-Type: application/json", "Authorization: Bearer k", "X-Empty:",
                    "Content-Length: 120",
                ])
    }

    @Test func namesThePortOnlyWhereItIsNotTheSchemesOwn() throws {
        #expect(try head("http://models")[1] == "Host: models")
        #expect(try head("http://models:80")[1] == "Host: models")
        #expect(try head("http://[::1]:8080/v1")[1] == "Host: [::1]:8080")
    }

    @Test func keepsTheQueryBehindThePath() throws {
        #expect(
            try head("http://h/openai?api-version=1", path: "/chat")[0] == "POST /openai/chat?api-version=1 HTTP/1.1")
    }

    @Test func aCallersHeaderTakesThePlaceOfOurs() throws {
        let lines = try head("http://h", [("host", "other"), ("ACCEPT", "text/plain"), ("user-agent", "u")])
        #expect(
            lines.dropFirst() == [
                "Accept-Encoding: gzip", "Content-Type: application/json", "host: other", "ACCEPT: text/plain",
                "user-agent: u", "Content-Length: 120",
            ])
    }

    @Test func writesNothingForWhatIsNoPath() throws {
        let configuration = HTTPTransport.Configuration(baseURL: "http://h")
        var head = RequestHead(configuration, try BaseURL("http://h"))
        var bytes: [UInt8] = []
        head.write(path: "/a b", bodyBytes: 1, to: &bytes)
        #expect(bytes.isEmpty)
    }

    @Test(arguments: [0, 9, 10, 1_234_567_890_123]) func writesEveryLength(bodyBytes: Int) throws {
        #expect(try head("http://h", bodyBytes: bodyBytes).last == "Content-Length: \(bodyBytes)")
    }
}

@Suite struct RouteChoiceTests {
    private func isOurs(_ baseURL: String, _ configure: (inout HTTPTransport.Configuration) -> Void = { _ in }) throws
        -> Bool
    {
        var configuration = HTTPTransport.Configuration(baseURL: baseURL)
        configure(&configuration)
        return configuration.isOurs(try BaseURL(baseURL))
    }

    @Test func leavesToLibcurlWhatOnlyItCanDo() throws {
        #expect(try isOurs("http://127.0.0.1:8000/v1"))
        #expect(try isOurs("https://api.example.com/v1"))
        #expect(try isOurs("https://[::1]:8443/v1"))
        #expect(try !isOurs("https://[fe80::1%25lo]:8000/v1"))
        #expect(try isOurs("https://h") { $0.network.httpsProxy = "http://proxy:3128" })
        #expect(try isOurs("https://h") { $0.network.httpsProxy = "socks5h://proxy:1080" })
        #expect(try !isOurs("https://h") { $0.network.httpsProxy = "HTTPS://proxy:3128" })
        #expect(try !isOurs("http://bücher.example/v1"))
        #expect(try !isOurs("http://h") { $0.network.httpProxy = "http://proxy:3128" })
        #expect(try isOurs("http://h") { $0.network.httpsProxy = "http://proxy:3128" })
        #expect(try !isOurs("http://h") { $0.headers = [("connection", "close")] })
        #expect(try !isOurs("http://h") { $0.usesLibcurlOnly = true })
    }
}
