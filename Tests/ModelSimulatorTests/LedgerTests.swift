import Basics
import JSONText
import Testing

@testable import ModelSimulator

@Suite struct LedgerTests {
    private let receipt = Receipt(item: 7, promptTokens: 3, completionTokens: 5)

    @Test func givenIsNotAnswered() {
        var ledger = Ledger(remembersItems: true)
        ledger.receive(at: .now)
        #expect(ledger.attempt(at: 7) == 1)
        ledger.give(status: 200, receipt)
        #expect(ledger.counts.given == 1 && ledger.counts.answered == 0 && ledger.counts.inFlight == 1)
        ledger.end(nil, epoch: ledger.epoch)
        #expect(ledger.counts.answered == 0 && ledger.counts.inFlight == 0)
        #expect(ledger.items[7] == ItemTally(attempts: 1, given: 1, answered: 0))
        #expect(ledger.items[7]?.refused == 1)
    }

    @Test func itemsAnsweredAgainAreCountedOnce() {
        var ledger = Ledger(remembersItems: true)
        for expected in 1...3 {
            ledger.receive(at: .now)
            #expect(ledger.attempt(at: 7) == expected)
            ledger.give(status: 200, receipt)
            ledger.end(receipt, epoch: ledger.epoch)
        }
        #expect(ledger.counts.items == 1 && ledger.counts.itemsAnswered == 1 && ledger.counts.itemsAnsweredAgain == 1)
        #expect(ledger.counts.answered == 3 && ledger.counts.completionTokens == 15 && ledger.counts.promptTokens == 9)
    }

    @Test func theEndOfARequestFromBeforeAResetIsNoOnes() {
        var ledger = Ledger(remembersItems: true)
        ledger.openConnection()
        ledger.receive(at: .now)
        let epoch = ledger.epoch
        ledger.reset()
        ledger.end(receipt, epoch: epoch)
        var expected = SimulatorCounts()
        expected.connectionsOpen = 1
        #expect(ledger.counts == expected && ledger.items.isEmpty)
    }

    @Test func withoutMemoryAttemptsGoOnCounting() {
        var ledger = Ledger(remembersItems: false)
        ledger.receive(at: .now)
        #expect(ledger.attempt(at: 1) == 1)
        ledger.receive(at: .now)
        #expect(ledger.attempt(at: 9) == 2)
        ledger.give(status: 200, receipt)
        ledger.end(receipt, epoch: 0)
        #expect(ledger.items.isEmpty && ledger.counts.answered == 1)
    }

    @Test func theCountsAreOneJSONObject() throws {
        var counts = SimulatorCounts()
        counts.requests = 12
        counts.inFlightPeak = 4
        counts.statuses = [500: 2, 200: 10]
        counts.faults = [.internalError: 2]
        let root = try json(counts.json)
        #expect(root["requests"]?.int == 12 && root["in_flight_peak"]?.int == 4)
        #expect(root["statuses"]?.members.map { $0.key.string } == ["200", "500"])
        #expect(root["faults"]?["500"]?.int == 2)
    }

    /// The maximum in any time span, whatever second it begins in.
    @Test func windowsAreCountedExactly() {
        var random = SystemRandomNumberGenerator()
        var ledger = Ledger(remembersItems: false, countsWindows: true)
        var times: [Int64] = []
        var now: Int64 = 5_000_000_000
        for _ in 0..<3000 {
            now += Int64.random(in: 0...40_000_000, using: &random)
            times.append(now)
            ledger.receive(at: Instant(nanoseconds: now))
        }
        func most(_ length: Int64) -> Int {
            times.map { start in times.count { $0 >= start && $0 - start < length } }.max() ?? 0
        }
        #expect(ledger.counts.mostInSecond == most(1_000_000_000))
        #expect(ledger.counts.mostInMinute == most(60_000_000_000))
    }
}
