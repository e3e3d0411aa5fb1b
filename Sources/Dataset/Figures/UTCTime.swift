/// A time in a report: Gregorian calendar, UTC, whole seconds.
package struct UTCTime: Sendable, Hashable {
    package let year: Int64
    package let month: Int64
    package let day: Int64
    /// Seconds since midnight.
    package let seconds: Int64

    /// The first second of the year 10000: later times are treated as unknown.
    package static let secondsMax = 253_402_300_800
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// From seconds since 1970. The year is counted from March, so that the leap day ends it; an era is 400 years.
    package init(_ secondsSince1970: Int64) {
        var days = secondsSince1970 / 86_400
        if secondsSince1970 % 86_400 < 0 { days -= 1 }
        seconds = secondsSince1970 - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `2026-11-20`
    package var date: String { "\(year)-\(Self.two(month))-\(Self.two(day))" }
    /// `20 Nov`
    package var shortDate: String { "\(day) \(Self.months[Int(month) - 1])" }
    /// `09:28`
    package var clock: String { "\(Self.two(seconds / 3600)):\(Self.two(seconds / 60 % 60))" }
    /// `09:28:26`
    package var longClock: String { "\(clock):\(Self.two(seconds % 60))" }
    /// `2026-11-20 09:28:26 UTC`
    package var text: String { "\(date) \(longClock) UTC" }

    /// `2026-11-20T09:28:26Z`
    package var iso: String { "\(date)T\(longClock)Z" }

    private static func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : String(value) }
}
