import Basics
import Glibc
import TestSupport
import Testing

@testable import RunMonitor

private final class ScriptedSource: MonitorSource {
    let commands = Locked<[String]>([])
    let hasControl: Bool

    init(hasControl: Bool = true) { self.hasControl = hasControl }

    func pageState() -> [UInt8] { Array(#"{"n":1}"#.utf8) }

    func metrics() -> Exposition {
        var metrics = Exposition()
        metrics.gauge("up", "Always.", [.init(1)])
        return metrics
    }

    var control: (@Sendable ([UInt8]) -> ControlReply)? {
        guard hasControl else { return nil }
        return { json in
            let text = String(decoding: json, as: UTF8.self)
            self.commands.withLock { $0.append(text) }
            return ControlReply(isDone: text == "good", json: Array("{}".utf8))
        }
    }
}

@Suite("The server of a run's page")
struct MonitorServerTests {
    private func get(
        _ server: MonitorServer, _ path: String, _ method: String = "GET", _ body: String = "", _ headers: [String] = []
    ) -> LoopbackClient.Response? {
        let client = LoopbackClient(port: server.port)
        let lines = ["\(method) \(path) HTTP/1.1", "Content-Length: \(body.utf8.count)"] + headers
        client.write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8))
        return client.receive().response
    }

    private func host(_ server: MonitorServer) -> String { "Host: 127.0.0.1:\(server.port)" }

    @Test("page, state and metrics; the page loads nothing from elsewhere")
    func reading() throws {
        let server = try MonitorServer(ScriptedSource(), host: "127.0.0.1", port: 0, token: nil)
        defer { server.stop() }
        let page = try #require(get(server, "/", "GET", "", [host(server)]))
        #expect(page.status == 200)
        #expect(page.headers["content-security-policy"]?.contains("default-src 'none'") == true)
        #expect(page.text.contains("controls"))
        #expect(
            page.text.ranges(of: "http").allSatisfy {
                page.text[$0.lowerBound...].hasPrefix("http://www.w3.org/2000/svg")
            })
        #expect(get(server, "/state", "GET", "", [host(server)])?.text == #"{"n":1}"#)
        #expect(get(server, "/metrics", "GET", "", [host(server)])?.text.hasSuffix("up 1\n") == true)
        #expect(get(server, "/state", "GET", "", ["Host: evil.example"])?.status == 403)
    }

    @Test("a change needs the token, and says what became of it")
    func control() throws {
        let source = ScriptedSource()
        let server = try MonitorServer(source, host: "127.0.0.1", port: 0, token: nil)
        defer { server.stop() }
        let token = "Authorization: Bearer \(server.token)"
        #expect(server.token.count == 24)
        func post(_ body: String, _ headers: [String]) -> Int? {
            get(server, "/control", "POST", body, [host(server)] + headers)?.status
        }
        #expect(post("good", []) == 401)
        #expect(post("good", [token + "x"]) == 401)
        #expect(post("good", [token, "Origin: http://evil.example"]) == 403)
        #expect(post("good", [token]) == 200)
        #expect(post("bad", [token, "Origin: http://127.0.0.1:\(server.port)"]) == 400)
        #expect(source.commands.withLock { $0 } == ["good", "bad"])
    }

    @Test("where nothing can be changed, the page has no buttons")
    func withoutControl() throws {
        let server = try MonitorServer(ScriptedSource(hasControl: false), host: "127.0.0.1", port: 0, token: nil)
        defer { server.stop() }
        #expect(get(server, "/", "GET", "", [host(server)])?.text.contains(#"id="controls""#) == false)
        #expect(get(server, "/control", "POST", "good", [host(server)])?.status == 409)
    }

    @Test("addresses that others reach need a token for everything")
    func otherAddresses() throws {
        #expect(throws: RetortError.self) {
            try MonitorServer(ScriptedSource(), host: "0.0.0.0", port: 0, token: nil)
        }
        let server = try MonitorServer(ScriptedSource(), host: "0.0.0.0", port: 0, token: "a-secret-of-length")
        defer { server.stop() }
        #expect(get(server, "/metrics", "GET", "", ["Host: node7"])?.status == 401)
        #expect(get(server, "/metrics?token=a-secret-of-length", "GET", "", ["Host: node7"])?.status == 200)
    }

    @Test("events come at once and at the end, to a bounded number of readers")
    func events() throws {
        let server = try MonitorServer(ScriptedSource(), host: "127.0.0.1", port: 0, token: nil)
        let readers = (0..<Subscribers.countMax).map { _ in LoopbackClient(port: server.port) }
        for reader in readers {
            reader.write(Array("GET /events HTTP/1.1\r\n\(host(server))\r\n\r\n".utf8))
        }
        // Until all of them are served, another one is still accepted.
        while let extra = Optional(LoopbackClient(port: server.port, patienceMilliseconds: 50)) {
            extra.write(Array("GET /events HTTP/1.1\r\n\(host(server))\r\n\r\n".utf8))
            if extra.receive().response?.status == 503 { break }
        }
        server.stop()
        let whole = readers.compactMap { $0.receive().response }
        // The last event and the end of the stream reach a reader that reads.
        #expect(whole.contains { $0.text.hasPrefix("data: {\"n\":1}\n\n") && $0.text.hasSuffix("data: {\"n\":1}\n\n") })
    }
}
