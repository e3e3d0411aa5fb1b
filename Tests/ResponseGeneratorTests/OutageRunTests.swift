import Basics
import ModelAPI
import ResponseGenerator
import TestSupport
import Testing

@Suite struct OutageRunTests {
    let clock = ManualClock()
    let sink = MemorySink()

    private func outage(_ range: Range<Double>, _ reply: ScriptedTransport.Reply) -> ScriptedTransport {
        ScriptedTransport(clock) { call in
            range.contains((call.time - Instant(nanoseconds: 0)).seconds) ? reply : .answer()
        }
    }

    @Test(arguments: [ScriptedTransport.Reply.broken(.connection), .error(503), .error(502)])
    func twentySecondsWithoutAServerCostNoItem(reply: ScriptedTransport.Reply) async throws {
        let transport = outage(1..<21, reply)
        let summary = try await generator(clock, transport, concurrency: 20) { $0.attemptsMax = 3 }
            .run(source: NumberSource(2000), sink: sink)
        #expect(summary.ending == .completed && sink.answered == 2000)
        let probes = transport.counts.times.count {
            let time = ($0 - Instant(nanoseconds: 0)).seconds
            return time > 1.5 && time < 21
        }
        #expect((3...8).contains(probes), "one probe at a time")
        // 5 s of work, 20 s of outage, maximum one probe's delay, and the backoff of the requests that failed first.
        #expect((clock.now - Instant(nanoseconds: 0)).seconds < 34)
    }

    @Test(arguments: [nil, "20"])
    func aMinuteInWhichAllIsRefusedCostsNoItem(hint: String?) async throws {
        let headers = hint.map { [(name: "retry-after", value: $0)] } ?? []
        let transport = outage(1..<61, .error(429, headers: headers))
        let summary = try await generator(clock, transport, concurrency: 50)
            .run(source: NumberSource(3000), sink: sink)
        #expect(summary.ending == .completed && sink.answered == 3000)
        let refused = transport.counts.times.count {
            let time = ($0 - Instant(nanoseconds: 0)).seconds
            return time >= 1 && time < 61
        }
        #expect(refused < (hint == nil ? 90 : 60))
        #expect((clock.now - Instant(nanoseconds: 0)).seconds < 100)
    }

    @Test func anAPIThatRefusesForGoodEndsTheRun() async throws {
        let transport = outage(1..<1e9, .error(429))
        let summary = try await generator(clock, transport, concurrency: 50).run(source: NumberSource(3000), sink: sink)
        #expect(summary.ending == .failed && summary.error?.message.contains("refused every request") == true)
        #expect(sink.failed == 0)
    }

    @Test func anOutageInTheTailCostsNoItemEither() async throws {
        let transport = outage(0..<40, .broken(.connection))
        let summary = try await generator(clock, transport, concurrency: 4).run(source: NumberSource(3), sink: sink)
        #expect(summary.ending == .completed && sink.answered == 3)
    }

    @Test func itemsThatAlwaysMakeTheServerFailEnd() async throws {
        let transport = ScriptedTransport(clock) { Int($0.body)! < 3 ? .error(500) : .answer() }
        let summary = try await generator(clock, transport, concurrency: 4).run(source: NumberSource(50), sink: sink)
        #expect(summary.ending == .completed)
        #expect(sink.answered == 47 && sink.failed == 3)
        #expect(transport.counts.perBody["0"] == GeneratorConfiguration.attemptsMaxDefault)
    }

    @Test func aServerThatStaysDownEndsTheRun() async throws {
        let reports = Reports()
        let transport = outage(1..<1e9, .broken(.connection))
        let summary = try await generator(clock, transport, concurrency: 20, observer: reports) {
            $0.outageMax = .seconds(60)
        }.run(source: NumberSource(100_000), sink: sink)
        #expect(summary.ending == .failed && summary.error?.code == .incomplete)
        #expect(sink.failed == 0 && sink.answered == 400)
        #expect(reports.all.contains { $0.hold == .serverDown })
        #expect((clock.now - Instant(nanoseconds: 0)).seconds < 70)
    }
}
