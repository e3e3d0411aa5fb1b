internal import JSONText

/// What is wrong with a row, before its location is added.
struct RowFault: Error {
    var message: String
    /// Byte offset in the row, 0-based.
    var offset: Int?
    var cause: String?
    var remedy: String?

    init(_ message: String, at offset: Int? = nil, cause: String? = nil, remedy: String? = nil) {
        self.message = message
        self.offset = offset
        self.cause = cause
        self.remedy = remedy
    }

    /// A fault of one value of the row.
    init(_ message: String, at value: JSONValue, remedy: String? = nil) {
        self.init(message, at: value.range.lowerBound, remedy: remedy)
    }

    /// The row is not valid JSON.
    init(_ error: JSONError, in text: [UInt8]) {
        if let offset = firstInvalidByte(text[...]) {
            self.init("the row is not UTF-8", at: offset, remedy: "Convert the file with iconv -t UTF-8.")
        } else {
            let offset = error.offset > 0 ? error.offset : RowFault.stringFault(in: text) ?? 0
            self.init(
                "the row is not JSON", at: offset, cause: error.reason == "not JSON" ? nil : error.reason,
                remedy: error.kind == .trailing ? Self.remedy(ofTrailing: text) : Self.remedy(of: text))
        }
    }

    private static func remedy(ofTrailing text: [UInt8]) -> String {
        let isComma = text.last { ![0x20, 0x09, 0x0D].contains($0) } == UInt8(ascii: ",")
        return isComma
            ? "Take away the comma: nothing but the end of the line is between two rows."
            : "A line holds one object: jq -c . FILE > rows.jsonl writes them so."
    }

    /// What to do about a row in a form that is often mistaken for JSON.
    private static func remedy(of text: [UInt8]) -> String? {
        let signs = text.filter { ![0x20, 0x09, 0x0D].contains($0) }.prefix(2)
        let first = signs.first
        if first == UInt8(ascii: "{"), signs.last == UInt8(ascii: "'") {
            return "Python's notation is not JSON: write the rows with json.dumps."
        }
        // An object printed over several lines.
        let isOpening = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        return isOpening && signs.count == 1 ? "A row is one line: jq -c . FILE > rows.jsonl writes them so." : nil
    }

    /// Finds the first string with a raw control character, or the start of the unclosed string. The parser scans in
    /// blocks and detects both without a position.
    private static func stringFault(in text: [UInt8]) -> Int? {
        var opened: Int?
        var at = 0
        while at < text.count {
            switch (text[at], opened) {
            case (UInt8(ascii: "\""), nil): opened = at
            case (UInt8(ascii: "\""), _): opened = nil
            case (UInt8(ascii: "\\"), .some): at += 1
            case (0..<0x20, .some): return at
            default: break
            }
            at += 1
        }
        return opened
    }
}

extension JSONValue {
    /// The kind with its article, for a message.
    var kindName: String {
        switch kind {
        case .null: "null"
        case .boolean: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
