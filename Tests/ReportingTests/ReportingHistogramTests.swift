import TestSupport
import Testing

@testable import Dataset
@testable import Reporting

@Suite struct ReportingHistogramTests {
    @Test func everyNumberFallsIntoTheBucketThatHoldsIt() {
        var next = 0
        for index in 0..<2000 {
            let range = LogHistogram.range(index)
            #expect(range.lowerBound == next, "bucket \(index) begins where the one before ends")
            #expect(LogHistogram.index(range.lowerBound) == index)
            #expect(LogHistogram.index(range.upperBound - 1) == index)
            #expect(
                range.count == 1 || Double(range.count) / Double(range.lowerBound) <= 2 * LogHistogram.relativeErrorMax)
            next = range.upperBound
        }
    }

    @Test func nothingHasNoQuantile() {
        let histogram = LogHistogram()
        #expect(histogram.quantile(0.5) == nil)
        #expect(histogram.minimum == nil)
        #expect(histogram.mean == nil)
        #expect(HistogramBars(histogram).bars.isEmpty)
        #expect(HistogramBars(histogram).range == nil)
    }

    @Test func quantilesStayWithinTheirError() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of quantilesStayWithinTheirError: \(seed)")
        var generator = SeededGenerator(seed: seed)
        for round in 0..<40 {
            let top = 1 << Int.random(in: 1...40, using: &generator)
            let numbers = (0..<Int.random(in: 1...3000, using: &generator)).map { _ in
                Int.random(in: 0...top, using: &generator)
            }
            var histogram = LogHistogram()
            for number in numbers { histogram.add(number) }
            let sorted = numbers.sorted()
            #expect(histogram.count == numbers.count)
            #expect(histogram.minimum == sorted.first)
            #expect(histogram.maximum == sorted.last)
            for share in [0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1] {
                let rank = max(1, Int((share * Double(sorted.count)).rounded(.up)))
                let exact = sorted[rank - 1]
                let found = histogram.quantile(share)!
                #expect(
                    Double(abs(found - exact)) <= Double(exact) * LogHistogram.relativeErrorMax,
                    "round \(round), share \(share): \(found) for \(exact)")
            }
            expectWhole(HistogramBars(histogram), histogram)
        }
    }

    /// Every number is in a bar, or is one of the zeros that a logarithmic axis leaves out.
    private func expectWhole(_ bars: HistogramBars, _ histogram: LogHistogram) {
        #expect(bars.bars.reduce(bars.zeros) { $0 + $1.count } == histogram.count)
        #expect(bars.bars.count <= HistogramBars.barsMax + 2)
        for (bar, next) in zip(bars.bars, bars.bars.dropFirst()) {
            #expect(bar.range.upperBound == next.range.lowerBound)
        }
        #expect(bars.zeros == 0 || bars.isLogarithmic)
    }

    @Test func smallNumbersGetABarEach() {
        var histogram = LogHistogram()
        for number in [0, 0, 1, 3, 3, 3] { histogram.add(number) }
        let bars = HistogramBars(histogram)
        #expect(!bars.isLogarithmic)
        #expect(bars.bars.map(\.count) == [2, 1, 0, 3])
        #expect(bars.range == 0..<4)
    }

    @Test func evenNumbersAboveTheExactOnesLeaveNoComb() {
        var histogram = LogHistogram()
        for number in 200..<260 { histogram.add(number) }
        let counts = HistogramBars(histogram).bars.map(\.count)
        #expect(Set(counts.dropLast()).count == 1, "\(counts)")
    }

    @Test func zerosAreCountedApartOnALogarithmicAxis() {
        var histogram = LogHistogram()
        for _ in 0..<7 { histogram.add(0) }
        for number in [3, 40, 900, 20_000] { histogram.add(number) }
        let bars = HistogramBars(histogram)
        #expect(bars.isLogarithmic)
        #expect(bars.zeros == 7)
        #expect(bars.bars.filter { $0.count > 0 }.count == 4)
    }

    @Test func ticksAreRound() {
        #expect(AxisTicks.niceStep(0.03) == 0.05)
        #expect(AxisTicks.niceStep(7) == 10)
        #expect(AxisTicks.niceStep(200) == 200)
        #expect(AxisTicks.niceStep(0) == 1)
        #expect(AxisTicks.fromZero(to: 97, count: 4) == [0, 50, 100])
        #expect(AxisTicks.fromZero(to: 0, count: 4) == [0, 1])
        #expect(AxisTicks.logarithmic(8..<1100) == [10, 20, 50, 100, 200, 500, 1000])
        #expect(AxisTicks.times(61..<200, step: 60) == [120, 180])
        #expect(AxisTicks.timeStep(61) == 120)
    }

    @Test func quantitiesAreShort() {
        #expect(Quantity.milliseconds.text(0.0) == "0ms")
        #expect(Quantity.milliseconds.text(850.0) == "850ms")
        #expect(Quantity.milliseconds.text(1250.0) == "1.25s")
        #expect(Quantity.milliseconds.text(125_000.0) == "2m05s")
        #expect(Quantity.tokens.tick(5000) == "5k")
        #expect(Quantity.tokens.tick(950) == "950")
        #expect(Quantity.tokens.text(1_234_567.0) == "1,234,567")
        #expect(Quantity.nanodollars.text(1_200_000.0) == "$0.0012")
        #expect(Quantity.milliseconds.text(nil) == "-")
        #expect(Quantity.rate(0.5) == "0.5")
    }
}
