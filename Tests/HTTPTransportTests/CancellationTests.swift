import Basics
import HTTPTransport
import ModelAPI
import Testing

@Suite(.timeLimit(.minutes(1))) struct CancellationTests {
    @Test func aCancelledTaskEndsAndItsConnectionCloses() async throws {
        let hasLeft = AsyncStream<Void>.makeStream()
        try await withServer { _, connection in
            connection.waitUntilClientLeaves()
            hasLeft.continuation.yield()
        } run: { transport, server in
            let exchange = Task { await transport.send(anyRequest) }
            for await _ in server.requests { break }
            exchange.cancel()
            #expect(await exchange.value.failure?.kind == .cancelled)
            for await _ in hasLeft.stream { break }
            #expect(transport.statistics.inFlight == 0)
        }
    }

    @Test func nothingIsSentForATaskThatIsAlreadyCancelled() async throws {
        try await withServer {
            $1.answer("")
        } run: { transport, server in
            let exchange = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await transport.send(anyRequest)
            }
            #expect(await exchange.value.failure?.kind == .cancelled)
            #expect(server.connectionsAccepted == 0)
        }
    }

    @Test func cancellingOneLeavesTheOthersAlone() async throws {
        try await withServer { request, connection in
            if request.body == Array("hang".utf8) {
                connection.waitUntilClientLeaves()
            } else {
                connection.answer("ok")
            }
        } run: { transport, server in
            let hanging = Task { await transport.send(ModelRequest(path: "/x", body: Array("hang".utf8))) }
            for await _ in server.requests { break }
            try await expect("ok", from: transport)
            hanging.cancel()
            #expect(await hanging.value.failure?.kind == .cancelled)
            try await expect("ok", from: transport)
        }
    }

    @Test func cancellationThatComesTooLateDoesNotHitTheNextExchange() async throws {
        try await withServer {
            $1.answer("ok")
        } run: { transport, _ in
            for _ in 0..<200 {
                let exchange = Task { await transport.send(anyRequest) }
                Task { exchange.cancel() }
                _ = await exchange.value
                try await expect("ok", from: transport)
            }
        }
    }

    @Test func shutdownCancelsWhatIsInFlightAndAllThatFollows() async throws {
        try await withServer {
            $1.waitUntilClientLeaves()
        } run: { transport, server in
            let exchanges = (0..<5).map { _ in Task { await transport.send(anyRequest) } }
            var seen = 0
            for await _ in server.requests {
                seen += 1
                if seen == exchanges.count { break }
            }
            await transport.shutdown()
            for exchange in exchanges { #expect(await exchange.value.failure?.kind == .cancelled) }
            #expect(await transport.send(anyRequest).failure?.kind == .cancelled)
            await transport.shutdown()
        }
    }

    @Test func aTransportMayBeReleasedAfterItsLoopHasStopped() async throws {
        let server = ScriptedServer { $1.answer("ok") }
        defer { server.stop() }
        let loop = try EventLoop()
        try loop.start()
        var transport: HTTPTransport? = try HTTPTransport(.init(baseURL: server.baseURL), on: loop)
        let reply = try await transport?.send(anyRequest).get()
        #expect(reply?.text == "ok")
        loop.stop()
        transport = nil
        // Its connection is closed, so the server's thread can end.
        #expect(server.connectionsAccepted == 1)
    }

    @Test func afterTheLoopHasStoppedAnExchangeEndsAtOnce() async throws {
        let loop = try EventLoop()
        try loop.start()
        let transport = try HTTPTransport(.init(baseURL: "http://127.0.0.1:1"), on: loop)
        loop.stop()
        #expect(await transport.send(anyRequest).failure?.kind == .cancelled)
    }
}
