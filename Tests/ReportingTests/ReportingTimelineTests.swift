import TestSupport
import Testing

@testable import Dataset
@testable import Reporting

@Suite struct ReportingTimelineTests {
    /// A timeline with one answer at each of some moments.
    private func timeline(_ moments: some Sequence<Int64>) -> Timeline {
        var timeline = Timeline()
        for moment in moments { timeline.add(at: moment) { $0.done += 1 } }
        return timeline
    }

    @Test func keepsEveryOutcomeWhileItsBinsBecomeLonger() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of keepsEveryOutcomeWhileItsBinsBecomeLonger: \(seed)")
        var generator = SeededGenerator(seed: seed)
        var timeline = Timeline()
        for number in 0..<30_000 {
            timeline.add(at: Int64.random(in: 0..<3_000_000, using: &generator)) { bin in
                if number % 3 == 0 { bin.countFailure(number % 4) } else { bin.done += 1 }
                bin.cost += 0.5
            }
        }
        let bins = timeline.sorted
        #expect(bins.count <= Timeline.binsMax + 1)
        #expect(bins.reduce(0) { $0 + $1.bin.done } == 20_000)
        #expect(bins.reduce(0) { $0 + $1.bin.failed } == 10_000)
        #expect(bins.reduce(0) { $0 + $1.bin.cost } == 15_000)
        #expect(bins.allSatisfy { $0.start % timeline.binSeconds == 0 })
        #expect(bins.map(\.start) == bins.map(\.start).sorted())
        let columns = TimeColumns(timeline)
        #expect(columns.count <= TimeColumns.columnsMax)
        #expect(columns.stretches.flatMap(\.columns).reduce(0) { $0 + $1.done } == 20_000)
    }

    @Test func orderDoesNotMatter() {
        let moments = (0..<5000).map { Int64($0 * 7 % 5000) }
        #expect(timeline(moments) == timeline(moments.sorted()))
    }

    @Test func lengthsAreMultiplesOfTheOnesBefore() {
        for (length, next) in zip(Timeline.lengths, Timeline.lengths.dropFirst()) { #expect(next % length == 0) }
    }

    @Test func longPausesAreCutOutAndShortOnesAreNot() {
        let columns = TimeColumns(timeline([0..<600, 660..<1200, 90_000..<90_600].joined().map { Int64($0) }))
        #expect(columns.stretches.count == 2)
        #expect(columns.stretches[0].start == 0)
        #expect(columns.stretches[1].start == 90_000)
        #expect(columns.activeSeconds == 1800)
        #expect(columns.columnSeconds == 10)
        #expect(columns.count == 180)
    }

    @Test func aSlowRunIsNotTornApart() {
        let columns = TimeColumns(timeline((0..<100).map { Int64($0 * 300) }))
        #expect(columns.stretches.count == 1)
        #expect(columns.stretches[0].columns.reduce(0) { $0 + $1.done } == 100)
    }

    @Test func ratesAreOfTheTimeThatWasCovered() {
        // Columns of 2 seconds, the last of which is half covered.
        let columns = TimeColumns(timeline((1_000_003..<1_000_254).map { Int64($0) }))
        #expect(columns.columnSeconds == 2)
        let covered = columns.stretches[0].columns.indices.map { columns.coveredSeconds(0, $0) }
        let rates = zip(columns.stretches[0].columns, covered).map { Double($0.done) / Double($1) }
        #expect(rates.allSatisfy { $0 == 1 }, "\(rates)")
        #expect(columns.activeSeconds == 251)
        #expect(columns.recent(60).bin.done == 61)
        #expect(columns.recent(60).seconds == 61)
    }

    @Test func emptyAndSingle() {
        #expect(TimeColumns(Timeline()).count == 0)
        #expect(TimeColumns(Timeline()).activeSeconds == 0)
        #expect(TimeColumns(Timeline()).recent(60).seconds == 0)
        let single = TimeColumns(timeline([1_700_000_000]))
        #expect(single.count == 1)
        #expect(single.activeSeconds == 1)
    }

    @Test func calendar() {
        #expect(UTCTime(0).text == "1970-01-01 00:00:00 UTC")
        #expect(UTCTime(951_782_400).date == "2000-02-29")
        #expect(UTCTime(1_709_251_199).text == "2024-02-29 23:59:59 UTC")
        #expect(UTCTime(1_795_167_788).text == "2026-11-20 09:43:08 UTC")
        #expect(UTCTime(1_795_167_788).shortDate == "20 Nov")
        #expect(UTCTime(-1).text == "1969-12-31 23:59:59 UTC")
        #expect(UTCTime(4_107_542_400).date == "2100-03-01")
    }
}
