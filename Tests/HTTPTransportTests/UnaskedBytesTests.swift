import Basics
import Glibc
import HTTPTransport
import ModelAPI
import Testing

/// Servers that send more than they were asked for, over connections of our own.
@Suite(.timeLimit(.minutes(1))) struct UnaskedBytesTests {
    /// One thread waits until another has got so far.
    private final class Signal: Sendable {
        private let ends: [Int32]

        init() {
            var ends: [Int32] = [-1, -1]
            precondition(pipe(&ends) == 0)
            self.ends = ends
        }

        func raise() { _ = write(ends[1], "!", 1) }

        func wait() {
            var byte: UInt8 = 0
            _ = read(ends[0], &byte, 1)
        }

        deinit { for end in ends { close(end) } }
    }

    private static let copy = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale"

    @Test(arguments: [copy, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", "\r\n", "x"])
    func whatIsThereBeforeTheRequestIsNoAnswerToIt(unasked: String) async throws {
        let (received, sent) = (Signal(), Signal())
        let server = ScriptedServer { request, connection in
            connection.answer(request.connection == 1 && request.place == 1 ? "first" : "second")
            guard request.connection == 1, request.place == 1 else { return }
            received.wait()
            connection.send(unasked)
            sent.raise()
        }
        defer { server.stop() }
        try await withTransport(.init(baseURL: server.baseURL)) { transport, loop in
            // The loop does not look at its sockets between the two requests.
            try await withTaskExecutorPreference(loop) {
                try await expect("first", from: transport)
                received.raise()
                sent.wait()
                try await expect("second", from: transport)
            }
        }
        #expect(server.connectionsAccepted == 2)
    }

    @Test func whatFollowsAnAnswerClosesItsConnection() async throws {
        let server = ScriptedServer { request, connection in
            let text = "answer \(request.connection)"
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
            connection.send(answer + answer)
        }
        defer { server.stop() }
        try await withTransport(.init(baseURL: server.baseURL)) { transport, _ in
            for number in 1...20 { try await expect("answer \(number)", from: transport) }
        }
        #expect(server.connectionsAccepted == 20)
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
}
