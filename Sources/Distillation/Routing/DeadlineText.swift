package import Basics
import CommandLine
import Glibc
import ModelAPI

/// Parses a deadline: `2h`, `9:00`, `Mon 9:00`, `2026-12-01 09:00`, `2026-12-01T09:00Z`. Without a time zone it is in
/// the local one.
package enum DeadlineText {
    /// Maximum days until a deadline.
    package static let daysMax = 366

    private static let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    /// Seconds since 1970, possibly in the past. Throws `.usage` if the text is not a time or is more than a year away.
    package static func seconds(_ text: String, now: Double, at place: String? = nil) throws(RetortError) -> Double {
        let trimmed = text.split(separator: " ").joined(separator: " ")
        guard let moment = duration(trimmed, now) ?? moment(trimmed, now) else {
            throw RetortError(
                .usage, "the deadline \(CellWidth.sanitized(text)) is not a time", at: place,
                remedy: "Write it like 2h, 9:00, 'Mon 9:00', '2026-12-01 09:00' or 2026-12-01T09:00Z.")
        }
        guard moment <= now + Double(daysMax) * 86_400 else {
            throw RetortError(
                .usage, "the deadline \(CellWidth.sanitized(text)) is more than a year away", at: place,
                remedy: "Name an earlier one, or send everything with --via batch.")
        }
        return moment
    }

    private static func duration(_ text: String, _ now: Double) -> Double? {
        DurationText.interval(text).map { now + $0.seconds }
    }

    private static func moment(_ text: String, _ now: Double) -> Double? {
        // RFC 3339 requires seconds; people leave them out.
        for candidate in [text, withSeconds(text)] {
            if let seconds = RFC3339.seconds(candidate) { return Double(seconds) }
        }
        let parts = text.split { $0 == " " || $0 == "T" }
        guard let last = parts.last, let time = time(last) else { return nil }
        var day = local(now)
        (day.tm_hour, day.tm_min, day.tm_sec) = (time.hour, time.minute, 0)
        switch parts.count {
        case 1:
            let today = seconds(day)
            if today > now { return today }
            day.tm_mday += 1
            return seconds(day)
        case 2:
            if let date = date(parts[0]) {
                (day.tm_year, day.tm_mon, day.tm_mday) = (date.year - 1900, date.month - 1, date.day)
                return seconds(day)
            }
            guard parts[0].count >= 3,
                let weekday = weekdays.firstIndex(where: { parts[0].lowercased().prefix(3) == $0 })
            else { return nil }
            day.tm_mday += (Int32(weekday) - day.tm_wday + 7) % 7
            if seconds(day) <= now { day.tm_mday += 7 }
            return seconds(day)
        default: return nil
        }
    }

    /// `2026-12-01T09:00Z` with seconds; other texts are unchanged.
    private static func withSeconds(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count > 16, bytes[10] == UInt8(ascii: "T"), bytes[16] != UInt8(ascii: ":") else { return text }
        return String(text.prefix(16)) + ":00" + String(text.dropFirst(16))
    }

    private static func time(_ text: Substring) -> (hour: Int32, minute: Int32)? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].count == 2, let hour = Int32(parts[0]), let minute = Int32(parts[1]),
            (0..<24).contains(hour), (0..<60).contains(minute)
        else { return nil }
        return (hour, minute)
    }

    private static func date(_ text: Substring) -> (year: Int32, month: Int32, day: Int32)? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = Int32(parts[0]), let month = Int32(parts[1]), let day = Int32(parts[2]),
            (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        return (year, month, day)
    }

    private static func local(_ seconds: Double) -> tm {
        var time = time_t(seconds)
        var fields = tm()
        localtime_r(&time, &fields)
        return fields
    }

    private static func seconds(_ fields: tm) -> Double {
        var fields = fields
        // Lets the C library determine whether daylight saving time applies.
        fields.tm_isdst = -1
        return Double(mktime(&fields))
    }

    /// The time in the local zone: `Mon 2026-12-01 09:00`.
    package static func text(_ seconds: Double) -> String {
        let fields = local(seconds)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }
        let weekday = weekdays[Int(fields.tm_wday)].capitalizedFirst
        let time = "\(two(fields.tm_hour)):\(two(fields.tm_min)):\(two(fields.tm_sec))"
        return "\(weekday) \(fields.tm_year + 1900)-\(two(fields.tm_mon + 1))-\(two(fields.tm_mday)) \(time)"
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
