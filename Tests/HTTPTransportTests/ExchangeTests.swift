import Basics
import Dispatch
import Glibc
import HTTPTransport
import ModelAPI
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExchangeTests {
    @Test func sendsTheRequestAsItIs() async throws {
        try await withServer {
            $1.answer("{}")
        } configure: {
            $0.headers = [("Authorization", "Bearer k"), ("X-Empty", "")]
            $0.userAgent = "retort/9"
        } run: { transport, server in
            let body = Array(#"{"p":"grüße\u0000"}"#.utf8)
            let reply = try await transport.send(ModelRequest(path: "/chat/completions", body: body)).get()
            #expect(reply.status == 200)
            var iterator = server.requests.makeAsyncIterator()
            let request = try #require(await iterator.next())
            #expect(request.line == "POST /v1/chat/completions HTTP/1.1")
            #expect(request.body == body)
            #expect(request.header("authorization") == "Bearer k")
            #expect(request.header("x-empty") == "")
            #expect(request.header("user-agent") == "retort/9")
            #expect(request.header("content-type") == "application/json")
            #expect(request.header("accept-encoding")?.contains("gzip") == true)
            #expect(request.header("expect") == nil)
        }
    }

    @Test func whatHasNoBodyIsFetched() async throws {
        try await withServer { request, connection in
            connection.answer("\(request.line) \(request.body.count)")
        } run: { transport, _ in
            for _ in 0..<2 {
                try await expect(
                    "GET /v1/models HTTP/1.1 0", from: transport, to: ModelRequest(path: "/models", body: []))
                try await expect("POST /v1/x HTTP/1.1 2", from: transport, to: ModelRequest(path: "/x", body: [1, 2]))
            }
        }
    }

    @Test func aRequestMayHaveHeadersOfItsOwn() async throws {
        try await withServer { request, connection in
            connection.answer(
                "\(request.header("x-all") ?? "-") \(request.header("x-own") ?? "-") \(request.body.count)")
        } configure: {
            $0.headers = [("X-All", "a")]
        } run: { transport, _ in
            let plain = ModelRequest(path: "/x", body: [1, 2])
            var own = plain
            own.headers = [("X-Own", "b c"), ("X-Other", "d")]
            for _ in 0..<2 {
                try await expect("a b c 2", from: transport, to: own)
                try await expect("a - 2", from: transport, to: plain)
            }
        }
    }

    @Test func largeBodiesGoWithoutAskingFirst() async throws {
        try await withServer { request, connection in
            connection.answer("\(request.body.count)")
        } run: { transport, _ in
            let body = [UInt8](repeating: 0x78, count: 3_000_000)
            try await expect("3000000", from: transport, to: ModelRequest(path: "/x", body: body))
        }
    }

    @Test func givesEveryStatusWithItsBodyAndHeaders() async throws {
        try await withServer { request, connection in
            connection.answer(
                "<html>busy</html>", status: "\(request.header("x-want") ?? "?") Whatever",
                headers: ["Content-Type: text/html", "Retry-After: 3", "Server: s", "Location: /other"])
        } configure: {
            $0.headers = [("X-Want", "302")]
        } run: { transport, server in
            let reply = try await transport.send(anyRequest).get()
            #expect(reply.status == 302)
            #expect(reply.text == "<html>busy</html>")
            #expect(reply.header("retry-after") == "3")
            #expect(reply.header("server") == nil)
            #expect(reply.latency > .zero)
            #expect(transport.statistics.exchanges == 1)
        }
    }

    @Test func joinsChunksAndServerSentEvents() async throws {
        let events = ["data: {\"a\":1}\n\n", "data: [DONE]\n\n"]
        try await withServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n")
            for event in events { connection.send(String(event.utf8.count, radix: 16) + "\r\n\(event)\r\n") }
            connection.send("0\r\n\r\n")
        } run: { transport, _ in
            try await expect(events.joined(), from: transport)
        }
    }

    private final class Reader: BodyTap {
        let seen = Locked<(begun: Int, parts: [String])>((0, []))
        func began() { seen.withLock { $0.begun += 1 } }
        func received(_ bytes: UnsafeRawBufferPointer, status: Int) {
            seen.withLock { $0.parts.append("\(status) " + String(decoding: bytes, as: UTF8.self)) }
        }
    }

    @Test func aTapReadsAlong() async throws {
        let first = DispatchSemaphore(value: 0)
        try await withServer { request, connection in
            guard request.place == 1 else { return connection.answer("other") }
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\none\n\n\r\n")
            first.wait()
            connection.send("5\r\ntwo\n\n\r\n0\r\n\r\n")
        } run: { transport, _ in
            let reader = Reader()
            var request = ModelRequest(path: "/x", body: [1])
            request.tap = reader
            async let reply = transport.send(request)
            while reader.seen.withLock({ $0.parts.isEmpty }) { await Task.yield() }
            #expect(reader.seen.withLock { $0.begun == 1 && $0.parts == ["200 one\n\n"] })
            first.signal()
            #expect(try await reply.get().text == "one\n\ntwo\n\n")
            #expect(reader.seen.withLock { $0.parts.joined() } == "200 one\n\n200 two\n\n")
            try await expect("other", from: transport, to: ModelRequest(path: "/x", body: [1]))
            #expect(reader.seen.withLock { $0.begun == 1 && $0.parts.count == 2 })
        }
    }

    @Test func interimAnswersAreSkipped() async throws {
        try await withServer { _, connection in
            connection.send("HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n")
            connection.answer("done", headers: ["Retry-After-Ms: 1"])
        } run: { transport, _ in
            let reply = try await transport.send(anyRequest).get()
            #expect(reply.status == 200)
            #expect(reply.headers.map(\.name) == ["retry-after-ms"])
        }
    }

    @Test func decompresses() async throws {
        let text = String(repeating: "retort ", count: 100)
        let body = storedGzip(Array(text.utf8))
        try await withServer {
            $1.answer(body, headers: ["Content-Encoding: gzip"])
        } run: { transport, _ in
            try await expect(text, from: transport)
        }
    }

    @Test func takesEmptyBodiesAndBodiesThatEndWithTheConnection() async throws {
        try await withServer { request, connection in
            guard request.place == 2 else { return connection.answer("") }
            connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end")
            connection.finish()
        } run: { transport, _ in
            try await expect("", from: transport)
            try await expect("to the end", from: transport)
        }
    }

    @Test func keepsConnectionsAndUsesThemAgain() async throws {
        try await withServer {
            $1.answer("\($0.place)")
        } run: { transport, server in
            for place in 1...20 {
                try await expect("\(place)", from: transport)
            }
            #expect(server.connectionsAccepted == 1)
            #expect(transport.statistics.connectionsOpened == 1)
        }
    }

    @Test func manyAtOnceOverSeveralLanesNeedOneConnectionEach() async throws {
        try await withServer { request, connection in
            connection.answer(request.body)
        } configure: {
            $0.laneTransfersMax = 8
        } run: { transport, server in
            await withTaskGroup(of: Bool.self) { group in
                var started = 0
                func add() {
                    let body = Array("\(started)".utf8)
                    started += 1
                    group.addTask {
                        let request = ModelRequest(path: "/p\(body.count)", body: body)
                        return (try? await transport.send(request).get().body) == body
                    }
                }
                while started < 30 { add() }
                while let isEcho = await group.next() {
                    #expect(isEcho)
                    if started < 600 { add() }
                }
            }
            #expect(server.connectionsAccepted <= 30)
            #expect(transport.statistics.inFlight == 0)
            #expect(transport.statistics.exchanges == 600)
        }
    }

    @Test func replacesAKeptConnectionThatTheServerHasClosed() async throws {
        try await withServer { request, connection in
            connection.answer("\(request.connection)")
            connection.hangUp()
        } run: { transport, _ in
            for _ in 0..<5 { _ = try await transport.send(anyRequest).get() }
        }
    }

    @Test func goesThroughTheProxy() async throws {
        try await withServer(in: [.libcurl]) {
            $1.answer($0.line)
        } configure: { configuration in
            configuration.network.httpProxy = String(configuration.baseURL.dropLast("/v1".utf8.count))
            configuration.baseURL = "http://api.invalid/v1"
        } run: { transport, _ in
            let reply = try await transport.send(anyRequest).get()
            #expect(reply.text == "POST http://api.invalid/v1/chat/completions HTTP/1.1")
        }
    }

    @Test func leavesTheProxyAsideForTheHostsNamed() async throws {
        try await withServer {
            $1.answer("direct")
        } configure: { configuration in
            configuration.network.httpProxy = "http://127.0.0.1:1"
            configuration.network.noProxy = "127.0.0.1"
        } run: { transport, _ in
            try await expect("direct", from: transport)
        }
    }
}

/// A gzip member of one stored block (RFC 1951, 1952).
func storedGzip(_ bytes: [UInt8]) -> [UInt8] {
    func little(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }
    var crc = ~UInt32(0)
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    let length = UInt32(bytes.count)
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255] + [1] + little(length, 2) + little(~length, 2) + bytes
        + little(~crc, 4) + little(length, 4)
}
