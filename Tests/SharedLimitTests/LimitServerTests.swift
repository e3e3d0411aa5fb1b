import Basics
import Glibc
import TestSupport
import Testing

@testable import SharedLimit

/// A limiter on loopback that ends with this object.
final class RunningLimiter: Sendable {
    let server: LimitServer
    private let ended = Monitor(false)

    init(_ terms: LimitTerms, port: UInt16 = 0, token: String = "", state: String? = nil) throws {
        server = try LimitServer(
            terms, host: "127.0.0.1", port: String(port), token: Array(token.utf8), statePath: state)
        let (server, ended) = (server, ended)
        WorkThread.start {
            try? server.run()
            ended.update { $0 = true }
        }
    }

    func stop() {
        server.stop()
        ended.wait { $0 ? () : nil }
    }

    deinit { stop() }

    /// Requests until something is granted: a starting limiter waits out what a previous one may have granted.
    func lease(_ exchange: ServerExchange, _ request: LeaseRequest) throws -> Lease {
        while true {
            let lease = try exchange.lease(request)
            if lease.requests > 0 { return lease }
            usleep(50_000)
        }
    }

    func exchange(token: String = "") -> ServerExchange {
        ServerExchange(host: "127.0.0.1", port: String(server.port), token: token)
    }
}

@Suite struct LimitServerTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/retort-limit-XXXXXX".utf8CString)
        folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    @Test func leasesComeOverTheWire() throws {
        let limiter = try RunningLimiter(LimitTerms(requestsPerSecond: 100, moneyMax: 1000))
        let exchange = limiter.exchange()
        let lease = try limiter.lease(
            exchange, LeaseRequest(client: "a", requests: 4, moneyWanted: 100, moneyNeeded: 1))
        #expect(lease.requests == 4 && lease.moneyLimit == 100 && lease.terms.requestsPerSecond == 100)
        let next = try limiter.lease(exchange, LeaseRequest(client: "a", requests: 4, moneyBound: 100))
        #expect(next.start >= lease.time(of: 4) && next.moneyLimit == 100 && next.epoch == lease.epoch)
        #expect(limiter.server.counts.requests == 8)
    }

    @Test func onlyThoseWhoKnowTheTokenAreAnswered() throws {
        let limiter = try RunningLimiter(LimitTerms(requestsPerSecond: 100), token: "secret")
        for wrong in ["", "secreT", "secret2", "s"] {
            let error = #expect(throws: RetortError.self) {
                try limiter.exchange(token: wrong).lease(LeaseRequest(client: "a"))
            }
            #expect(error?.code == .configuration)
        }
        #expect(try limiter.exchange(token: "secret").lease(LeaseRequest(client: "a", requests: 1)).epoch != 0)
        #expect(limiter.server.counts.refused == 4)
    }

    @Test func aRestartedLimiterKnowsTheMoneyAndHonoursWhatWasGiven() throws {
        let state = folder + "/state"
        let terms = LimitTerms(requestsPerSecond: 10, moneyMax: 1000)
        let first = try RunningLimiter(terms, state: state)
        let exchange = first.exchange()
        #expect(try exchange.lease(LeaseRequest(client: "a", moneyWanted: 600, moneyNeeded: 600)).moneyLimit == 600)
        let before = try first.lease(exchange, LeaseRequest(client: "a", requests: 9, moneyBound: 600))
        #expect(throws: RetortError.self) { try RunningLimiter(terms, state: state) }
        first.stop()
        // A kill in the middle of a line.
        let file = try #require(fopen(state, "a"))
        fputs(#"{"client":"a","lim"#, file)
        fclose(file)
        let second = try RunningLimiter(terms, port: first.server.port, state: state)
        // The same connection as before, as for a client that continues.
        _ = try? exchange.lease(LeaseRequest(client: "b"))
        let after = try exchange.lease(LeaseRequest(client: "b", requests: 1, moneyWanted: 500, moneyNeeded: 500))
        #expect(after.isSpent && after.epoch != before.epoch)
        let given = try exchange.lease(LeaseRequest(client: "b", requests: 1, moneyWanted: 400, moneyNeeded: 1))
        let limit = try #require(given.moneyLimit)
        #expect((1...400).contains(limit) && second.server.counts.moneyLeft == 400 - limit)
        if given.requests > 0 { #expect(given.start >= before.time(of: 9)) }
    }

    @Test func rubbishEndsItsConnectionAndNothingElse() throws {
        let limiter = try RunningLimiter(LimitTerms(requestsPerSecond: 100))
        let good = limiter.exchange()
        _ = try good.lease(LeaseRequest(client: "a"))
        let long = [UInt8](repeating: 0x41, count: 100_000)
        for rubbish in [Array("\n".utf8), Array("GET / HTTP/1.1\r\n\r\n".utf8), Array("{}\n".utf8), long, [0, 0x0A]] {
            let socket = try LimitSocket.connected(
                host: "127.0.0.1", port: String(limiter.server.port), timeout: .seconds(5))
            _ = send(socket, rubbish, rubbish.count, Int32(MSG_NOSIGNAL))
            var byte: UInt8 = 0
            #expect(recv(socket, &byte, 1, 0) <= 0)
            close(socket)
            #expect(try good.lease(LeaseRequest(client: "a", requests: 1)).epoch != 0)
        }
    }

    @Test func aStateDoesNotGrowWithTime() throws {
        let path = folder + "/growing"
        for round in 0..<3 {
            let journal = try MoneyJournal(path, compactedFrom: 500)
            for limit in 0..<40 {
                for client in ["a", "b"] { try journal.note(client, limit: round * 100 + limit) }
            }
            // The file that replaced the old one is locked too.
            #expect(throws: RetortError.self) { try MoneyJournal(path) }
        }
        #expect(try MoneyJournal(path).money == ["a": 239, "b": 239])
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_size < 1000)
        #expect(access(path + ".next", F_OK) != 0)
    }

    @Test func aStateThatIsNoneIsRefused() throws {
        let path = folder + "/other"
        let file = try #require(fopen(path, "w"))
        fputs("hello\n", file)
        fclose(file)
        let error = #expect(throws: RetortError.self) { try MoneyJournal(path) }
        #expect(error?.code == .damagedData && error?.place == path + ":1")
        #expect(throws: RetortError.self) { try MoneyJournal(folder) }
    }

    /// Two processes that share a file, taking turns.
    @Test func aFileIsALimiterToo() throws {
        let path = folder + "/limit"
        let terms = LimitTerms(requestsPerSecond: 100, moneyMax: 1000)
        let (one, two) = (try FileExchange(path, terms), try FileExchange(path, terms))
        let first = try one.lease(LeaseRequest(client: "a", requests: 5, moneyWanted: 900, moneyNeeded: 900))
        let second = try two.lease(LeaseRequest(client: "b", requests: 5, moneyWanted: 200, moneyNeeded: 50))
        #expect(first.epoch == second.epoch && first.moneyLimit == 900 && second.moneyLimit == 50)
        let third = try two.lease(LeaseRequest(client: "b", requests: 5, moneyBound: 50))
        #expect(third.start >= first.time(of: first.requests) && third.requests > 0)
        let other = try FileExchange(path, LimitTerms(requestsPerSecond: 7))
        let error = #expect(throws: RetortError.self) { try other.lease(LeaseRequest(client: "c")) }
        #expect(error?.cause?.contains("100.0 requests/s") == true)
        let file = try #require(fopen(path, "w"))
        fputs("{", file)
        fclose(file)
        #expect(throws: RetortError.self) { try one.lease(LeaseRequest(client: "a")) }
    }

    @Test func linesThatAreNoneAreRefused() {
        var random = SeededRandom(seed: .random(in: 0...UInt64.max))
        let lease = Lease(
            start: Instant(nanoseconds: 5), step: .milliseconds(3), requests: 4, tokens: 9, grace: .milliseconds(20),
            moneyLimit: 77, isSpent: false, again: .zero, now: Instant(nanoseconds: 4), epoch: 8,
            terms: LimitTerms(requestsPerMinute: 60))
        let good = LeaseWire.line(lease)
        #expect((try? LeaseWire.lease(good)) == lease)
        for _ in 0..<3000 {
            var line = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                line[Int.random(in: 0..<line.count, using: &random)] = UInt8.random(in: 32...126, using: &random)
            }
            guard let read = try? LeaseWire.lease(line) else { continue }
            var allowance = Allowance()
            let now = Instant(nanoseconds: 1_000_000)
            allowance.add(read, sent: Instant(nanoseconds: 0), at: now)
            // Whatever it replies, time advances and nothing traps.
            for moment in [now, now + .seconds(1), now + .seconds(1e6)] {
                if let due = allowance.ready(tokens: 5, at: moment), due <= moment {
                    allowance.take(tokens: 5, at: moment)
                }
                _ = allowance.isDue(at: moment)
                _ = allowance.demand()
            }
        }
        for line in ["", "[]", "{}", #"{"error":"no"}"#, #"{"now_ns":1e400}"#] {
            #expect(throws: RetortError.self) { try LeaseWire.lease(Array(line.utf8)) }
        }
    }

    /// The client as an engine uses it, while its limiter is lost and found.
    @Test func aClientWaitsForALostLimiterOrFallsBack() throws {
        let terms = LimitTerms(requestsPerSecond: 200)
        let limiter = try RunningLimiter(terms)
        let port = limiter.server.port
        let (waiting, falling) = (
            try LimitClient(limiter.exchange()), try LimitClient(limiter.exchange(), fallbackShare: 0.1)
        )
        for (name, client) in [("w", waiting), ("f", falling)] { client.start(client: name, spentMax: 0) { _ in } }
        #expect(sends(waiting, 20, within: 10) && sends(falling, 20, within: 10))
        limiter.stop()
        // The leases end, and the client with a fallback takes its share.
        #expect(sends(falling, 40, within: 30))
        #expect(waiting.ready(tokens: 0, at: .now) == nil)
        let again = try RunningLimiter(terms, port: port)
        #expect(sends(waiting, 20, within: 30))
        waiting.finish(spentMax: 0)
        falling.finish(spentMax: 0)
        again.stop()
    }

    /// Whether a client sends this many requests within this many seconds.
    private func sends(_ client: LimitClient, _ count: Int, within seconds: Double) -> Bool {
        let end = Instant.now + .seconds(seconds)
        var sent = 0
        while sent < count {
            let now = Instant.now
            if now > end { return false }
            guard let due = client.ready(tokens: 0, at: now), due <= now else {
                usleep(500)
                continue
            }
            client.take(tokens: 0, at: now)
            sent += 1
        }
        return true
    }
}

/// Malicious clients.
@Suite struct HostileClientTests {
    private func raw(_ limiter: RunningLimiter) throws -> Int32 {
        try LimitSocket.connected(host: "127.0.0.1", port: String(limiter.server.port), timeout: .seconds(30))
    }

    private func reply(_ socket: Int32, to line: String) -> String? {
        _ = send(socket, line + "\n", line.utf8.count + 1, Int32(MSG_NOSIGNAL))
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(socket, &bytes, bytes.count, 0)
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }

    /// Enormous leases, negative numbers, invalid numbers: the reply is within bounds, and the next client is served as
    /// usual.
    @Test func absurdNumbersAreCutToWhatTheyMayBe() throws {
        let limiter = try RunningLimiter(LimitTerms(requestsPerSecond: 100, moneyMax: 1_000_000))
        let socket = try raw(limiter)
        for number in [
            "-1", "-9223372036854775808", "9223372036854775807", "1e308", "1e999", "\"5\"", "null", "[]", "0.5",
        ] {
            let members = ["requests", "tokens", "money_bound", "money_wanted", "money_needed", "refused", "pause_ns"]
            for member in members where member != "money_bound" && member != "refused" && member != "pause_ns" {
                let line = #"{"token":"","client":"evil","# + "\"\(member)\":\(number)}"
                guard let text = reply(socket, to: line) else { continue }
                let lease = try LeaseWire.lease(Array(text.utf8))
                #expect(lease.requests <= 100 && (lease.moneyLimit ?? 0) <= 1_000_000)
            }
        }
        close(socket)
        let good = limiter.exchange()
        let lease = try limiter.lease(good, LeaseRequest(client: "good", requests: 3))
        #expect(lease.requests > 0)
        // Even the maximum claim to money does not raise another client's limit above the whole.
        let claims = try raw(limiter)
        _ = reply(claims, to: #"{"token":"","client":"greedy","money_bound":9223372036854775807}"#)
        close(claims)
        #expect(limiter.server.counts.moneyLeft == 0)
        let spent = try good.lease(LeaseRequest(client: "good", moneyWanted: 10, moneyNeeded: 10))
        #expect(spent.isSpent && spent.moneyLimit == 0)
    }

    /// Connections that send nothing, or a byte now and then, are closed; clients stay.
    @Test func aSlowTalkerIsNoClient() throws {
        let limiter = try RunningLimiter(LimitTerms(requestsPerSecond: 100))
        let good = limiter.exchange()
        _ = try good.lease(LeaseRequest(client: "good"))
        let slow = try (0..<200).map { _ in try raw(limiter) }
        defer { for socket in slow { close(socket) } }
        let end = Instant.now + LimitServer.beginningMax + .seconds(20)
        var open = Set(slow)
        while !open.isEmpty, Instant.now < end {
            for socket in open {
                _ = send(socket, "{", 1, Int32(MSG_NOSIGNAL))
                var byte: UInt8 = 0
                let count = recv(socket, &byte, 1, Int32(MSG_DONTWAIT))
                if count == 0 || count < 0 && errno != EAGAIN { open.remove(socket) }
            }
            #expect(try good.lease(LeaseRequest(client: "good", requests: 1)).epoch != 0)
            usleep(300_000)
        }
        #expect(open.isEmpty)
    }
}
