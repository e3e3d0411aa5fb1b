import JSONText
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct SumEstimateTests {
    @Test func bothErrorsAddUp() throws {
        // 100 new items, 25 measured: the margin is z·s·√(100 + 100²/25) = z·2·√500.
        let estimate = SumEstimate(items: 100, itemMean: 10, deviation: 2, measured: 25)
        #expect(estimate.mean == 1000)
        let interval = try #require(estimate.interval)
        let margin = SumEstimate.quantile * 2 * 500.0.squareRoot()
        #expect(abs(interval.upperBound - (1000 + margin)) < 1e-9)
        #expect(abs(interval.lowerBound - (1000 - margin)) < 1e-9)
    }

    @Test func aSumIsNeverNegative() {
        #expect(SumEstimate(items: 1, itemMean: 1, deviation: 50, measured: 2).interval?.lowerBound == 0)
    }

    @Test func oneMeasurementGivesNoInterval() {
        #expect(SumEstimate(items: 5, itemMean: 3, deviation: 0, measured: 1) == SumEstimate(mean: 15))
    }

    @Test func scalesAndAdds() {
        let estimate = SumEstimate(mean: 10, interval: 8...12)
        #expect(estimate.scaled(by: 0.5) == SumEstimate(mean: 5, interval: 4...6))
        #expect(estimate + estimate == SumEstimate(mean: 20, interval: 16...24))
        #expect((estimate + SumEstimate(mean: 1)).interval == nil)
    }
}

@Suite struct StoreMeasurementsTests {
    private let folder = LivingFixture.Folder()

    private func measurements(_ successes: [(prompt: Int, completion: Int, latency: Int)]) throws -> StoreMeasurements {
        var measurements = StoreMeasurements()
        for (number, success) in successes.enumerated() {
            let prompt = String(repeating: "x", count: 4 * success.prompt - 11)
            measurements.note(
                RecordView(
                    try LivingFixture.parse(
                        #"{"id":"\#(number)","prompt":"\#(prompt)","usage":"#
                            + #"{"prompt_tokens":\#(success.prompt),"completion_tokens":\#(success.completion)},"#
                            + #""latency_ms":\#(success.latency)}"#)))
        }
        return measurements
    }

    @Test func promptTokensFollowTheBytes() throws {
        let measured = try measurements([(10, 5, 100), (30, 5, 100), (20, 5, 100)])
        // Four bytes per token in each, without any variance.
        let estimate = measured.promptTokens(bytes: 4000, items: 7)
        #expect(abs(estimate.mean - 1000) < 1e-6)
        let interval = try #require(estimate.interval)
        #expect(interval.upperBound - interval.lowerBound < 1e-3)
    }

    @Test func nothingMeasuredIsNothingKnown() {
        let measured = StoreMeasurements()
        #expect(measured.isEmpty)
        #expect(measured.completionTokens(items: 3) == nil)
        #expect(measured.latency(items: 3) == nil)
        #expect(measured.promptTokens(bytes: 400, items: 3) == SumEstimate(mean: 100))
    }

    @Test func meansAreThoseOfTheWholeStore() throws {
        var plan = StoreMeasurements()
        #expect(plan.completionTokens(items: 1) == nil)
        try LivingFixture.makeStore(
            folder("store"),
            successes: (0..<4).map {
                (
                    "\($0)",
                    #""prompt":"p","response":"r","usage":{"prompt_tokens":2,"completion_tokens":6},"latency_ms":50"#
                )
            })
        plan = try StoreMeasurements(try StoreReader(folder("store"), options: StoreAccess.options))
        #expect(!plan.isEmpty)
        // The tallies of these records are zero and have precedence over the values in the lines.
        #expect(plan.completionTokens(items: 10)?.mean == 0)
    }
}
