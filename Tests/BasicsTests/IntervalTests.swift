import Testing

@testable import Basics

@Suite struct IntervalTests {
    @Test(arguments: [
        (0.0, 0), (1.5, 1_500_000_000), (-1.5, -1_500_000_000), (1e-9, 1), (.nan, 0),
        (1e300, Interval.longest.nanoseconds), (-.infinity, -Interval.longest.nanoseconds),
        (.infinity, Interval.longest.nanoseconds),
    ])
    func secondsOfAnySize(_ seconds: Double, _ nanoseconds: Int64) {
        #expect(Interval.seconds(seconds).nanoseconds == nanoseconds)
    }

    @Test(arguments: [(0, 0), (7, 7_000_000), (-7, -7_000_000)])
    func milliseconds(_ milliseconds: Int64, _ nanoseconds: Int64) {
        #expect(Interval.milliseconds(milliseconds).nanoseconds == nanoseconds)
    }

    @Test func theLongestCanBeAddedToAnInstant() {
        let longest = Interval.milliseconds(.max)
        #expect(longest == .longest && Interval.milliseconds(.min) == .zero - .longest)
        #expect(Instant.now + longest + longest > .now)
        #expect(longest * 1e9 == .longest && longest * -1e9 == .zero - .longest)
        #expect(Interval.seconds(2) * 1.5 == .seconds(3))
    }
}
