internal import Glibc

/// JSON that was written over several lines.
enum ArrayText {
    /// The JSON with each line end between tokens replaced by a space, so offsets do not change. A line end inside a
    /// string is kept; it makes the JSON invalid.
    static func onOneLine(_ json: [UInt8]) -> [UInt8] {
        guard json.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return json }
        var json = json
        var (isInString, isEscaped) = (false, false)
        for index in json.indices {
            let byte = json[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            } else if byte == 0x0A || byte == 0x0D {
                json[index] = 0x20
            }
        }
        return json
    }
}
