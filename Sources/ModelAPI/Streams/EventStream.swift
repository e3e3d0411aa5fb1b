internal import JSONText

/// A body of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), or of one JSON value
/// per line, with the pieces of an answer, which are joined.
enum EventStream {
    static func looksLikeOne(_ body: [UInt8]) -> Bool {
        ["data:", "event:", "id:", "retry:", ":"].contains { body.starts(with: $0.utf8) }
    }

    /// - Parameters:
    ///   - text: the events; `body` without what precedes them.
    static func parse(_ text: [UInt8], of body: [UInt8], with parser: JSONParser) -> ParsedBody {
        assembled(text, with: parser).parsed(body, with: parser)
    }

    /// The pieces of a body of events.
    static func assembled(_ text: [UInt8], with parser: JSONParser) -> StreamAssembly {
        var assembly = StreamAssembly()
        var event: [ArraySlice<UInt8>] = []
        for line in lines(of: text) {
            if line.isEmpty {
                assembly.add(event: event, with: parser)
                event.removeAll(keepingCapacity: true)
            } else if line.starts(with: "data:".utf8) {
                event.append(trimmed(line.dropFirst(5)))
            }
            if assembly.isOver { break }
        }
        if !assembly.isOver { assembly.add(event: event, with: parser) }
        return assembly
    }

    /// One JSON value per line.
    static func parse(lines text: [UInt8], of body: [UInt8], with parser: JSONParser) -> ParsedBody {
        assembled(lines: text, with: parser).parsed(body, with: parser)
    }

    /// The pieces of a body of JSON lines.
    static func assembled(lines text: [UInt8], with parser: JSONParser) -> StreamAssembly {
        var assembly = StreamAssembly()
        for line in lines(of: text) where !assembly.isOver {
            let line = trimmed(line)
            if !line.isEmpty { assembly.add(event: [line], with: parser) }
        }
        return assembly
    }

    /// Lines end in a line feed, a carriage return, or both.
    private static func lines(of text: [UInt8]) -> some Sequence<ArraySlice<UInt8>> {
        sequence(state: 0) { start -> ArraySlice<UInt8>? in
            guard start < text.count else { return nil }
            let end = text[start...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? text.count
            defer { start = end + (text[end...].starts(with: [0x0D, 0x0A]) ? 2 : 1) }
            return text[start..<end]
        }
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while let last = line.last, AnswerParser.isSpace(last) { line.removeLast() }
        while let first = line.first, AnswerParser.isSpace(first) { line.removeFirst() }
        return line
    }
}
