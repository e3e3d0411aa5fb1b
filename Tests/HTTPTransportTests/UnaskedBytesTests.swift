import Basics
import Glibc
import ModelAPI
import Testing

@testable import HTTPTransport

/// Servers that send more than was requested, over the transport's own connections.
@Suite(.timeLimit(.minutes(1))) struct UnaskedBytesTests {
    /// Lets one thread wait for another.
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

    @Test(arguments: [copy, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", "\r\n", "x"], Way.own)
    func whatIsThereBeforeTheRequestIsNoAnswerToIt(unasked: String, way: Way) async throws {
        let (received, sent) = (Signal(), Signal())
        try await withServer(in: [way]) { request, connection in
            connection.answer(request.connection == 1 && request.place == 1 ? "first" : "second")
            guard request.connection == 1, request.place == 1 else { return }
            received.wait()
            connection.send(unasked)
            sent.raise()
        } run: { transport, server in
            // The loop does not look at its sockets between the two requests.
            try await withTaskExecutorPreference(transport.loop) {
                try await expect("first", from: transport)
                received.raise()
                sent.wait()
                try await expect("second", from: transport)
            }
            #expect(server.connectionsAccepted == 2)
            let isDisorder = unasked == UnaskedBytesTests.copy || unasked == "x"
            #expect(transport.statistics.sendsUnaskedBytes == isDisorder)
        }
    }

    @Test func whatFollowsAnAnswerClosesItsConnection() async throws {
        try await withServer(in: Way.own) { request, connection in
            let text = "answer \(request.connection)"
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
            connection.send(answer + answer)
        } run: { transport, server in
            for number in 1...20 { try await expect("answer \(number)", from: transport) }
            #expect(server.connectionsAccepted == 20)
            #expect(transport.statistics.sendsUnaskedBytes)
        }
    }

    @Test func lineBreaksBehindAnAnswerAreHarmless() async throws {
        try await withServer(in: Way.own) { _, connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n")
        } run: { transport, _ in
            for _ in 1...5 { try await expect("ok", from: transport) }
            #expect(!transport.statistics.sendsUnaskedBytes)
        }
    }

    // MARK: Answers sent twice

    private enum Copy: CaseIterable {
        /// Together with the answer.
        case atOnce
        /// Right after the answer, when the next request may have been written.
        case behind
        /// After the next request has arrived, before its own answer.
        case beforeTheNext
        /// After the next request has arrived and three more answers.
        case afterThree
    }

    /// The answers of a connection, which its thread sends again.
    private final class Sent: Sendable {
        private let texts = Locked<[Int: [String]]>([:])

        func append(_ text: String, _ connection: Int) { texts.withLock { $0[connection, default: []].append(text) } }

        func back(_ count: Int, _ connection: Int) -> String? {
            texts.withLock {
                let all = $0[connection] ?? []
                return all.count >= count ? all[all.count - count] : nil
            }
        }
    }

    /// For numbers below 100: whether their answer is sent twice.
    private static func isDoubled(_ body: [UInt8], _ percent: Int) -> Bool {
        let number = Int(String(decoding: body.dropFirst("number ".utf8.count), as: UTF8.self)) ?? 0
        return number &* 7919 % 100 < percent
    }

    private static func script(_ copy: Copy, _ percent: Int) -> ScriptedServer.Script {
        let sent = Sent()
        return { request, connection in
            let answer =
                "HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n"
                + String(decoding: request.body, as: UTF8.self)
            guard isDoubled(request.body, percent) else {
                connection.send(answer)
                return
            }
            switch copy {
            case .atOnce: break
            case .behind: connection.send(answer)
            case .beforeTheNext, .afterThree:
                if let earlier = sent.back(copy == .afterThree ? 4 : 1, connection.number) {
                    connection.send(earlier)
                    usleep(500)
                }
            }
            sent.append(answer, connection.number)
            connection.send(copy == .atOnce ? answer + answer : answer)
        }
    }

    @Test(arguments: Copy.allCases, Way.own)
    private func noRowTakesACopyOfAnothersAnswer(copy: Copy, way: Way) async throws {
        for percent in [100, 50, 5] {
            try await withServer(in: [way], UnaskedBytesTests.script(copy, percent)) { transport, _ in
                let result = await attributed(transport, count: 400, inFlight: 50, attempts: 5)
                #expect(result.shifted == 0)
                #expect(result.good == 400)
                #expect(percent < 100 || transport.statistics.sendsUnaskedBytes)
            }
        }
    }

    @Test(arguments: Way.own) func aServerThatRepeatsItselfIsNotInDisorder(way: Way) async throws {
        try await withServer(in: [way]) {
            $1.answer("always the same")
        } run: { transport, server in
            for _ in 0..<30 { try await expect("always the same", from: transport) }
            #expect(server.connectionsAccepted == 1)
            #expect(!transport.statistics.sendsUnaskedBytes)
        }
    }

    @Test func aRepeatedRefusalIsNotHeldBack() async throws {
        try await withServer(in: Way.own) {
            $1.answer("busy", status: "429 Too Many")
        } run: { transport, server in
            for _ in 0..<30 {
                let status = try await transport.send(anyRequest).get().status
                #expect(status == 429)
            }
            // The first answers of two connections show that the server really repeats this text.
            #expect(server.connectionsAccepted == 2)
        }
    }
}
