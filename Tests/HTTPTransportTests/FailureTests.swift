import Basics
import Glibc
import HTTPTransport
import ModelAPI
import Testing

@Suite(.timeLimit(.minutes(1))) struct FailureTests {
    /// The failures of one exchange, on both routes.
    private func failures(
        _ configure: (inout HTTPTransport.Configuration) -> Void = { _ in }, _ script: @escaping ScriptedServer.Script
    ) async throws -> [TransportFailure] {
        var failures: [TransportFailure] = []
        try await withServer(script, configure: configure) { transport, _ in
            let result = await transport.send(anyRequest)
            #expect(transport.statistics.inFlight == 0)
            failures.append(try #require(result.failure))
        }
        return failures
    }

    @Test func connectionRefused() async throws {
        let (socket, port) = listenOnLoopback()
        close(socket)
        try await withTransport(.init(baseURL: "http://127.0.0.1:\(port)")) { transport, _ in
            let failure = try #require(await transport.send(anyRequest).failure)
            #expect(failure.kind == .connection)
            #expect(failure.message == "127.0.0.1:\(port): could not connect: Connection refused")
        }
    }

    @Test func unknownHost() async throws {
        try await withTransport(.init(baseURL: "http://nosuchhost.invalid")) { transport, _ in
            let failure = try #require(await transport.send(anyRequest).failure)
            #expect(failure.kind == .unresolved)
            #expect(failure.message == "nosuchhost.invalid:80: could not resolve host")
        }
    }

    /// libcurl looks up such a name on a thread, and is notified through a socket of its own.
    @Test(.enabled(if: nameOfLoopback != nil), arguments: [false, true])
    func aNameThatIsLookedUp(usesLibcurlOnly: Bool) async throws {
        let name = try #require(nameOfLoopback)
        let server = ScriptedServer {
            $1.answer($0.header("host") ?? "")
            $1.hangUp()
        }
        defer { server.stop() }
        for _ in 0..<3 {
            var configuration = HTTPTransport.Configuration(baseURL: "http://\(name):\(server.port)")
            configuration.usesLibcurlOnly = usesLibcurlOnly
            configuration.timeouts.total = .seconds(20)
            try await withTransport(configuration) { transport, _ in
                for _ in 0..<5 { try await expect("\(name):\(server.port)", from: transport) }
            }
        }
    }

    @Test func closedWithoutAnAnswer() async throws {
        let failures = try await failures { $1.hangUp() }
        for failure in failures {
            #expect(failure.kind == .connection)
            #expect(failure.message.hasSuffix("the connection was closed without an answer"))
        }
    }

    @Test func resetInTheMiddle() async throws {
        let failures = try await failures { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            connection.reset()
        }
        for failure in failures {
            #expect(failure.kind == .connection)
        }
    }

    @Test func truncatedBody() async throws {
        let failures = try await failures { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            connection.hangUp()
        }
        for failure in failures {
            #expect(failure.kind == .connection)
            #expect(failure.message.contains("in the middle of the answer"))
            #expect(failure.message.contains("96 bytes"))
        }
    }

    @Test func brokenChunks() async throws {
        let failures = try await failures { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
            connection.waitUntilClientLeaves()
        }
        for failure in failures {
            #expect(failure.kind == .malformed)
        }
    }

    @Test func notHTTPAtAll() async throws {
        let failures = try await failures { _, connection in
            connection.send("SSH-2.0-OpenSSH_9.2\r\n")
            connection.finish()
        }
        for failure in failures {
            #expect(failure.kind == .malformed)
        }
    }

    @Test func brokenCompression() async throws {
        let failures = try await failures { $1.answer("\u{1}not gzip at all", headers: ["Content-Encoding: gzip"]) }
        for failure in failures {
            #expect(failure.kind == .malformed)
            #expect(failure.message.contains("decompressed"))
        }
    }

    @Test(arguments: ["Content-Length: 2000", "Connection: close"])
    func tooLargeByItsHeaderOrByItsBytes(header: String) async throws {
        let failures = try await failures {
            $0.responseBytesMax = 1000
        } _: { _, connection in
            connection.send("HTTP/1.1 200 OK\r\n\(header)\r\n\r\n" + String(repeating: "x", count: 2000))
            connection.finish()
        }
        for failure in failures {
            #expect(failure.kind == .tooLarge)
            #expect(failure.message.hasSuffix("larger than the limit of 1000 bytes"))
        }
    }

    @Test func tooLargeOnceDecompressed() async throws {
        let body = storedGzip([UInt8](repeating: 0, count: 990))
        try await withServer {
            $1.answer(body, headers: ["Content-Encoding: gzip"])
        } configure: {
            $0.responseBytesMax = 989 + 30  // The compressed body, 1013 bytes, fits.
        } run: { transport, _ in
            let reply = try await transport.send(anyRequest).get()
            #expect(reply.body.count == 990)
        }
        let zeros = storedGzip([UInt8](repeating: 0, count: 1100))
        let failures = try await failures {
            $0.responseBytesMax = 1000
        } _: {
            $1.answer(zeros, headers: ["Content-Encoding: gzip"])
        }
        for failure in failures {
            #expect(failure.kind == .tooLarge)
        }
    }

    @Test func aPathThatIsNoneIsNotSent() async throws {
        try await withServer {
            $1.answer("")
        } run: { transport, server in
            for path in ["/a b", "/a\r\nX: y"] {
                let failure = try #require(await transport.send(ModelRequest(path: path, body: [])).failure)
                #expect(failure.kind == .malformed)
                #expect(failure.message.hasSuffix("the request's path cannot be part of an address"))
            }
            #expect(server.connectionsAccepted == 0)
            try await expect("", from: transport)
        }
    }

    // MARK: Timeouts

    @Test func noFirstByte() async throws {
        let failures = try await failures {
            $0.timeouts.firstByte = .milliseconds(40)
        } _: {
            $1.waitUntilClientLeaves()
        }
        for failure in failures {
            #expect(failure.kind == .timeout)
            #expect(failure.message.hasSuffix("no answer within 0.04 s"))
            #expect(failure.latency >= .milliseconds(40))
        }
    }

    @Test func stalledBody() async throws {
        let failures = try await failures {
            $0.timeouts.stalled = .milliseconds(40)
        } _: { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            connection.waitUntilClientLeaves()
        }
        for failure in failures {
            #expect(failure.kind == .timeout)
            #expect(failure.message.hasSuffix("the answer stopped for 0.04 s"))
        }
    }

    @Test func tooLongInAll() async throws {
        let failures = try await failures {
            $0.timeouts.total = .milliseconds(40)
        } _: {
            $1.waitUntilClientLeaves()
        }
        for failure in failures {
            #expect(failure.kind == .timeout)
            #expect(failure.message.hasSuffix("the answer was not complete within 0.04 s"))
        }
    }

    @Test func noConnection() async throws {
        // A listener with a full queue answers no handshake.
        let (socket, port) = listenOnLoopback()
        listen(socket, 0)
        defer { close(socket) }
        var configuration = HTTPTransport.Configuration(baseURL: "http://127.0.0.1:\(port)")
        configuration.timeouts.connect = .milliseconds(100)
        configuration.timeouts.firstByte = .seconds(1)
        try await withTransport(configuration) { transport, _ in
            let messages = await withTaskGroup(of: TransportFailure?.self) { group in
                for _ in 0..<4 { group.addTask { await transport.send(anyRequest).failure } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(messages.contains { $0?.message.hasSuffix("no connection within 0.1 s") == true })
            #expect(messages.allSatisfy { $0?.kind == .timeout })
        }
    }

    @Test func aFailureDoesNotSpoilTheNextExchange() async throws {
        try await withServer { request, connection in
            if request.connection % 2 == 1 {
                connection.send("HTTP/1.1 500 Oh\r\nRetry-After: 1\r\nContent-Length: 9\r\n\r\nhalf")
                connection.reset()
            } else {
                connection.answer("good", headers: ["Connection: close"])
                connection.hangUp()
            }
        } run: { transport, _ in
            for _ in 0..<4 {
                #expect(await transport.send(anyRequest).failure?.kind == .connection)
                let reply = try await transport.send(anyRequest).get()
                #expect(reply.text == "good")
                #expect(reply.headers.isEmpty)
            }
        }
    }

    @Test func noMessageHoldsAKey() async throws {
        let failures = try await failures {
            $0.headers = [("Authorization", "Bearer sk-secret")]
        } _: {
            $1.reset()
        }
        for failure in failures {
            #expect(!failure.message.contains("secret"))
        }
    }
}

/// A name other than localhost that means 127.0.0.1 in this machine's hosts file, if there is one.
private let nameOfLoopback: String? = {
    guard let file = fopen("/etc/hosts", "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let count = fread(&bytes, 1, bytes.count, file)
    for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") {
        let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
        guard words.first == "127.0.0.1" else { continue }
        if let name = words.dropFirst().first(where: { !$0.hasPrefix("localhost") }) { return String(name) }
    }
    return nil
}()
