import Basics
import Glibc
import HTTPTransport
import ModelAPI
import Testing

/// HTTP/1.1 over TLS, with servers that misbehave.
@Suite(
    .enabled(if: SecureServer.isAvailable, "nginx or openssl is not installed: TLS is not tested"),
    .timeLimit(.minutes(1)))
struct SecureHTTP1Tests {
    private func withServer(
        _ kind: ServerIdentity.Kind = .selfSigned, host: String = "127.0.0.1",
        trusting: (ServerIdentity) throws -> [String: String] = { ["SSL_CERT_FILE": $0.trusted] },
        _ script: @escaping ScriptedServer.Script = { $1.answer("ok") },
        run body: (HTTPTransport, ScriptedServer) async throws -> Void
    ) async throws {
        let identity = try ServerIdentity(kind)
        let server = ScriptedServer(as: identity, script)
        defer { server.stop() }
        var configuration = HTTPTransport.Configuration(baseURL: "https://\(host):\(server.port)/v1")
        configuration.network = HTTPTransport.Network(environment: try trusting(identity))
        configuration.timeouts.connect = patientConnect
        try await withTransport(configuration) { transport, _ in try await body(transport, server) }
    }

    private func withScript(
        _ script: @escaping ScriptedServer.Script, run body: (HTTPTransport, ScriptedServer) async throws -> Void
    ) async throws {
        try await withServer(trusting: { ["SSL_CERT_FILE": $0.trusted] }, script, run: body)
    }

    // MARK: Certificates

    private func expectRefused(_ transport: HTTPTransport, _ words: String) async throws {
        for _ in 0..<3 {
            let failure = try #require(await transport.send(anyRequest).failure)
            #expect(failure.kind == .tls)
            #expect(failure.message.contains(words), "\(failure.message)")
        }
    }

    @Test(arguments: [ServerIdentity.Kind.selfSigned, .ofAuthority])
    func acceptsWhatTheGivenFileVouchesFor(kind: ServerIdentity.Kind) async throws {
        try await withServer(kind) { transport, _ in
            for _ in 0..<3 { try await expect("ok", from: transport) }
        }
    }

    @Test func acceptsWhatTheGivenDirectoryVouchesFor() async throws {
        try await withServer(.ofAuthority) {
            try $0.hash()
            return ["SSL_CERT_DIR": $0.trustedDirectory]
        } run: { transport, _ in
            try await expect("ok", from: transport)
        }
    }

    @Test(arguments: [ServerIdentity.Kind.selfSigned, .ofAuthority])
    func refusesWhatTheSystemDoesNotKnow(kind: ServerIdentity.Kind) async throws {
        try await withServer(kind) { _ in
            [:]
        } run: { transport, _ in
            try await expectRefused(transport, "certificate")
        }
    }

    @Test(arguments: [ServerIdentity.Kind.selfSigned, .ofAuthority])
    func refusesWhatAnotherAuthorityVouchesFor(kind: ServerIdentity.Kind) async throws {
        let other = try ServerIdentity(.ofAuthority)
        try await withServer(kind) { _ in
            ["SSL_CERT_FILE": other.trusted]
        } run: { transport, _ in
            try await expectRefused(transport, "certificate")
        }
    }

    @Test func refusesOneWhoseTimeHasPassed() async throws {
        try await withServer(.expired) { transport, _ in try await expectRefused(transport, "expired") }
    }

    @Test(arguments: [ServerIdentity.Kind.selfSigned, .ofAuthority])
    func refusesOneForAnotherHost(kind: ServerIdentity.Kind) async throws {
        try await withServer(kind, host: "localhost") { transport, _ in
            try await expectRefused(transport, "localhost")
        }
    }

    @Test func aFileWithoutCertificatesIsAnErrorAtOnce() throws {
        let loop = try EventLoop()
        var configuration = HTTPTransport.Configuration(baseURL: "https://127.0.0.1:1/v1")
        configuration.network = HTTPTransport.Network(environment: ["SSL_CERT_FILE": "/dev/null"])
        #expect(throws: RetortError.self) { try HTTPTransport(configuration, on: loop) }
    }

    // MARK: Attribution

    private static func echo(_ request: ScriptedServer.Request, _ connection: ScriptedServer.Connection, _ line: String)
    {
        let body = String(decoding: request.body, as: UTF8.self)
        connection.send("\(line)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    @Test(arguments: [1, 2, 3]) func aStatusLineOfHTTP2IsNone(every: Int) async throws {
        for _ in 0..<2 {
            try await withScript { request, connection in
                let number = Int(String(decoding: request.body.dropFirst(7), as: UTF8.self)) ?? 0
                SecureHTTP1Tests.echo(
                    request, connection, number % every == 0 ? "HTTP/2 200" : "HTTP/1.1 200 OK")
            } run: { transport, _ in
                let result = await attributed(transport, count: 400, inFlight: 50)
                #expect(result.shifted == 0)
                #expect(result.good == 400 - (400 + every - 1) / every)
            }
        }
    }

    @Test func handshakesThatAnswerAtOnceShareNoConnection() async throws {
        try await withScript { request, connection in
            SecureHTTP1Tests.echo(request, connection, "HTTP/2 200")
            if request.place == 3 { connection.hangUp() }
        } run: { transport, _ in
            let result = await attributed(transport, count: 400, inFlight: 50)
            #expect(result.shifted == 0)
        }
    }

    @Test func recordsWithoutContentEndTheirConnectionOnly() async throws {
        try await withScript { request, connection in
            guard request.body == Array("flood".utf8) else { return connection.answer("ok") }
            connection.sendKeyUpdates()
        } run: { transport, _ in
            var request = anyRequest
            request.body = Array("flood".utf8)
            async let flooded = transport.send(request)
            for _ in 0..<20 { try await expect("ok", from: transport) }
            let failure = try #require(await flooded.failure)
            #expect(failure.kind == .connection)
            #expect(failure.message.contains("without content"), "\(failure.message)")
        }
    }

    @Test func someRecordsWithoutContentAreReadOver() async throws {
        try await withScript { request, connection in
            connection.sendKeyUpdates(countMax: 40)
            connection.answer("ok")
            connection.sendKeyUpdates(countMax: 40)
        } run: { transport, _ in
            for _ in 0..<5 { try await expect("ok", from: transport) }
        }
    }

    @Test(arguments: [" folded: first", "\tfolded: first", " "])
    func aHeaderSectionThatBeginsWithAFoldedLine(first: String) async throws {
        try await withScript { request, connection in
            let line = request.place.isMultiple(of: 3) ? "HTTP/1.1 200 OK\r\n\(first)" : "HTTP/1.1 200 OK\r\nX: y"
            SecureHTTP1Tests.echo(request, connection, line)
        } run: { transport, _ in
            let result = await attributed(transport, count: 900, inFlight: 8)
            #expect(result.shifted == 0)
            #expect(result.good >= 400)
        }
    }

    @Test func aFoldedLineBehindInterimAnswers() async throws {
        try await withScript { request, connection in
            connection.send("HTTP/1.1 103 Early Hints\r\nX: \(String(repeating: "y", count: 200))\r\n\r\n")
            SecureHTTP1Tests.echo(request, connection, "HTTP/1.1 200 OK\r\n folded: first")
        } run: { transport, _ in
            #expect(await attributed(transport, count: 300, inFlight: 8).shifted == 0)
        }
    }
}
