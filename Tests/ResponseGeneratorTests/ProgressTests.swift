import Basics
import ModelAPI
import TestSupport
import Testing

@testable import ResponseGenerator

@Suite struct ProgressTests {
    @Test(arguments: [(1, 5), (9, 5), (10, 10), (100, 10), (101, 20), (500, 20), (501, 50), (10_000, 50)])
    func batchesGrowWithTheConcurrency(concurrency: Int, count: Int) {
        #expect(ProgressCounter.batchCount(concurrency: concurrency) == count)
    }

    @Test func theRateForgetsWhatLiesBehindTheWindow() {
        let start = Instant(nanoseconds: 0)
        var rate = SlidingRate(at: start)
        // A minute at 100 per second, then a minute at 10.
        for step in 1...600 { rate.add(done: step * 10, at: start + .milliseconds(Int64(step) * 100)) }
        #expect(abs(rate.perSecond(at: start + .seconds(60)) - 100) < 1)
        for step in 1...600 { rate.add(done: 6000 + step, at: start + .milliseconds(60_000 + Int64(step) * 100)) }
        #expect(abs(rate.perSecond(at: start + .seconds(120)) - 10) < 0.5)
        // A pause lowers it.
        #expect(rate.perSecond(at: start + .seconds(180)) < 5)
    }

    @Test func aRunReportsByBatches() async throws {
        let clock = ManualClock()
        let reports = Reports()
        let transport = ScriptedTransport(clock) { call in .answer(latency: .milliseconds(Int64(call.number))) }
        _ = try await generator(clock, transport, concurrency: 20, observer: reports) { $0.itemsTotal = 1000 }
            .run(source: NumberSource(1000), sink: MemorySink())
        let dones = reports.all.map(\.done)
        #expect(dones == dones.sorted() && dones.last == 1000)
        // Before the last items, each report covers minimum ten results.
        let early = dones.prefix { $0 < 980 }.filter { $0 > 0 }
        #expect(zip(early, early.dropFirst()).allSatisfy { $1 - $0 >= 10 })
        #expect(early.count >= 60)
        let middle = try #require(reports.all.first { $0.done >= 500 })
        #expect(middle.inFlight > 0 && middle.concurrency == 20)
        let left = try #require(middle.timeLeft)
        #expect(left > .zero)
    }

    @Test func aLongTailIsReportedByBatchesToo() async throws {
        let clock = ManualClock()
        let reports = Reports()
        // All are in flight at once, so all count as last items; they end one by one.
        let transport = ScriptedTransport(clock) { call in .answer(latency: .milliseconds(Int64(call.number))) }
        _ = try await generator(clock, transport, concurrency: 1000, observer: reports)
            .run(source: NumberSource(1000), sink: MemorySink())
        let long = reports.all.filter { $0.done > 0 && $0.inFlight > RunLoop.tailItemsMax }
        #expect((15...20).contains(long.count), "\(long.count) reports of 900 results")
        // The last ones are reported one by one.
        #expect(Set(reports.all.map(\.done)).isSuperset(of: 901...1000))
    }

    @Test func silenceIsReported() async throws {
        let clock = ManualClock()
        let reports = Reports()
        let transport = ScriptedTransport(clock) { _ in .answer(latency: .seconds(20)) }
        _ = try await generator(clock, transport, concurrency: 4, observer: reports)
            .run(source: NumberSource(4), sink: MemorySink())
        let waits = reports.all.filter { $0.inFlight == 4 }.compactMap(\.oldestInFlight)
        #expect(waits.count >= 19 && waits == waits.sorted())
        #expect(try #require(waits.last) >= .seconds(19))
    }

    @Test func theTailSaysWhatItWaitsFor() async throws {
        let clock = ManualClock()
        let reports = Reports()
        let transport = ScriptedTransport(clock) { call in
            call.body == "99" && call.attempt == 1 ? .error(429, headers: [("retry-after", "120")]) : .answer()
        }
        let generator = try generator(clock, transport, observer: reports)
        _ = await generator.run(source: NumberSource(100), sink: MemorySink())
        let tail = reports.all.filter { $0.waiting == 1 && $0.inFlight == 0 }
        #expect(tail.allSatisfy { $0.waitingByClass == [.rateLimited: 1] })
        let waits = tail.compactMap(\.nextRetryIn)
        #expect(try #require(waits.first).seconds > 100)
        #expect(waits == waits.sorted(by: >))
        #expect(generator.progress.done == 100)
    }
}
