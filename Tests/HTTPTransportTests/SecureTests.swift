import Basics
import HTTPTransport
import ModelAPI
import Testing

@Suite(
    .enabled(if: SecureServer.isAvailable, "nginx or openssl is not installed: TLS is not tested"),
    .timeLimit(.minutes(1)))
struct SecureTests {
    /// A transport to the server; it trusts the server's certificate if `trusting`.
    private func withSecureTransport(
        host: String = "127.0.0.1", trusting: Bool, _ body: (HTTPTransport, SecureServer) async throws -> Void
    ) async throws {
        try await SecureServer.with { server in
            var configuration = HTTPTransport.Configuration(baseURL: "https://\(host):\(server.port)/v1")
            if trusting {
                configuration.network = HTTPTransport.Network(environment: ["SSL_CERT_FILE": server.certificate])
            }
            try await withTransport(configuration) { transport, _ in try await body(transport, server) }
        }
    }

    @Test func refusesACertificateNobodyVouchesFor() async throws {
        try await withSecureTransport(trusting: false) { transport, server in
            let failure = try #require(await transport.send(anyRequest).failure)
            #expect(failure.kind == .tls)
            #expect(failure.message.contains("127.0.0.1:\(server.port): the server's certificate is not accepted"))
        }
    }

    @Test func refusesACertificateForAnotherName() async throws {
        try await withSecureTransport(host: "127.0.0.2", trusting: true) { transport, _ in
            #expect(await transport.send(anyRequest).failure?.kind == .tls)
        }
    }

    @Test func acceptsTheGivenAuthorityAndSpeaksHTTP2() async throws {
        try await withSecureTransport(trusting: true) { transport, _ in
            let reply = try await transport.send(anyRequest).get()
            #expect(reply.status == 200)
            #expect(reply.text == "HTTP/2.0")
        }
    }

    @Test func manyStreamsShareAConnection() async throws {
        try await withSecureTransport(trusting: true) { transport, _ in
            let good = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<250 { group.addTask { (try? await transport.send(anyRequest).get().status) == 200 } }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(good == 250)
            // Three lanes, one connection each.
            #expect(transport.statistics.connectionsOpened == 3)
        }
    }

    @Test func plainHTTPWhereTLSIsSpokenIsAnsweredByTheServer() async throws {
        try await SecureServer.with { server in
            try await withTransport(.init(baseURL: "http://127.0.0.1:\(server.port)")) { transport, _ in
                let reply = try await transport.send(anyRequest).get()
                #expect(reply.status == 400)
            }
        }
    }
}
