internal import Glibc

/// Dates of HTTP headers (RFC 9110, 5.6.7): in the preferred form, `Sun, 06 Nov 1994 08:49:37 GMT`, and read in the two
/// obsolete ones as well, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
public enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970, or nil if the text is not such a date.
    public static func seconds(_ text: String) -> Int64? {
        guard let parts = parts(text), let day = Int64(parts.day), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts.month)),
            let year = year(parts.year), (1970...9999).contains(year)
        else { return nil }
        let clock = parts.clock.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
        guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2],
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        return days(year: year, month: Int64(month + 1), day: day) * 86_400 + hour * 3_600 + minute * 60 + second
    }

    private static func parts(
        _ text: String
    ) -> (day: Substring, month: Substring, year: Substring, clock: Substring)? {
        let words = text.split(separator: " ")
        if words.count == 6, words[0].utf8.count == 4, words[0].last == ",", words[5] == "GMT" {
            return (words[1], words[2], words[3], words[4])
        }
        if words.count == 5, weekdays.contains(String(words[0])) {
            return (words[2], words[1], words[4], words[3])
        }
        guard words.count == 4, words[0].last == ",", words[3] == "GMT" else { return nil }
        let date = words[1].split(separator: "-", omittingEmptySubsequences: false)
        guard date.count == 3, date[2].utf8.count == 2 else { return nil }
        return (date[0], date[1], date[2], words[2])
    }

    /// Years of two digits are those from 1970 to 2069.
    private static func year(_ text: Substring) -> Int64? {
        guard let year = Int64(text) else { return nil }
        return text.utf8.count == 2 ? year + (year < 70 ? 2000 : 1900) : year
    }

    /// Days since 1970-01-01 in the Gregorian calendar. The year is counted from March so that the leap day ends it.
    public static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }

    /// The date of `seconds` since 1970.
    public static func text(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900)"
        return
            "\(weekdays[Int(parts.tm_wday)]), \(date) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
