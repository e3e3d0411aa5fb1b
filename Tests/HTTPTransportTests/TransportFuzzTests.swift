import Basics
import Glibc
import HTTPTransport
import ModelAPI
import TestSupport
import Testing

/// A server that answers at random, on each of the own routes, with 200 requests in flight. There must be no trap, no
/// hang, no unbounded memory, and no answer that belongs to another request.
///
/// Each round prints its seed when it fails. `RETORT_FUZZ_MINUTES` sets how long it runs.
@Suite(.timeLimit(.minutes(fuzzMinutes + 5))) struct TransportFuzzTests {
    @Test(arguments: Way.own) func noAnswerIsAnothers(way: Way) async throws {
        let deadline = Instant.now + .seconds(Double(fuzzMinutes * 60))
        var seed = UInt64(fuzzMinutes == 0 ? 1 : Instant.now.nanoseconds)
        let before = residentBytes()
        repeat {
            try await round(seed, way)
            seed &+= 1
        } while Instant.now < deadline
        #expect(residentBytes() - before < 500 << 20)
    }

    private func round(_ seed: UInt64, _ way: Way) async throws {
        try await withServer(in: [way]) { request, connection in
            var answer = FuzzedAnswer(seed, request)
            answer.send(to: connection)
        } configure: {
            $0.responseBytesMax = HostileForm.bodyBytesMax
            $0.timeouts.firstByte = .milliseconds(500)
            $0.timeouts.stalled = .milliseconds(500)
            $0.timeouts.total = .seconds(3)
        } run: { transport, _ in
            let results = await withTaskGroup(of: [Int].self) { group in
                for lane in 0..<200 {
                    group.addTask {
                        var wrong: [Int] = []
                        for number in stride(from: lane, to: 1000, by: 200) {
                            let body = Array(FuzzedAnswer.text(number).utf8)
                            guard case .success(let reply) = await transport.send(.init(path: "/x", body: body)),
                                let owner = FuzzedAnswer.owner(of: reply.text), owner != number
                            else { continue }
                            wrong.append(number)
                        }
                        return wrong
                    }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            #expect(results.isEmpty, "seed \(seed): \(results.count) rows hold another's answer")
            #expect(transport.statistics.inFlight == 0, "seed \(seed)")
        }
    }

    private func residentBytes() -> Int {
        var pages = 0
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        withUnsafeMutablePointer(to: &pages) { pages in
            _ = withVaList([pages, pages]) { vfscanf(file, "%ld %ld", $0) }
        }
        return pages * 4096
    }
}

private let fuzzMinutes = getenv("RETORT_FUZZ_MINUTES").flatMap { Int(String(cString: $0)) } ?? 0

/// A server's answer to a request, determined by the seed and the request's number.
private struct FuzzedAnswer {
    private var random: SeededGenerator
    private let body: String
    private let place: Int

    init(_ seed: UInt64, _ request: ScriptedServer.Request) {
        body = String(decoding: request.body, as: UTF8.self)
        place = request.place
        let number = UInt64(FuzzedAnswer.owner(of: body) ?? 0)
        random = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15 ^ number &* 0xD6E8_FEB8_6659_FD93)
        // The seed decides whether this server sends answers twice.
        sendsTwice = seed.isMultiple(of: 2)
    }

    private let sendsTwice: Bool

    /// A text that names its request, with a checksum.
    static func text(_ number: Int) -> String {
        let text = "number \(number) "
        let proof = Array(text.utf8).withUnsafeBytes { ContentHash.hash64($0) }
        return text + String(proof, radix: 16)
    }

    /// The request that an undamaged text names.
    static func owner(of text: String) -> Int? {
        let words = text.split(separator: " ")
        guard words.count == 3, let number = Int(words[1]), text == self.text(number) else { return nil }
        return number
    }

    mutating func send(to connection: ScriptedServer.Connection) {
        let head = "HTTP/1.1 200 OK\r\nX-RateLimit-Limit: 5\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        let answer = Array((head + body).utf8)
        switch random.below(10) {
        case 0...4: sendInPieces(answer, connection)
        case 5: HostileForm.allCases[random.below(HostileForm.allCases.count)].send(to: connection, body)
        case 6 where sendsTwice: connection.send(answer + answer)
        case 7 where sendsTwice:
            connection.send(answer)
            usleep(useconds_t(random.below(1000)))
            connection.send(answer)
        default: sendInPieces(damaged(answer), connection)
        }
    }

    private mutating func sendInPieces(_ bytes: [UInt8], _ connection: ScriptedServer.Connection) {
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + random.below(bytes.count))
            guard connection.send(Array(bytes[start..<end])) else { return }
            start = end
        }
    }

    /// Flips, drops, inserts or repeats bytes; never as many as a whole answer has.
    private mutating func damaged(_ answer: [UInt8]) -> [UInt8] {
        var bytes = answer
        for _ in 0...random.below(4) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            let end = min(bytes.count, place + random.below(answer.count / 3))
            switch random.below(6) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[place] ^= 1 << UInt8(random.below(8))
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 4: bytes.removeSubrange(place...)
            default:
                let word = FuzzedAnswer.words[random.below(FuzzedAnswer.words.count)]
                bytes.insert(contentsOf: word.utf8, at: place)
            }
        }
        return bytes
    }

    private static let words = [
        "\r\n", "\n", "\r", "\0", " ", ":", "HTTP/1.1 100 Continue\r\n\r\n", "Content-Length: 4\r\n", "0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n", "Content-Encoding: gzip\r\n", "Connection: close\r\n", "99999999999999999999",
        "-1", "\u{FF}", "ffffffffffffffff\r\n", "Upgrade: h2c\r\n",
    ]
}
