/// Short one-line excerpts of bodies, for messages.
enum Excerpt {
    static let charactersMax = 200
    static let bytesScannedMax = 4096

    /// The beginning of a text on one line.
    static func text(_ body: some Collection<UInt8>) -> String {
        oneLine(String(decoding: body.prefix(bytesScannedMax), as: UTF8.self))
    }

    /// The text of an HTML page, without its markup.
    static func html(_ body: some Collection<UInt8>) -> String {
        var visible: [UInt8] = []
        var inTag = false
        for byte in body.prefix(bytesScannedMax) {
            if byte == UInt8(ascii: "<") {
                inTag = true
            } else if byte == UInt8(ascii: ">") {
                inTag = false
                visible.append(0x20)
            } else if !inTag {
                visible.append(byte)
            }
        }
        return "an HTML page instead of JSON: \(oneLine(String(decoding: visible, as: UTF8.self)))"
    }

    /// Sequences of white space and control characters become one space; long texts are truncated.
    static func oneLine(_ text: String) -> String {
        var output = ""
        var count = 0
        for character in text {
            let blank = character.isWhitespace || character.asciiValue.map { $0 < 0x20 || $0 == 0x7F } ?? false
            if blank && (output.isEmpty || output.last == " ") { continue }
            if count == charactersMax { return output + "..." }
            output.append(blank ? " " : character)
            count += 1
        }
        if output.last == " " { output.removeLast() }
        return output
    }
}
