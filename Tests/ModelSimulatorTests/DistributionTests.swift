import Basics
import Testing

@testable import ModelSimulator

@Suite struct DistributionTests {
    @Test func readsLatencies() throws {
        #expect(try Distribution.latency(parsing: "200ms") == .fixed(0.2))
        #expect(try Distribution.latency(parsing: "0") == .fixed(0))
        #expect(try Distribution.latency(parsing: "250us") == .fixed(250e-6))
        #expect(try Distribution.latency(parsing: "1.5m") == .fixed(90))
        #expect(try Distribution.latency(parsing: "lognormal:2s,0.5") == .lognormal(median: 2, sigma: 0.5))
        #expect(try Distribution.tokens(parsing: "lognormal:130,0.4") == .lognormal(median: 130, sigma: 0.4))
        #expect(try Distribution.tokens(parsing: "40") == .fixed(40))
    }

    @Test(arguments: [
        "", "200", "-1s", "ms", "infs", "lognormal:", "lognormal:1s", "lognormal:0,1", "lognormal:1s,x",
        "lognormal:1s,-1", "lognormal:1s,1,1", "normal:1s,1",
    ])
    func refusesWhatIsNoLatency(text: String) {
        #expect {
            try Distribution.latency(parsing: text)
        } throws: { ($0 as? RetortError)?.code == .configuration && ($0 as? RetortError)?.remedy != nil }
    }

    @Test func lognormalHasItsMedianAndMean() {
        let distribution = Distribution.lognormal(median: 132, sigma: 0.5)
        #expect(abs(distribution.mean - 149.6) < 0.1)
        let samples = (0..<20_000).map { index in
            var random = SplitMix64(seed: 1, UInt64(index), 1, for: .latency)
            return distribution.sample(&random)
        }
        let mean = samples.reduce(0, +) / 20_000
        #expect(abs(mean - 149.6) < 4, "mean \(mean)")
        let median = samples.sorted()[10_000]
        #expect(abs(median - 132) < 4, "median \(median)")
    }

    @Test func drawsBelowACountReachAllOfIt() {
        var random = SplitMix64(seed: 3, 0, 0, for: .text)
        let drawn = Set((0..<1000).map { _ in random.below(7) })
        #expect(drawn == Set(0..<7))
    }
}
