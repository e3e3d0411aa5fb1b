internal import Basics

/// Times such as `2025-01-31T08:49:37Z` or `2025-01-31T08:49:37.25+01:00` (RFC 3339); fractions are dropped.
public enum RFC3339 {
    /// Seconds since 1970, or nil if the text is not such a time.
    public static func seconds(_ text: String) -> Int64? {
        guard text.utf8.count <= bytesMax else { return nil }
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] | 0x20 == UInt8(ascii: "t"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var rest = bytes[19...]
        if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop { $0 &- 0x30 < 10 } }
        guard let offset = offset(rest) else { return nil }
        return HTTPDate.days(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second - offset
    }

    private static let bytesMax = 40

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard digit &- 0x30 < 10 else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return value
    }

    /// Seconds east of UTC: `Z`, `+01:00`.
    private static func offset(_ zone: ArraySlice<UInt8>) -> Int64? {
        guard let sign = zone.first else { return nil }
        if zone.count == 1 { return sign | 0x20 == UInt8(ascii: "z") ? 0 : nil }
        let start = zone.startIndex
        guard zone.count == 6, "+-".utf8.contains(sign), zone[start + 3] == UInt8(ascii: ":"),
            let hours = number(zone[start + 1..<start + 3]), let minutes = number(zone[start + 4..<start + 6])
        else { return nil }
        let seconds = hours * 3_600 + minutes * 60
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }
}
