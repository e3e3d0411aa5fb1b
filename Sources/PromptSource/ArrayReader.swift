internal import Basics

/// Reads the elements of one JSON array, which may span any number of lines. Blocking; not thread-safe.
///
/// It finds where each element ends; the caller checks whether the element is valid JSON. Memory holds one element.
final class ArrayReader {
    /// An element and its place.
    struct Element {
        var content: Row.Content
        var line: UInt64
        var column: Int
        var offset: UInt64
    }

    private let stream: ByteStream
    private let name: String
    private let elementBytesMax: Int
    private var buffer = [UInt8](repeating: 0, count: LineReader.bufferBytes)
    /// The unread bytes are `start..<end`.
    private var start = 0
    private var end = 0
    /// The input's offset of the buffer's first byte.
    private var base: UInt64 = 0
    private(set) var line: UInt64 = 1
    /// The input's offset at which the line starts.
    private var lineStart: UInt64 = 0
    private var isOpen = false
    private var needsComma = false
    private var isFinished = false

    /// Where the next element may start.
    var offset: UInt64 { base + UInt64(start) }

    init(_ stream: ByteStream, name: String, elementBytesMax: Int) {
        self.stream = stream
        self.name = name
        self.elementBytesMax = elementBytesMax
    }

    /// Skips to `offset`, the end of an element that an earlier reader returned, on line `line`.
    func skip(to offset: UInt64, line: UInt64) throws(RetortError) {
        var scratch = [UInt8](repeating: 0, count: LineReader.bufferBytes)
        try scratch.withUnsafeMutableBufferPointer { (bytes) throws(RetortError) in
            try stream.skip(from: 0, to: offset, using: UnsafeMutableRawBufferPointer(bytes))
        }
        (base, start, end) = (offset, 0, 0)
        self.line = line
        lineStart = line == 1 ? 0 : offset
        (isOpen, needsComma) = (true, true)
    }

    /// The next element; nil at the array's end. Throws `.badInput` when the array is truncated or the input is not an
    /// array, and what the stream throws.
    func next() throws(RetortError) -> Element? {
        if isFinished { return nil }
        if !isOpen {
            if try peek() == 0xEF { start += 3 }
            guard try nextToken() == UInt8(ascii: "[") else { throw wrong("a JSON array is expected") }
            start += 1
            isOpen = true
            if try nextToken() == UInt8(ascii: "]") { return try finish() }
        } else if needsComma {
            let token = try nextToken()
            if token == UInt8(ascii: "]") { return try finish() }
            guard token == UInt8(ascii: ",") else {
                throw wrong(token == nil ? "the JSON array has no end" : "a comma is missing between two elements")
            }
            start += 1
        }
        guard let first = try nextToken() else { throw wrong("the JSON array has no end") }
        guard first != UInt8(ascii: ","), first != UInt8(ascii: "]") else { throw wrong("an element is missing") }
        needsComma = true
        return try element()
    }

    private func finish() throws(RetortError) -> Element? {
        start += 1
        isFinished = true
        if try nextToken() != nil { throw wrong("something follows the end of the JSON array") }
        return nil
    }

    /// The scanner's state between two bytes of an element.
    private struct Scan {
        var depth = 0
        var isInString = false
        var isEscaped = false

        /// Takes a byte and returns whether the element has ended: before this byte for an element without brackets,
        /// else with it.
        mutating func ends(with byte: UInt8) -> (isEnd: Bool, includesByte: Bool) {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                return (false, true)
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return (true, false) }
                depth -= 1
                if depth == 0 { return (true, true) }
            case UInt8(ascii: ",") where depth == 0: return (true, false)
            default: break
            }
            return (false, true)
        }
    }

    private func element() throws(RetortError) -> Element {
        let (place, firstLine) = (offset, line)
        let column = Int(clamping: place - min(place, lineStart)) + 1
        var scan = Scan()
        var at = start
        var isTooLong = false
        var excerpt: [UInt8] = []
        while true {
            if at == end {
                if at - start > elementBytesMax {
                    if !isTooLong { excerpt = Array(buffer[start..<start + BadRow.excerptBytesMax]) }
                    (isTooLong, start) = (true, at)
                }
                let kept = at - start
                guard try fill() else { throw wrong("the JSON array has no end", in: firstLine) }
                at = start + kept
            }
            let (found, isEnd) = walk(&scan, from: at)
            at = found
            if isEnd { break }
        }
        defer { start = at }
        if isTooLong || at - start > elementBytesMax {
            let bytes = isTooLong ? excerpt[...] : buffer[start..<at]
            return Element(
                content: .bad(.tooLong(elementBytesMax, of: bytes)), line: firstLine, column: column, offset: place)
        }
        return Element(content: .json(Array(buffer[start..<at])), line: firstLine, column: column, offset: place)
    }

    /// Scans the buffered bytes from `start`, up to the element's end if it is buffered.
    private func walk(_ scan: inout Scan, from start: Int) -> (at: Int, isEnd: Bool) {
        let base = base
        let end = end
        var (line, lineStart) = (line, lineStart)
        defer { (self.line, self.lineStart) = (line, lineStart) }
        return buffer.withUnsafeBufferPointer { bytes in
            var at = start
            while at < end {
                let byte = bytes[at]
                if byte == 0x0A {
                    line += 1
                    lineStart = base + UInt64(at) + 1
                }
                let (isEnd, includesByte) = scan.ends(with: byte)
                if isEnd { return (includesByte ? at + 1 : at, true) }
                at += 1
            }
            return (at, false)
        }
    }

    /// Skips white space and returns the byte after it, without consuming that byte.
    private func nextToken() throws(RetortError) -> UInt8? {
        while let byte = try peek() {
            switch byte {
            case 0x0A:
                line += 1
                lineStart = offset + 1
            case 0x20, 0x09, 0x0D: break
            default: return byte
            }
            start += 1
        }
        return nil
    }

    private func peek() throws(RetortError) -> UInt8? {
        if start == end, try !fill() { return nil }
        return buffer[start]
    }

    /// Reads more input after the unread bytes, which may move. False at the end of the input.
    private func fill() throws(RetortError) -> Bool {
        let unread = end - start
        buffer.replaceSubrange(0..<unread, with: Array(buffer[start..<end]))
        base += UInt64(start)
        (start, end) = (0, unread)
        if unread * 2 > buffer.count { buffer += [UInt8](repeating: 0, count: buffer.count) }
        if unread == 0, buffer.count > LineReader.bufferBytesKept {
            buffer = [UInt8](repeating: 0, count: LineReader.bufferBytes)
        }
        let count = try buffer.withUnsafeMutableBufferPointer { (bytes) throws(RetortError) in
            let bytes = UnsafeMutableRawBufferPointer(bytes)
            return try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[unread...]))
        }
        end += count
        return count > 0
    }

    private func wrong(_ message: String, in line: UInt64? = nil) -> RetortError {
        RetortError(
            .badInput, message, at: "\(name):\(line ?? self.line)",
            remedy: "The elements before it were read. Correct the file (jq . FILE shows where it is not JSON), or "
                + "write one object per line.")
    }
}
