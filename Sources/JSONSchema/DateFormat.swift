/// Dates and times of RFC 3339, and durations of its appendix A.
enum DateFormat {
    static func isDateTime(_ text: [UInt8]) -> Bool {
        guard text.count > 11, text[10] | 0x20 == UInt8(ascii: "t") else { return false }
        return isDate(Array(text[..<10])) && isTime(Array(text[11...]))
    }

    static func isDate(_ text: [UInt8]) -> Bool {
        guard text.count == 10, text[4] == 0x2D, text[7] == 0x2D, let year = number(text[0..<4]),
            let month = number(text[5..<7]), let day = number(text[8..<10]), (1...12).contains(month)
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return day >= 1 && day <= days[month - 1]
    }

    static func isTime(_ text: [UInt8]) -> Bool {
        guard text.count >= 9, text[2] == 0x3A, text[5] == 0x3A, let hour = number(text[0..<2]),
            let minute = number(text[3..<5]), let second = number(text[6..<8]), hour < 24, minute < 60, second <= 60
        else { return false }
        var rest = text[8...]
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { Bytes.isDigit($0) }
            if digits.isEmpty { return false }
            rest = rest[digits.endIndex...]
        }
        guard let offset = offsetMinutes(rest) else { return false }
        if second < 60 { return true }
        // A leap second can only be the last second of a UTC day.
        let minutes = ((hour * 60 + minute - offset) % 1440 + 1440) % 1440
        return minutes == 1439
    }

    private static func offsetMinutes(_ text: ArraySlice<UInt8>) -> Int? {
        if text.count == 1, text.first! | 0x20 == UInt8(ascii: "z") { return 0 }
        let bytes = Array(text)
        guard bytes.count == 6, bytes[0] == 0x2B || bytes[0] == 0x2D, bytes[3] == 0x3A,
            let hours = number(bytes[1..<3]), let minutes = number(bytes[4..<6]), hours < 24, minutes < 60
        else { return nil }
        return (bytes[0] == 0x2D ? -1 : 1) * (hours * 60 + minutes)
    }

    static func isDuration(_ text: [UInt8]) -> Bool {
        guard text.first == UInt8(ascii: "P"), text.count > 2 else { return false }
        let parts = text.dropFirst().split(separator: UInt8(ascii: "T"), maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 1, parts[0].last == UInt8(ascii: "W") { return isSequence(parts[0], of: "W") }
        guard parts[0].isEmpty || isSequence(parts[0], of: "YMD") else { return false }
        return parts.count == 1 ? !parts[0].isEmpty : isSequence(parts[1], of: "HMS")
    }

    /// Numbers followed by these units, in this order and without a gap between the first and the last.
    private static func isSequence(_ text: ArraySlice<UInt8>, of units: String) -> Bool {
        var rest = text
        var left = Array(units.utf8)[...]
        var isFirst = true
        while !rest.isEmpty {
            let digits = rest.prefix { Bytes.isDigit($0) }
            guard !digits.isEmpty, digits.endIndex < rest.endIndex,
                let position = left.firstIndex(of: rest[digits.endIndex])
            else { return false }
            if !isFirst, position != left.startIndex { return false }
            isFirst = false
            left = left[(position + 1)...]
            rest = rest[digits.endIndex...].dropFirst()
        }
        return !isFirst
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard digits.allSatisfy({ Bytes.isDigit($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
