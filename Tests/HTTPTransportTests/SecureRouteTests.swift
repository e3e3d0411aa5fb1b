import Basics
import Glibc
import HTTPTransport
import ModelAPI
import Testing

/// The route of TLS requests: protocols, proxies, handshakes that fail.
@Suite(
    .enabled(if: ServerIdentity.shared != nil, "openssl is not installed: TLS is not tested"), .timeLimit(.minutes(1)))
struct SecureRouteTests {
    private func configuration(_ identity: ServerIdentity, _ server: ScriptedServer) -> HTTPTransport.Configuration {
        var configuration = HTTPTransport.Configuration(baseURL: server.baseURL)
        configuration.network.certificateFile = identity.trusted
        return configuration
    }

    private static let echo: ScriptedServer.Script = { $1.answer($0.body) }

    /// The first connection is ours, the second libcurl's.
    @Test(arguments: [[true], [true, false], [false, true]])
    func aServerThatChangesItsMindAboutHTTP2IsServed(turns: [Bool]) async throws {
        let identity = try ServerIdentity()
        identity.chooseHTTP2(turns)
        let server = ScriptedServer(as: identity, SecureRouteTests.echo)
        defer { server.stop() }
        try await withTransport(configuration(identity, server)) { transport, _ in
            let result = await attributed(transport, count: 60, inFlight: 20)
            #expect(result.good == 60)
            #expect(transport.statistics.inFlight == 0)
        }
    }

    @Test(arguments: ["", "http://"]) func goesThroughATunnel(scheme: String) async throws {
        let identity = try #require(ServerIdentity.shared)
        let server = ScriptedServer(as: identity, SecureRouteTests.echo)
        let proxy = ScriptedServer { [port = server.port] request, connection in
            guard request.line == "CONNECT 127.0.0.1:\(port) HTTP/1.1",
                request.header("proxy-authorization") == "Basic dTpw"
            else { return connection.answer("no", status: "407 Who are you") }
            connection.send("HTTP/1.1 200 Connected\r\n\r\n")
            connection.tunnel(to: port)
            connection.hangUp()
        }
        defer {
            server.stop()
            proxy.stop()
        }
        var configuration = configuration(identity, server)
        configuration.network.httpsProxy = "\(scheme)u:p@127.0.0.1:\(proxy.port)"
        configuration.headers = [("Authorization", "Bearer secret")]
        try await withTransport(configuration) { transport, _ in
            #expect(await attributed(transport, count: 40, inFlight: 8).good == 40)
        }
        #expect(proxy.connectionsAccepted > 0)
        #expect(proxy.connectionsAccepted == server.connectionsAccepted)
    }

    @Test func aProxyThatRefusesIsNamed() async throws {
        let identity = try #require(ServerIdentity.shared)
        let server = ScriptedServer(as: identity, SecureRouteTests.echo)
        let proxy = ScriptedServer { $1.answer("no", status: "403 Forbidden") }
        defer {
            server.stop()
            proxy.stop()
        }
        var configuration = configuration(identity, server)
        configuration.network.httpsProxy = "http://127.0.0.1:\(proxy.port)"
        try await withTransport(configuration) { transport, _ in
            let failure = try #require(await transport.send(anyRequest).failure)
            #expect(failure.message.contains("403"), "\(failure.message)")
        }
        #expect(server.connectionsAccepted == 0)
    }

    @Test func aHandshakeThatIsNotAnsweredTimesOut() async throws {
        let server = ScriptedServer { _, _ in }
        defer { server.stop() }
        var configuration = HTTPTransport.Configuration(baseURL: "https://127.0.0.1:\(server.port)")
        configuration.timeouts.connect = .milliseconds(60)
        try await withTransport(configuration) { transport, _ in
            let failure = try #require(await transport.send(anyRequest).failure)
            #expect(failure.kind == .timeout)
            #expect(failure.message.hasSuffix("no connection within 0.06 s"))
            #expect(failure.stage == .unconnected)
        }
    }

    /// One connection that is answered with `bytes`, whatever the client sends.
    private func failure(answering bytes: String) async throws -> TransportFailure {
        let (listener, port) = listenOnLoopback()
        let thread = startThread {
            let socket = accept(listener, nil, nil)
            var hello = [UInt8](repeating: 0, count: 4096)
            _ = recv(socket, &hello, hello.count, 0)
            _ = send(socket, bytes, bytes.utf8.count, Int32(MSG_NOSIGNAL))
            close(socket)
        }
        defer {
            close(listener)
            pthread_join(thread, nil)
        }
        return try await withTransport(.init(baseURL: "https://127.0.0.1:\(port)")) { transport, _ in
            try #require(await transport.send(anyRequest).failure)
        }
    }

    @Test func aServerWithoutTLSIsTold() async throws {
        for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
            let failure = try await failure(answering: answer)
            #expect(failure.kind == .tls)
            #expect(failure.message.contains("does not answer in TLS"), "\(failure.message)")
        }
    }

    @Test func aHandshakeThatIsCutOffMayBeTriedAgain() async throws {
        for answer in ["", "\u{16}\u{3}\u{3}"] {
            let failure = try await failure(answering: answer)
            #expect(failure.kind == .connection)
            #expect(failure.message.contains("TLS handshake"), "\(failure.message)")
        }
    }
}
