import Glibc

/// The temporary directory of one run, and the servers that live in it.
struct Servers {
    let directory: String

    init() {
        var template = Array("/tmp/transport-bench.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("cannot make a temporary directory") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// What a chat model answers, 1.4 KB of it.
    static let completion: String = {
        let sentence = "A retort is a vessel with a long neck in which a liquid is heated until it leaves as vapour. "
        let content = String(repeating: sentence, count: 11)
        return
            #"{"id":"chatcmpl-1","object":"chat.completion","created":1763600000,"model":"bench","choices":[{"index":0,"#
            + #""message":{"role":"assistant","content":"\#(content)"},"logprobs":null,"finish_reason":"stop"}],"#
            + #""usage":{"prompt_tokens":42,"completion_tokens":254,"total_tokens":296}}"#
    }()

    static let request =
        #"{"model":"bench","messages":[{"role":"user","content":"What is a retort, and who still uses one?"}]}"#

    /// The system's certificates and that of the server, in one file.
    var trusted: String { "\(directory)/trusted.pem" }

    private func makeCertificate() -> Bool {
        let script = """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \\
                -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out own.pem 2>/dev/null
            cat own.pem /etc/ssl/certs/ca-certificates.crt > trusted.pem 2>/dev/null; test -s own.pem
            """
        return ChildProcess(["sh", "-c", "cd \(directory) && \(script)"])?.succeeds() ?? false
    }

    /// nginx on one worker, answering every request at once. Returns when it listens; nil if it is not installed.
    func startNginx(port: Int, _ security: Security) -> ChildProcess? {
        var listening = "listen 127.0.0.1:\(port) backlog=16000"
        if security != .clear {
            guard makeCertificate() else { return nil }
            listening += " ssl\(security == .http2 ? " http2" : "");"
            listening += "ssl_certificate \(directory)/own.pem; ssl_certificate_key \(directory)/key.pem"
        }
        writeFile(
            "\(directory)/nginx.conf",
            """
            daemon off; master_process off; pid \(directory)/nginx.pid; error_log stderr crit;
            worker_rlimit_nofile 20000;
            events { worker_connections 16000; }
            http {
              access_log off; default_type application/json; keepalive_requests 1000000000; keepalive_timeout 600;
              client_body_temp_path \(directory); proxy_temp_path \(directory); fastcgi_temp_path \(directory);
              uwsgi_temp_path \(directory); scgi_temp_path \(directory);
              server { \(listening); location / { return 200 '\(Servers.completion)'; } }
            }
            """)
        let child = ChildProcess(["/usr/sbin/nginx", "-p", directory, "-c", "\(directory)/nginx.conf"])
        return child.flatMap { isListening(port) ? $0 : nil }
    }

    /// A server that answers every request after `seconds`.
    func startDelayed(port: Int, seconds: Double) -> ChildProcess? {
        writeFile("\(directory)/delayed.py", Servers.delayedScript)
        writeFile("\(directory)/answer.json", Servers.completion)
        let child = ChildProcess([
            "python3", "\(directory)/delayed.py", "\(port)", "\(seconds)", "\(directory)/answer.json",
        ])
        return child.flatMap { isListening(port) ? $0 : nil }
    }

    /// Runs wrk against the same server: requests per second, and CPU microseconds per request.
    func runWrk(_ baseURL: String, connections: Int, seconds: Int) -> (rate: Double, cpu: Double)? {
        writeFile(
            "\(directory)/post.lua",
            """
            wrk.method = "POST"
            wrk.headers["Content-Type"] = "application/json"
            wrk.body = '\(Servers.request)'
            """)
        let output = "\(directory)/wrk.txt"
        let arguments = [
            "wrk", "-t1", "-c\(connections)", "-d\(seconds)s", "-s", "\(directory)/post.lua",
            "\(baseURL)/chat/completions",
        ]
        guard let child = ChildProcess(arguments, output: output) else { return nil }
        let cpu = child.wait()
        for line in readFile(output).split(separator: "\n") {
            guard let words = line.firstRange(of: " requests in ") else { continue }
            let total = Double(line[..<words.lowerBound].filter { $0 != " " }) ?? 0
            return total > 0 ? (total / Double(seconds), cpu / total * 1e6) : nil
        }
        return nil
    }

    /// A port that was free a moment ago.
    static func freePort() -> Int {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = bind(socket, address, length)
                getsockname(socket, address, &length)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// Tries to connect for up to five seconds.
    private func isListening(_ port: Int) -> Bool {
        for _ in 0..<500 {
            let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(socket) }
            var address = Servers.loopback(port: port)
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if status == 0 { return true }
            usleep(10_000)
        }
        return false
    }

    private static let delayedScript = """
        import asyncio, sys
        port, delay, answer = int(sys.argv[1]), float(sys.argv[2]), open(sys.argv[3], "rb").read()
        head = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(answer)

        class Delayed(asyncio.Protocol):
            def connection_made(self, transport):
                self.transport, self.bytes = transport, b""
            def data_received(self, data):
                self.bytes += data
                while True:
                    end = self.bytes.find(b"\\r\\n\\r\\n")
                    if end < 0: return
                    length = int(self.bytes[:end].lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
                    if len(self.bytes) < end + 4 + length: return
                    self.bytes = self.bytes[end + 4 + length:]
                    asyncio.get_running_loop().call_later(delay, self.transport.write, head + answer)

        async def main():
            server = await asyncio.get_running_loop().create_server(Delayed, "127.0.0.1", port, backlog=16000)
            await server.serve_forever()

        asyncio.run(main())
        """
}
