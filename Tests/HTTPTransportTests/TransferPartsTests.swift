import Basics
import ModelAPI
import Testing

@testable import HTTPTransport

@Suite struct ResponseHeadersTests {
    private func read(_ lines: [String]) -> [String] {
        var headers = ResponseHeaders()
        for line in lines { Array((line + "\r\n").utf8).withUnsafeBufferPointer { _ = headers.read($0) } }
        return headers.take().map { "\($0.name)=\($0.value)" }
    }

    @Test func keepsWhatMattersInLowerCase() {
        #expect(
            read([
                "HTTP/1.1 200 OK", "Content-Type: application/json; charset=utf-8",
                "DATE:Mon, 01 Jan 2024 00:00:00 GMT",
                "Retry-After:  7  ", "retry-after-ms: 12", "X-Request-ID: a:b", "X-RateLimit-Remaining-Tokens: 9",
                "Anthropic-RateLimit-Requests-Reset: z", "Set-Cookie: c", "Content-Length: 3", "Content-Typed: no",
                "X-RateLimit-: no", "Connection: close", "", "no colon", "date", "retry-after:",
            ]) == [
                "retry-after=7",
                "retry-after-ms=12", "x-ratelimit-remaining-tokens=9", "anthropic-ratelimit-requests-reset=z",
                "retry-after=", "date=Mon, 01 Jan 2024 00:00:00 GMT",
            ])
    }

    @Test func forgetsInterimAnswers() {
        let lines = ["HTTP/1.1 103 Early Hints", "retry-after: 9", "date: d", "", "HTTP/2 200", "retry-after-ms: 8"]
        #expect(read(lines) == ["retry-after-ms=8"])
    }

    @Test func aDateAloneMattersToNobody() {
        #expect(read(["HTTP/1.1 200 OK", "date: d"]) == [])
    }

    @Test func keepsALimitedNumberAndLength() {
        let many = read((0..<200).map { "x-ratelimit-\($0): 1" })
        #expect(many.count == ResponseHeaders.keptMax)
        let long = read(["retry-after: " + String(repeating: "9", count: 99_999)])
        #expect(long[0].utf8.count == "retry-after=".utf8.count + ResponseHeaders.valueBytesMax)
    }
}

@Suite struct BodyBufferTests {
    @Test func growsAndHandsOverCopies() {
        var buffer = BodyBuffer()
        var expected: [UInt8] = []
        for round in 0..<300 {
            let piece = (0..<round).map { UInt8(truncatingIfNeeded: $0 &* round) }
            piece.withUnsafeBytes { buffer.append($0) }
            expected += piece
        }
        #expect(buffer.count == expected.count)
        #expect(buffer.take() == expected)
        #expect(buffer.take() == [])
        [UInt8]("again".utf8).withUnsafeBytes { buffer.append($0) }
        #expect(buffer.take() == Array("again".utf8))
    }
}

@Suite struct ProgressTests {
    private let timeouts = HTTPTransport.Timeouts(
        connect: .seconds(1), firstByte: .seconds(10), stalled: .seconds(3), total: .seconds(20))

    private func overdue(at second: Double, lastByte: Double?) -> ExchangeProgress.Overdue? {
        let zero = Instant(nanoseconds: 5)
        let progress = ExchangeProgress(started: zero, lastByte: lastByte.map { zero + .seconds($0) })
        return progress.overdue(zero + .seconds(second), timeouts)
    }

    @Test func tellsWhatTookTooLong() {
        #expect(overdue(at: 9.9, lastByte: nil) == nil)
        #expect(overdue(at: 10, lastByte: nil) == .firstByte)
        #expect(overdue(at: 12, lastByte: 9.5) == nil)
        #expect(overdue(at: 12.5, lastByte: 9.5) == .stalled)
        #expect(overdue(at: 20, lastByte: 19.9) == .total)
        #expect(overdue(at: 20, lastByte: nil) == .total)
    }

    @Test func looksOftenEnoughAndNotTooOften() {
        #expect(timeouts.sweepInterval == .milliseconds(375))
        #expect(HTTPTransport.Timeouts().sweepInterval == .seconds(1))
    }
}

@Suite struct CurlReportTests {
    @Test(
        arguments: [
            (6, "", .unresolved), (5, "", .unresolved), (7, "", .connection), (28, "", .timeout), (52, "", .connection),
            (18, "", .connection),
            (60, "", .tls), (77, "", .tls), (63, "", .tooLarge), (8, "", .malformed), (61, "", .malformed),
            (1, "Received HTTP/0.9 when not allowed", .malformed), (92, "", .connection), (42, "", .cancelled),
            (56, "Recv failure: Connection reset by peer", .connection),
            (56, "Malformed encoding found in chunked-encoding", .malformed),
            (35, "error:0A00010B:SSL routines::wrong version number", .tls),
            (35, "OpenSSL SSL_connect: Connection reset by peer in connection to h:443", .connection),
            (35, "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to h:443", .connection),
        ] as [(UInt32, String, TransportFailure.Kind)])
    func mapsCurlsCodes(code: UInt32, words: String, kind: TransportFailure.Kind) {
        #expect(CurlReport(number: code, words: words).kind == kind)
    }
}
