internal import CSimdJSON

/// Reads almost valid JSON objects and arrays, and writes them as JSON.
///
/// Repaired are faults with a single meaning: comments, trailing commas, a comma missing at the end of a line, single
/// quotes, keys without quotes, Python's `True`, `False` and `None`, line breaks and other control characters in
/// strings, invalid escapes, and missing brackets and quotes. What needs a guess is refused: a placeholder (`...`), a
/// value that is a bare word, a quote that may or may not end its string. Everything else is copied unchanged, so that
/// a text without faults stays as it is. One pass: the time is linear in the bytes read.
struct JSONRepair {
    /// The result of a repair.
    enum Outcome {
        case repaired(Repaired)
        /// A fault without a single meaning. `isMeant`: the text had begun like JSON, with a key and a colon.
        case refused(at: Int, isMeant: Bool)
    }

    struct Repaired {
        /// The repaired JSON; numbers are not checked.
        var text: [UInt8] = []
        /// The end of the value in the original text.
        var end = 0
        /// Whether it differs from the original.
        var isChanged = false
        /// Whether brackets or a quote were missing at the end of the text or its code fence: it may have been longer.
        var isClosedAtEnd = false
    }

    /// What may come next.
    private enum Expected {
        /// After an opening bracket.
        case firstKey, firstValue
        /// After a comma, which is a trailing one if a bracket closes here.
        case key, element
        case colon, memberValue
        case commaOrEnd
    }

    /// Why reading stops.
    private enum Stop: Error { case refused, endOfText }

    private let text: UnsafeBufferPointer<UInt8>
    private var at: Int
    private var output: [UInt8] = []
    /// The open brackets.
    private var open: [UInt8] = []
    private var expected = Expected.firstKey
    private var result = Repaired()
    private var hasKey = false
    /// The position of the latest comma in the output.
    private var commaAt = 0
    /// Whether a line ended since the last token, and whether that token closed a bracket.
    private var hasPassedLine = false
    private var followsBracket = false

    /// Reads the value whose bracket is at `start`.
    static func outcome(of text: UnsafeBufferPointer<UInt8>, from start: Int) -> Outcome {
        var repair = JSONRepair(text: text, at: start)
        do throws(Stop) {
            try repair.read()
        } catch {
            return .refused(at: repair.at, isMeant: repair.hasKey)
        }
        repair.result.text = repair.output
        repair.result.end = repair.at
        return .repaired(repair.result)
    }

    private init(text: UnsafeBufferPointer<UInt8>, at: Int) {
        self.text = text
        self.at = at
    }

    private mutating func read() throws(Stop) {
        try push()
        do throws(Stop) {
            while !open.isEmpty { try readToken() }
        } catch {
            guard error == .endOfText else { throw error }
            return try closeAtEnd()
        }
    }

    private mutating func readToken() throws(Stop) {
        try passSpace()
        let byte = text[at]
        switch expected {
        case .firstKey, .key:
            if isClosing(byte) { return try close() }
            try readKey()
        case .colon:
            guard byte == UInt8(ascii: ":") else { throw .refused }
            copy(1)
            hasKey = true
            expected = .memberValue
        case .firstValue, .element:
            if isClosing(byte) { return try close() }
            try readValue()
        case .memberValue: try readValue()
        case .commaOrEnd:
            if isClosing(byte) { return try close() }
            if byte == UInt8(ascii: ",") {
                commaAt = output.count
                copy(1)
            } else {
                guard isMissingComma(before: byte) else { throw .refused }
                replace(0, by: ",")
            }
            expected = open.last == UInt8(ascii: "{") ? .key : .element
        }
    }

    // MARK: Between tokens

    /// Moves to the next token; throws `.endOfText` if there is none.
    private mutating func passSpace() throws(Stop) {
        hasPassedLine = false
        while at < text.count {
            switch text[at] {
            case 0x0A, 0x0D:
                hasPassedLine = true
                copy(1)
            case 0x20, 0x09: copy(1)
            case UInt8(ascii: "#"): try passLine()
            case UInt8(ascii: "/"): try passComment()
            case UInt8(ascii: "`"):
                // The code fence around it ends.
                throw holds("```") ? .endOfText : .refused
            default: return
            }
        }
        throw .endOfText
    }

    private mutating func passComment() throws(Stop) {
        if holds("//") { return try passLine() }
        guard holds("/*") else { throw .refused }
        let start = at
        at += 2
        while !holds("*/") {
            guard at < text.count else { throw .refused }
            if text[at] == 0x0A { hasPassedLine = true }
            at += 1
        }
        at += 2
        try drop(from: start)
    }

    private mutating func passLine() throws(Stop) {
        let start = at
        while at < text.count, text[at] != 0x0A, text[at] != 0x0D { at += 1 }
        try drop(from: start)
    }

    /// Drops a comment, unless it replaces something that the model left out.
    private mutating func drop(from start: Int) throws(Stop) {
        result.isChanged = true
        let comment = text[start..<at]
        for index in comment.indices {
            let rest = comment[index...]
            if rest.starts(with: "...".utf8) || rest.starts(with: "…".utf8) { throw .refused }
        }
    }

    /// Whether a value ended at the end of a line and the next member or object begins on another one.
    private func isMissingComma(before byte: UInt8) -> Bool {
        guard hasPassedLine else { return false }
        if open.last == UInt8(ascii: "{") { return isQuote(byte) || isWord(byte) }
        return followsBracket && (byte == UInt8(ascii: "{") || byte == UInt8(ascii: "["))
    }

    // MARK: Brackets

    private mutating func push() throws(Stop) {
        guard open.count < Int(JSON_DEPTH_MAX) else { throw .refused }
        open.append(text[at])
        expected = text[at] == UInt8(ascii: "{") ? .firstKey : .firstValue
        copy(1)
    }

    /// Closes the intended bracket, and those inside it that were left open.
    private mutating func close() throws(Stop) {
        removeTrailingComma()
        let bracket = text[at] == UInt8(ascii: "}") ? UInt8(ascii: "{") : UInt8(ascii: "[")
        guard let depth = open.lastIndex(of: bracket) else { throw .refused }
        while open.count > depth + 1 { closeInnermost() }
        open.removeLast()
        copy(1)
        expected = .commaOrEnd
        followsBracket = true
    }

    /// Closes open brackets at the end of the text if the last member or element is complete; missing ones are not
    /// invented.
    private mutating func closeAtEnd() throws(Stop) {
        switch expected {
        case .colon, .memberValue, .firstKey, .firstValue: throw .refused
        case .key, .element, .commaOrEnd: break
        }
        result.isClosedAtEnd = true
        removeTrailingComma()
        while !open.isEmpty { closeInnermost() }
    }

    private mutating func closeInnermost() {
        replace(0, by: open.removeLast() == UInt8(ascii: "{") ? "}" : "]")
    }

    private mutating func removeTrailingComma() {
        guard expected == .key || expected == .element else { return }
        output.remove(at: commaAt)
        result.isChanged = true
        expected = .commaOrEnd
    }

    // MARK: Words and numbers

    private mutating func readKey() throws(Stop) {
        if isQuote(text[at]) {
            try readString(isKey: true)
        } else {
            let length = wordLength()
            guard length > 0 else { throw .refused }
            replace(0, by: "\"")
            copy(length)
            replace(0, by: "\"")
        }
        expected = .colon
    }

    private mutating func readValue() throws(Stop) {
        let byte = text[at]
        if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { return try push() }
        followsBracket = false
        if isQuote(byte) {
            try readString(isKey: false)
        } else if byte == UInt8(ascii: "-") || isDigit(byte) {
            var length = 1
            while at + length < text.count, isOfNumber(text[at + length]) { length += 1 }
            copy(length)
        } else {
            try readWord()
        }
        expected = .commaOrEnd
    }

    private mutating func readWord() throws(Stop) {
        let length = wordLength()
        let word = text[at..<at + length]
        if word.elementsEqual("True".utf8) {
            replace(length, by: "true")
        } else if word.elementsEqual("False".utf8) {
            replace(length, by: "false")
        } else if word.elementsEqual("None".utf8) {
            replace(length, by: "null")
        } else if ["true", "false", "null"].contains(where: { word.elementsEqual($0.utf8) }) {
            copy(length)
        } else {
            throw .refused
        }
    }

    private func wordLength() -> Int {
        var length = 0
        while at + length < text.count, isWord(text[at + length]) { length += 1 }
        return length
    }

    // MARK: Strings

    private mutating func readString(isKey: Bool) throws(Stop) {
        let quote = text[at]
        if quote == UInt8(ascii: "\"") { copy(1) } else { replace(1, by: "\"") }
        var hasLineBreak = false
        while at < text.count {
            let byte = text[at]
            switch byte {
            case quote:
                if quote == UInt8(ascii: "\"") { return copy(1) }
                if try isEnd(ofKey: isKey) { return replace(1, by: "\"") }
                copy(1)
            case UInt8(ascii: "\""): replace(1, by: #"\""#)
            case UInt8(ascii: "\\"): try readEscape()
            case 0..<0x20:
                hasLineBreak = hasLineBreak || byte == 0x0A || byte == 0x0D
                JSONString.appendContent(CollectionOfOne(byte), to: &output)
                at += 1
                result.isChanged = true
            default:
                var length = 1
                while at + length < text.count, isPlain(text[at + length], in: quote) { length += 1 }
                copy(length)
            }
        }
        // Content on further lines, or a closing bracket, probably does not belong to the string.
        guard !isKey, !hasLineBreak, !isClosing(text[text.count - 1]) else { throw .refused }
        result.isClosedAtEnd = true
        replace(0, by: "\"")
    }

    /// Whether the single quote here ends its string instead of being an apostrophe. Refuses if it may be both.
    private func isEnd(ofKey isKey: Bool) throws(Stop) -> Bool {
        var next = at + 1
        while next < text.count, text[next] <= 0x20 { next += 1 }
        guard next < text.count else { return true }
        if isKey ? text[next] == UInt8(ascii: ":") : text[next] == UInt8(ascii: ",") || isClosing(text[next]) {
            return true
        }
        guard isLetter(text[at - 1]), isLetter(text[at + 1]) else { throw .refused }
        return false
    }

    private mutating func readEscape() throws(Stop) {
        guard at + 1 < text.count else { throw .refused }
        let next = text[at + 1]
        switch next {
        case UInt8(ascii: "u"):
            let digits = text[min(at + 2, text.count)..<min(at + 6, text.count)]
            guard digits.count == 4, digits.allSatisfy(isHexDigit) else { throw .refused }
            copy(6)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            copy(2)
        case UInt8(ascii: "'"): replace(2, by: "'")
        // A backslash of LaTeX or of a regular expression.
        default: replace(1, by: #"\\"#)
        }
    }

    // MARK: Bytes

    private mutating func copy(_ count: Int) {
        output.append(contentsOf: text[at..<at + count])
        at += count
    }

    private mutating func replace(_ count: Int, by other: String) {
        output.append(contentsOf: other.utf8)
        at += count
        result.isChanged = true
    }

    private func holds(_ mark: StaticString) -> Bool {
        guard at + mark.utf8CodeUnitCount <= text.count else { return false }
        for offset in 0..<mark.utf8CodeUnitCount where text[at + offset] != mark.utf8Start[offset] { return false }
        return true
    }

    private func isClosing(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") }
    private func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }
    private func isPlain(_ byte: UInt8, in quote: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte != quote
    }
    private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    private func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte >= 0x80 }
    private func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }
    private func isOfNumber(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte | 0x20 == 0x65 || "+-.".utf8.contains(byte)
    }
    private func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
    }
}
