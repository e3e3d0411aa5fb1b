import Basics
import Glibc
import HTTPTransport
import ModelAPI
import Testing

/// TLS and HTTP/2 against nginx with a certificate made for the test.
@Suite(
    .enabled(if: SecureServer.shared != nil, "nginx or openssl is not installed: TLS is not tested"),
    .timeLimit(.minutes(1)))
struct SecureTests {
    private let server: SecureServer
    init() throws { server = try #require(SecureServer.shared) }

    @Test func refusesACertificateNobodyVouchesFor() async throws {
        try await withTransport(.init(baseURL: server.baseURL)) { transport, _ in
            let failure = try #require(await transport.send(anyRequest).failure)
            #expect(failure.kind == .tls)
            #expect(failure.message.contains("127.0.0.1:\(server.port): the server's certificate is not accepted"))
        }
    }

    @Test func refusesACertificateForAnotherName() async throws {
        var configuration = HTTPTransport.Configuration(baseURL: "https://127.0.0.2:\(server.port)")
        configuration.network = server.network
        try await withTransport(configuration) { transport, _ in
            #expect(await transport.send(anyRequest).failure?.kind == .tls)
        }
    }

    @Test func acceptsTheGivenAuthorityAndSpeaksHTTP2() async throws {
        var configuration = HTTPTransport.Configuration(baseURL: server.baseURL)
        configuration.network = server.network
        try await withTransport(configuration) { transport, _ in
            let reply = try await transport.send(anyRequest).get()
            #expect(reply.status == 200)
            #expect(reply.text == "HTTP/2.0")
            #expect(reply.header("content-type") != nil)
        }
    }

    @Test func manyStreamsShareAConnection() async throws {
        var configuration = HTTPTransport.Configuration(baseURL: server.baseURL)
        configuration.network = server.network
        try await withTransport(configuration) { transport, _ in
            let good = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<60 { group.addTask { (try? await transport.send(anyRequest).get().status) == 200 } }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(good == 60)
            #expect(transport.statistics.connectionsOpened == 1)
        }
    }
}

/// One nginx for all tests of the suite; it ends with the process.
struct SecureServer {
    let port: UInt16
    let directory: String

    static let shared: SecureServer? = SecureServer()

    var baseURL: String { "https://127.0.0.1:\(port)/v1" }
    var network: HTTPTransport.Network {
        var network = HTTPTransport.Network()
        network.certificateFile = "\(directory)/certificate.pem"
        return network
    }

    private init?() {
        var template = Array("/tmp/retort-secure.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (socket, port) = listenOnLoopback()
        close(socket)
        self.port = port
        let isMade = run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(directory)/key.pem",
            "-out", "\(directory)/certificate.pem")
        guard isMade == 0, writeConfiguration() else { return nil }
        // As a daemon it returns when it listens.
        let nginx = access("/usr/sbin/nginx", X_OK) == 0 ? "/usr/sbin/nginx" : "nginx"
        guard run(nginx, "-p", directory, "-c", "\(directory)/nginx.conf") == 0 else { return nil }
        SecureServer.stopAtExit(directory)
    }

    private func writeConfiguration() -> Bool {
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(directory);" }
        let text = """
            master_process off; pid \(directory)/nginx.pid; error_log /dev/null crit;
            events { worker_connections 512; }
            http {
              access_log off; \(paths.joined(separator: " "))
              server {
                listen 127.0.0.1:\(port) ssl http2; listen 127.0.0.2:\(port) ssl http2;
                ssl_certificate \(directory)/certificate.pem; ssl_certificate_key \(directory)/key.pem;
                location / { default_type text/plain; return 200 $server_protocol; }
              }
            }
            """
        guard let file = fopen("\(directory)/nginx.conf", "w") else { return false }
        defer { fclose(file) }
        return fputs(text, file) >= 0
    }

    private static let pathToStop = Locked("")

    private static func stopAtExit(_ directory: String) {
        pathToStop.withLock { $0 = directory }
        atexit {
            let directory = SecureServer.pathToStop.withLock { $0 }
            if let file = fopen("\(directory)/nginx.pid", "r") {
                var digits = [CChar](repeating: 0, count: 16)
                if fgets(&digits, 16, file) != nil, case let id = atoi(digits), id > 1 { kill(id, SIGTERM) }
                fclose(file)
            }
            for name in ["key.pem", "certificate.pem", "nginx.conf", "nginx.pid"] { unlink("\(directory)/\(name)") }
            rmdir(directory)
        }
    }
}
