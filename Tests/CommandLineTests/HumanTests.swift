import Basics
import CommandLine
import Testing

@Suite struct HumanTests {
    @Test(arguments: [
        (0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (-1234, "-1,234"), (1_234_567, "1,234,567"),
        (Int.max, "9,223,372,036,854,775,807"), (Int.min, "-9,223,372,036,854,775,808"),
    ])
    func counts(value: Int, text: String) { #expect(Human.count(value) == text) }

    @Test(arguments: [
        (0.0, "0"), (1, "1"), (0.5, "0.50"), (12.34, "12.3"), (999, "999"), (999.6, "1.00k"), (1000, "1.00k"),
        (12_345, "12.3k"),
        (123_456, "123k"), (999_949, "1.00M"), (4_560_000, "4.56M"), (2e9, "2.00G"), (3e15, "3000T"),
    ])
    func compactNumbers(value: Double, text: String) { #expect(Human.compact(value) == text) }

    @Test(arguments: [
        (0, "0 B"), (17, "17 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.50 KiB"), (131_072, "128 KiB"),
        (1 << 30, "1 GiB"), (5_000_000_000, "4.66 GiB"),
    ])
    func byteCounts(value: Int, text: String) { #expect(Human.bytes(value) == text) }

    @Test(arguments: [
        (0, "0s"), (0.0004, "0ms"), (0.85, "850ms"), (0.9996, "1s"), (1.4, "1s"), (45, "45s"), (59.6, "1m00s"),
        (185, "3m05s"),
        (3599.6, "1h00m"), (3720, "1h02m"), (86_399, "1d00h"), (187_200, "2d04h"), (-45, "-45s"),
        (31_536_000, "365d00h"),
    ])
    func durations(seconds: Double, text: String) {
        #expect(Human.duration(.seconds(seconds)) == text)
    }

    @Test func theLongestDurations() {
        #expect(Human.duration(Interval(nanoseconds: .max)) == "106752d00h")
    }

    @Test(arguments: [
        (0.0, "0.00/s"), (0.52, "0.52/s"), (12.34, "12.3/s"), (456.7, "457/s"), (999.6, "1,000/s"), (1234.4, "1,234/s"),
        (Double.infinity, "inf/s"),
    ])
    func rates(value: Double, text: String) { #expect(Human.rate(value) == text) }

    @Test(arguments: [
        (0.0, "$0.00"), (4.56, "$4.56"), (1234.5, "$1,234.50"), (0.1, "$0.10"), (0.012, "$0.012"), (0.0012, "$0.0012"),
        (0.00000012, "$0.000000"), (-3, "-$3.00"), (0.999, "$1.00"),
    ])
    func dollars(value: Double, text: String) { #expect(Human.dollars(value) == text) }

    @Test(arguments: [
        (0, 10, "0.0%"), (453, 1000, "45.3%"), (999_999, 1_000_000, "99.9%"), (9996, 10_000, "99.9%"),
        (990, 1000, "99.0%"),
        (9, 1000, "0.9%"), (2, 3, "66.7%"), (1, 3, "33.3%"), (Int.max, Int.max, "100.0%"), (12, 10, "120.0%"),
        (10, 10, "100.0%"), (1, 0, "-"),
        (Int.max / 2, Int.max, "50.0%"),
    ])
    func percentages(part: Int, whole: Int, text: String) { #expect(Human.percent(part, of: whole) == text) }

    @Test(arguments: [
        (1.005, 1, "1.0"), (-0.04, 1, "0.0"), (-0.06, 1, "-0.1"), (2.5, 0, "3"), (0.05, 2, "0.05"),
        (1e300, 2, "1e+300"),
        (Double.nan, 2, "nan"),
    ])
    func fixedDecimals(value: Double, decimals: Int, text: String) { #expect(Human.fixed(value, decimals) == text) }
}
