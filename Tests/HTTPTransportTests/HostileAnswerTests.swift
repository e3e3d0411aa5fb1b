import Basics
import Glibc
import HTTPTransport
import ModelAPI
import Testing

/// Hostile answers between good ones, on each route: the result must be an error or the request's own answer, never
/// another's, and the process must not end.
@Suite(.timeLimit(.minutes(3))) struct HostileAnswerTests {
    private static func script(_ form: HostileForm) -> ScriptedServer.Script {
        { request, connection in
            let body = String(decoding: request.body, as: UTF8.self)
            // A connection that was good before.
            guard request.place > 1 else { return connection.answer(body) }
            form.send(to: connection, body)
        }
    }

    /// libcurl reads these as long as they arrive.
    private static let endlessToLibcurl: [HostileForm] = [.extensionEndless, .trailersEndless]

    @Test(arguments: HostileForm.allCases, Way.all) func noneShiftsAnAnswer(form: HostileForm, way: Way) async throws {
        if way == .libcurl, HostileAnswerTests.endlessToLibcurl.contains(form) { return }
        try await withServer(in: [way], HostileAnswerTests.script(form)) {
            $0.responseBytesMax = HostileForm.bodyBytesMax
        } run: { transport, server in
            let result = await attributed(transport, count: 24, inFlight: 4)
            #expect(result.shifted == 0)
            // Each connection's first answer is good; libcurl opens fewer than four on a slow machine.
            #expect(result.good >= (form.isGood ? 24 : way == .libcurl ? 1 : 4))
            // libcurl takes the end of a truncated header section for the end of the headers.
            if way != .libcurl { #expect(result.damaged == 0) }
            if way != .libcurl, !form.isGood, form != .endsAtOnce { #expect(result.good < 24) }
            #expect(transport.statistics.inFlight == 0)
        }
    }

    @Test func aSlowDripIsCutOff() async throws {
        try await withServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while connection.send("x") { usleep(2000) }
        } configure: {
            $0.timeouts.total = .milliseconds(60)
        } run: { transport, _ in
            #expect(await transport.send(anyRequest).failure?.kind == .timeout)
        }
    }

    @Test func interimAnswersHaveAnEnd() async throws {
        try await withServer { request, connection in
            let count = request.place == 1 ? 200 : 400
            for _ in 0..<count { connection.send("HTTP/1.1 102 Processing\r\n\r\n") }
            connection.answer("done")
        } run: { transport, _ in
            try await expect("done", from: transport)
            let failure = try #require(await transport.send(anyRequest).failure)
            #expect(failure.kind == .malformed)
            #expect(failure.message.contains("interim"))
        }
    }

    @Test func aStatusLineOfHTTP2IsRefusedInEachWay() async throws {
        try await withServer { _, connection in
            connection.send("HTTP/2 200\r\nContent-Length: 2\r\n\r\nok")
        } run: { transport, _ in
            let failure = try #require(await transport.send(anyRequest).failure)
            #expect(failure.kind == .malformed)
            #expect(failure.message.hasSuffix("not HTTP: invalid HTTP version"))
        }
    }

    @Test(arguments: [204, 304]) func anAnswerWithoutABodyHasNone(status: Int) async throws {
        try await withServer { request, connection in
            connection.send("HTTP/1.1 \(request.place == 1 ? 200 : status) X\r\nContent-Length: 2\r\n\r\n")
            if request.place == 1 { connection.send("ok") }
        } run: { transport, _ in
            try await expect("ok", from: transport)
            let reply = try await transport.send(anyRequest).get()
            #expect(reply.status == status)
            #expect(reply.body.isEmpty)
        }
    }

    @Test func noMoreConnectionsThanAllowed() async throws {
        try await withServer { request, connection in
            connection.answer(request.body)
        } configure: {
            $0.connectionsMax = 3
        } run: { transport, server in
            let result = await attributed(transport, count: 200, inFlight: 20)
            #expect(result.good == 200)
            #expect(server.connectionsAccepted <= 3)
        }
    }

    @Test(arguments: Way.own) func aLimitOfConnectionsHoldsForServersThatCloseThem(way: Way) async throws {
        let open = Locked((now: 0, most: 0))
        try await withServer(in: [way]) { request, connection in
            if request.place == 1 {
                open.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            }
            let isLast = request.place == 3
            if isLast { open.withLock { $0.now -= 1 } }
            connection.answer(request.body, headers: isLast ? ["Connection: close"] : [])
        } configure: {
            $0.connectionsMax = 2
        } run: { transport, server in
            #expect(await attributed(transport, count: 100, inFlight: 10).good == 100)
            #expect(open.withLock { $0.most } <= 2)
        }
    }
}
