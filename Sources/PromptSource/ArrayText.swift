internal import Glibc

/// JSON that was written over several lines.
enum ArrayText {
    /// The same JSON with spaces for the line ends between its tokens; a line end within a string stays, which no JSON
    /// has. Offsets stay the same.
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
