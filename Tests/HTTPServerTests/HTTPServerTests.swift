import Basics
import Glibc
import TestSupport
import Testing

@testable import HTTPServer

@Suite("A small HTTP server")
struct HTTPServerTests {
    private func text(_ outcome: LoopbackClient.Outcome) -> String? { outcome.response?.text }

    @Test("routes get path, query, headers and body, and connections are used again")
    func routes() throws {
        let server = try HTTPServer(routes: [
            HTTPRoute("POST", "/rows/{id}") { request in
                .text(
                    201,
                    [
                        request.parameters["id"] ?? "", request.queryValue("a") ?? "", request.header("x-one") ?? "",
                        String(decoding: request.body, as: UTF8.self),
                    ].joined(separator: "|"))
            },
            HTTPRoute("GET", "/rows/{id}") { _ in .text(200, "row", headers: [("x-more", "1")]) },
        ])
        defer { server.stop() }
        let client = LoopbackClient(port: server.port)
        let posted = client.request("POST", "/rows/7?a=b%20c", "body", headers: ["X-One: two"]).response
        #expect(posted?.status == 201)
        #expect(posted?.text == "7|b c|two|body\n")
        let read = client.get("/rows/7").response
        #expect(read?.headers["x-more"] == "1")
        #expect(read?.text == "row\n")
    }

    @Test("what no route takes is told, with the methods that are allowed")
    func faults() throws {
        let server = try HTTPServer(routes: [HTTPRoute("GET", "/a") { _ in .text(200, "a") }])
        defer { server.stop() }
        let client = LoopbackClient(port: server.port)
        #expect(client.get("/b").response?.status == 404)
        let refused = client.post("/a", "x").response
        #expect(refused?.status == 405)
        #expect(refused?.headers["allow"] == "GET")
    }

    @Test("a body is read to its limit and no further")
    func bodies() throws {
        let server = try HTTPServer(routes: [
            HTTPRoute("POST", "/a", bodyBytesMax: 10) { .text(200, String($0.body.count)) }
        ])
        defer { server.stop() }
        #expect(text(LoopbackClient(port: server.port).post("/a", String(repeating: "x", count: 10))) == "10\n")
        #expect(
            LoopbackClient(port: server.port).post("/a", String(repeating: "x", count: 11)).response?.status == 413)
    }

    @Test("the gate looks before any route")
    func gate() throws {
        var configuration = HTTPServer.Configuration()
        let called = Locked(0)
        configuration.gate = { $0.bearerToken == "good" ? nil : .text(401, "no") }
        let server = try HTTPServer(
            configuration,
            routes: [
                HTTPRoute("GET", "/a") { _ in
                    called.withLock { $0 += 1 }
                    return .text(200, "a")
                }
            ])
        defer { server.stop() }
        let client = LoopbackClient(port: server.port)
        #expect(client.request("GET", "/a", "", headers: ["Authorization: Bearer bad"]).response?.status == 401)
        #expect(called.withLock { $0 } == 0)
        #expect(client.request("GET", "/a", "", headers: ["Authorization: Bearer good"]).response?.status == 200)
    }

    @Test("a reply may come later, from another thread; one that is given up is an error")
    func deferred() throws {
        let kept = Locked<PendingReply?>(nil)
        let server = try HTTPServer(routes: [
            HTTPRoute("GET", "/later", deferred: { _, reply in kept.withLock { $0 = reply } }),
            HTTPRoute("GET", "/never", deferred: { _, _ in }),
        ])
        defer { server.stop() }
        let client = LoopbackClient(port: server.port)
        client.send("GET", "/later", "")
        // Another request is answered while the first one waits.
        #expect(LoopbackClient(port: server.port).get("/never").response?.status == 500)
        while kept.withLock({ $0 }) == nil { sched_yield() }
        kept.withLock { reply in
            reply?.send(.text(200, "late"))
            reply?.send(.text(200, "twice"))
            reply = nil
        }
        #expect(text(client.receive()) == "late\n")
    }

    @Test("a stream sends its pieces, and ends")
    func streams() throws {
        let stream = PieceStream()
        let server = try HTTPServer(routes: [
            HTTPRoute("GET", "/s") { _ in HTTPResponse(contentType: "text/event-stream", body: .stream(stream)) }
        ])
        defer { server.stop() }
        let client = LoopbackClient(port: server.port)
        client.send("GET", "/s", "")
        for number in 0..<100 { #expect(stream.write(Array("\(number),".utf8))) }
        stream.finish()
        #expect(!stream.write([0]))
        #expect(text(client.receive()) == (0..<100).map { "\($0)," }.joined())
    }

    @Test("a reader that does not read is dropped, and costs no more than its buffer")
    func slowReader() throws {
        let stream = PieceStream(bytesMax: 64 * 1024)
        let server = try HTTPServer(routes: [
            HTTPRoute("GET", "/s") { _ in HTTPResponse(contentType: "text/plain", body: .stream(stream)) }
        ])
        defer { server.stop() }
        let client = LoopbackClient(port: server.port)
        client.send("GET", "/s", "")
        let piece = [UInt8](repeating: 0x78, count: 4096)
        // The kernel's buffers take some megabytes before the server's own fills.
        let end = Instant.now + .seconds(20)
        while stream.write(piece) { #expect(Instant.now < end) }
        #expect(!stream.isOpen)
        if case .response = client.receive() { Issue.record("a stream that was dropped must not look whole") }
    }

    @Test("the server stops while requests wait and streams are open")
    func stop() throws {
        let stream = PieceStream()
        let kept = Locked<PendingReply?>(nil)
        let server = try HTTPServer(routes: [
            HTTPRoute("GET", "/s") { _ in HTTPResponse(contentType: "text/plain", body: .stream(stream)) },
            HTTPRoute("GET", "/later", deferred: { _, reply in kept.withLock { $0 = reply } }),
        ])
        let reader = LoopbackClient(port: server.port)
        let waiter = LoopbackClient(port: server.port)
        reader.send("GET", "/s", "")
        waiter.send("GET", "/later", "")
        stream.write([0x78])
        while kept.withLock({ $0 }) == nil { sched_yield() }
        server.stop()
        server.stop()
        #expect(reader.receive().response == nil)
        #expect(waiter.receive().response == nil)
        #expect(!stream.write([0x78]))
        kept.withLock { $0?.send(.text(200, "too late")) }
        #expect(LoopbackClient(port: server.port).get("/s").response == nil)
    }

    @Test("requests that are none get no further than the server")
    func rubbish() throws {
        let server = try HTTPServer(routes: [HTTPRoute("GET", "/a") { _ in .text(200, "a") }])
        defer { server.stop() }
        let requests = [
            "\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET /a HTTP/9.9\r\n\r\n", "GET /%00%ff%zz HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX: " + String(repeating: "y", count: 100_000) + "\r\n\r\n",
        ]
        for request in requests {
            let client = LoopbackClient(port: server.port, patienceMilliseconds: 200)
            client.write(Array(request.utf8))
            #expect(client.receive().response?.status != 200)
        }
        #expect(LoopbackClient(port: server.port).get("/a").response?.status == 200)
    }
}

@Suite("Where requests may come from")
struct OriginRuleTests {
    private func objection(_ headers: [(String, String)], host: String = "127.0.0.1") -> String? {
        var request = HTTPRequest(method: "POST", path: "/")
        request.headers = headers.map { (name: $0.0, value: $0.1) }
        return OriginRule(host: host, port: 7788).objection(to: request)
    }

    @Test("on loopback: only its own names, and only its own pages")
    func loopback() {
        #expect(objection([("host", "127.0.0.1:7788")]) == nil)
        #expect(objection([("host", "LOCALHOST:7788"), ("origin", "http://localhost:7788")]) == nil)
        #expect(objection([]) != nil)
        #expect(objection([("host", "127.0.0.1:7788"), ("host", "127.0.0.1:7788")]) != nil)
        #expect(objection([("host", "evil.example:7788")]) != nil)
        #expect(objection([("host", "127.0.0.1:80")]) != nil)
        #expect(objection([("host", "127.0.0.1:7788"), ("origin", "http://evil.example")]) != nil)
        #expect(objection([("host", "127.0.0.1:7788"), ("origin", "null")]) != nil)
    }

    @Test("elsewhere any name of the machine, and pages under the same name")
    func elsewhere() {
        #expect(objection([("host", "node7:7788")], host: "0.0.0.0") == nil)
        #expect(objection([("host", "node7:7788"), ("origin", "https://node7:7788")], host: "0.0.0.0") == nil)
        #expect(objection([("host", "node7:7788"), ("origin", "http://other:7788")], host: "0.0.0.0") != nil)
    }

    @Test("a body is not kept for a request that is refused, and all bodies together are bounded")
    func bodiesTogether() throws {
        var configuration = HTTPServer.Configuration()
        configuration.bodyBytesMax = 64 << 20
        configuration.bodiesBytesMax = 1000
        configuration.gate = { $0.bearerToken == "good" ? nil : .text(401, "no") }
        let kept = Locked<[PendingReply]>([])
        let route = HTTPRoute("POST", "/a", deferred: { _, reply in kept.withLock { $0.append(reply) } })
        let server = try HTTPServer(configuration, routes: [route])
        defer { server.stop() }
        let large = String(repeating: "x", count: 5000)
        #expect(LoopbackClient(port: server.port).post("/a", large).response?.status == 401)
        let (first, second) = (LoopbackClient(port: server.port), LoopbackClient(port: server.port))
        let headers = ["Authorization: Bearer good"]
        #expect(second.request("POST", "/a", large, headers: headers).response?.status == 503)
        first.send("POST", "/a", String(repeating: "x", count: 900), headers: headers)
        while kept.withLock({ $0.isEmpty }) { sched_yield() }
        #expect(second.request("POST", "/a", String(large.prefix(200)), headers: headers).response?.status == 503)
        kept.withLock { $0.removeFirst().send(.text(200, "done")) }
        #expect(first.receive().response?.status == 200)
        // Memory is released when the request has ended.
        second.send("POST", "/a", String(repeating: "x", count: 900), headers: headers)
        while kept.withLock({ $0.isEmpty }) { sched_yield() }
        kept.withLock { $0.removeFirst().send(.text(200, "done")) }
        #expect(second.receive().response?.status == 200)
    }

    @Test("a client that asks before it sends a body is told no at once")
    func expectation() throws {
        var configuration = HTTPServer.Configuration()
        configuration.gate = { _ in .text(401, "no") }
        let server = try HTTPServer(configuration, routes: [HTTPRoute("POST", "/a") { _ in .text(200, "a") }])
        defer { server.stop() }
        let client = LoopbackClient(port: server.port)
        client.write(
            Array("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n".utf8))
        #expect(client.receive().response?.status == 401)
    }

    @Test("idle connections are closed when others need the room")
    func room() throws {
        var configuration = HTTPServer.Configuration()
        configuration.connectionsMax = 8
        let server = try HTTPServer(configuration, routes: [HTTPRoute("GET", "/a") { _ in .text(200, "a") }])
        defer { server.stop() }
        let idle = (0..<40).map { _ in LoopbackClient(port: server.port) }
        #expect(LoopbackClient(port: server.port).get("/a").response?.status == 200)
        withExtendedLifetime(idle) {}
    }

    @Test("of idle connections the one that has been so for longest goes first; one with a request stays")
    func longestIdle() {
        var connections = OpenConnections<Int>(limit: 5)
        for id in 0..<4 { #expect(connections.opened(id).isEmpty) }
        connections.began(0)
        connections.began(1)
        connections.ended(1)
        #expect(connections.opened(4) == [2])
        #expect(connections.opened(5) == [3])
        connections.closed(2)
        connections.closed(3)
        #expect(connections.opened(6) == [1])
        for id in 4...6 { connections.began(id) }
        // None is idle.
        #expect(connections.opened(7) == [])
        connections.closed(0)
        connections.ended(5)
        #expect(connections.opened(8) == [7])
        #expect(connections.opened(9) == [5])
    }
}
