import Basics
import Glibc

/// nginx with TLS and HTTP/2 on a free port of loopback, with a self-signed certificate for 127.0.0.1 made for it.
struct SecureServer {
    let port: UInt16
    private let directory: String

    /// Whether this machine has the programs.
    static let isAvailable = run("nginx", "-v") == 0 && run("openssl", "version") == 0

    var baseURL: String { "https://127.0.0.1:\(port)/v1" }
    var certificate: String { "\(directory)/certificate.pem" }

    /// A server for the time of `body`. It answers every request with the protocol's name.
    static func with<Value>(_ body: (SecureServer) async throws -> Value) async throws -> Value {
        let server = try SecureServer()
        defer { server.stop() }
        return try await body(server)
    }

    private init() throws(RetortError) {
        var template = Array("/tmp/retort-secure.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw .system(errno, "mkdtemp", "/tmp") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (socket, port) = listenOnLoopback()
        close(socket)
        self.port = port
        let made = run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(directory)/key.pem",
            "-out", certificate)
        guard made == 0 else { throw RetortError(.io, "openssl made no certificate") }
        try writeConfiguration()
        // Started as a daemon, it returns once it listens.
        guard run("nginx", "-p", directory, "-c", "\(directory)/nginx.conf") == 0 else {
            throw RetortError(.io, "nginx did not start")
        }
    }

    private func writeConfiguration() throws(RetortError) {
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(directory);" }
        let text = """
            master_process off; pid \(directory)/nginx.pid; error_log /dev/null crit;
            events { worker_connections 512; }
            http {
              access_log off; \(paths.joined(separator: " "))
              server {
                listen 127.0.0.1:\(port) ssl http2; listen 127.0.0.2:\(port) ssl http2;
                ssl_certificate \(certificate); ssl_certificate_key \(directory)/key.pem;
                location / { default_type text/plain; return 200 $server_protocol; }
              }
            }
            """
        guard let file = fopen("\(directory)/nginx.conf", "w") else { throw .system(errno, "fopen", directory) }
        fputs(text, file)
        fclose(file)
    }

    /// By its own command, which knows the process from the pid file.
    private func stop() {
        _ = run("nginx", "-p", directory, "-c", "\(directory)/nginx.conf", "-s", "stop")
        for name in ["key.pem", "certificate.pem", "nginx.conf", "nginx.pid"] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }
}
