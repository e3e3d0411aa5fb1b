import Basics
import Testing

@testable import CommandLine

@Suite struct OptionValueTests {
    private func read(_ text: String, _ kind: ValueKind) -> OptionValue? { try? OptionValue.parse(text, as: kind) }

    private func message(_ text: String, _ kind: ValueKind) -> String? {
        do throws(ValueError) {
            _ = try OptionValue.parse(text, as: kind)
            return nil
        } catch {
            return error.message
        }
    }

    @Test(arguments: [
        ("0", 0), ("4096", 4096), ("4096b", 4096), ("1K", 1024), ("1k", 1024), ("1KiB", 1024), ("1kB", 1000),
        ("128K", 131_072), ("1.5M", 1_572_864), ("1GiB", 1 << 30), ("2GB", 2_000_000_000), ("1T", 1 << 40),
    ])
    func readsSizes(text: String, bytes: Int) {
        #expect(read(text, .size(0...Int.max)) == .size(bytes))
    }

    @Test(arguments: ["", "K", "-1", "1X", "1 K", "1KK", "1e3", "nan", "1.2.3K", "９"])
    func refusesWhatIsNoSize(text: String) {
        #expect(message(text, .size(0...Int.max))?.contains("is not a size") == true)
    }

    @Test func sizesKeepToTheirRange() {
        #expect(message("1K", .size(4096...1 << 20)) == "'1K' is out of range: 4 KiB to 1 MiB")
        #expect(message("9999999T", .size(0...1 << 20)) == "'9999999T' is out of range: 0 B to 1 MiB")
        #expect(message("99999999999999999999", .size(0...1 << 20))?.contains("out of range") == true)
    }

    @Test(arguments: [
        ("0", 0), ("200ms", 200_000_000), ("30s", 30_000_000_000), ("5m", 300_000_000_000),
        ("1h", 3_600_000_000_000), ("1.5s", 1_500_000_000), ("1h30m", 5_400_000_000_000), ("7us", 7000),
        ("2d", 172_800_000_000_000), ("1m0.5s", 60_500_000_000), ("26000d", Interval.longest.nanoseconds),
    ])
    func readsDurations(text: String, nanoseconds: Int64) {
        #expect(read(text, .anyDuration) == .duration(Interval(nanoseconds: nanoseconds)))
    }

    @Test(arguments: ["", "s", "-1s", "1x", "30m1h", "1s1s", "1 s", "1h5", "9", "1e3s", "0.5"])
    func refusesWhatIsNoDuration(text: String) {
        #expect(message(text, .anyDuration) != nil)
    }

    @Test func durationsNameTheUnitAndTheRange() {
        #expect(message("30", .anyDuration) == "'30' has no unit; write 30s or 30ms")
        let range = ValueKind.duration(.milliseconds(1) ... .seconds(3600))
        #expect(message("2h", range) == "'2h' is out of range: 1ms to 1h")
        #expect(message("9999999d", .anyDuration) == "'9999999d' is out of range: 0s to 26000d")
    }

    @Test func integersNameTheirRange() {
        #expect(read("-5", .integer(-9...9)) == .integer(-5))
        #expect(read("+5", .integer(-9...9)) == .integer(5))
        #expect(message("0", .integer(1...4096)) == "'0' is out of range: 1 to 4096")
        #expect(
            message("99999999999999999999", .integer(1...4096)) == "'99999999999999999999' is out of range: 1 to 4096")
        #expect(message("0", .integer(1...Int.max)) == "'0' is out of range: at least 1")
        #expect(message("1.5", .integer(1...9)) == "'1.5' is not an integer")
        #expect(message("", .integer(1...9)) == "'' is not an integer")
    }

    @Test func numbersAreDecimal() {
        #expect(read("-1.5e-3", .number(-1...1)) == .number(-0.0015))
        #expect(read(".5", .number(0...1)) == .number(0.5))
        for text in ["nan", "inf", "0x1p3", "1,5", "", "1.2.3", " 1"] {
            #expect(message(text, .number(0...10))?.hasSuffix("is not a number") == true, "\(text)")
        }
        #expect(message("1e999", .number(0...2.5)) == "'1e999' is out of range: 0 to 2.5")
        #expect(message("-1", .number(0 ... .infinity)) == "'-1' is out of range: at least 0")
    }

    @Test func wordsSuggestTheNearest() {
        let kind = ValueKind.choice(["auto", "always", "never"])
        #expect(read("never", kind) == .text("never"))
        #expect(message("allways", kind) == "'allways' is not one of auto, always, never; did you mean always?")
        #expect(message("x", kind) == "'x' is not one of auto, always, never")
    }

    @Test func eitherAWordOrAValue() {
        let kind = ValueKind.either(["auto"], or: .integer(1...9))
        #expect(read("auto", kind) == .text("auto"))
        #expect(read("7", kind) == .integer(7))
        #expect(message("many", kind) == "'many' is not an integer, and not auto")
    }

    @Test func listsAreCutAtCommasAndRepeatedOnesAreNot() {
        #expect(read("1,2,3", .list(.integer(0...9))) == .list([.integer(1), .integer(2), .integer(3)]))
        #expect(read("a,b", .repeated(.string)) == .list([.text("a,b")]))
        #expect(message("1,,2", .list(.integer(0...9))) == "'1,,2' has an empty item")
        #expect(message("1,10", .list(.integer(0...9))) == "'10' is out of range: 0 to 9")
    }

    @Test func pathsAreNeitherEmptyNorHaveNul() {
        #expect(read("-", .path) == .text("-"))
        #expect(message("", .path) == "the path is empty")
        #expect(message("a\0b", .path) == "the path has a NUL byte")
    }

    @Test func flagsOfTheEnvironment() {
        #expect(read("YES", .flag) == .flag(true))
        #expect(read("0", .flag) == .flag(false))
        #expect(message("maybe", .flag) == "'maybe' is neither true nor false")
    }

    @Test func longTextsAreCutInMessages() {
        let text = String(repeating: "x", count: 1000)
        #expect((message(text, .integer(0...1)) ?? text).count < 100)
    }

    @Test(arguments: [0, 1, 999, 1000, 60_000_000_000, 90_000_000_000, 5_400_000_000_000, Interval.longest.nanoseconds])
    func exactDurationTextReadsBack(nanoseconds: Int64) {
        let text = DurationText.exact(Interval(nanoseconds: nanoseconds))
        #expect(read(text, .anyDuration) == .duration(Interval(nanoseconds: nanoseconds)), "\(text)")
    }
}
