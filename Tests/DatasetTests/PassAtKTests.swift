import Testing

@testable import Dataset

struct PassAtKTests {
    /// 1 - C(n-c,k)/C(n,k) by factorials.
    private func exact(_ n: Int, _ c: Int, _ k: Int) -> Double {
        func choose(_ n: Int, _ k: Int) -> Double {
            k > n ? 0 : (0..<k).reduce(1.0) { $0 * Double(n - $1) / Double($1 + 1) }
        }
        return 1 - choose(n - c, k) / choose(n, k)
    }

    @Test func theEstimatorIsThatOfItsFormula() throws {
        for n in 1...12 {
            for c in 0...n {
                for k in 1...n {
                    let value = try #require(SampleCount(samples: n, passed: c).passAt(k))
                    #expect(abs(value - exact(n, c, k)) < 1e-12, "n \(n), c \(c), k \(k)")
                }
            }
        }
    }

    @Test func thereIsNoneWithoutEnoughSamples() {
        #expect(SampleCount(samples: 3, passed: 1).passAt(4) == nil)
        #expect(SampleCount().passAt(1) == nil)
        #expect(SampleCount(samples: 3, passed: 1).passAt(0) == nil)
        #expect(PassAtK(2, of: [SampleCount(samples: 1, passed: 1)]) == nil)
    }

    @Test func itemsWithTooFewSamplesAreLeftOutOfTheMean() throws {
        let items = [SampleCount(samples: 4, passed: 1), SampleCount(samples: 1, passed: 1), SampleCount(samples: 4)]
        let pass = try #require(PassAtK(2, of: items))
        #expect(pass.items == 2 && pass.value == 0.25)
    }

    @Test func theIntervalHoldsTheValueAndDependsOnNoOrder() throws {
        let items = (0..<200).map { SampleCount(samples: 5, passed: $0 % 6 == 0 ? 5 : $0 % 3) }
        let pass = try #require(PassAtK(1, of: items))
        #expect(pass.low < pass.value && pass.value < pass.high)
        #expect(pass.high - pass.low < 0.2 && !pass.isNormal)
        #expect(PassAtK(1, of: items.reversed()) == pass)
    }

    @Test func manyItemsHaveTheNormalIntervalWhichIsTheBootstrapsToo() throws {
        let few = (0..<PassAtK.bootstrapItemsMax).map { SampleCount(samples: 1, passed: $0 % 2) }
        let bootstrap = try #require(PassAtK(1, of: few))
        let normal = try #require(PassAtK(1, of: few + [SampleCount(samples: 1, passed: 0)]))
        #expect(normal.isNormal && !bootstrap.isNormal)
        #expect(abs(normal.low - bootstrap.low) < 0.003 && abs(normal.high - bootstrap.high) < 0.003)
    }
}
