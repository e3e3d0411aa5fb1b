internal import JSONText

/// Reads the bodies of successful statuses.
///
/// | body | becomes |
/// | --- | --- |
/// | an answer of a known form (below), JSON or events, whatever blank lines or comments come before it | an answer |
/// | an answer that a filter cut or that is a refusal | `filtered` |
/// | an answer that the server broke off, or without any content | `sick` |
/// | a malformed tool call | `unknown` |
/// | an object that describes an error, beside empty choices too | `error` |
/// | nothing, blank lines or comments alone; an HTML page; the words of a gateway | `sick` |
/// | the beginning of JSON, a stream without its end | `sick` |
/// | an answer's envelope without choices (a model that warms up); `{}`, `[]`, `null` | `sick` |
/// | choices in an unknown form | `unknown` |
/// | any other whole text, JSON or not | `unknown` |
///
/// Known forms: OpenAI's chat, completions and Responses, Anthropic's messages, Google's candidates, Ollama's and
/// llama.cpp's own, and the event streams of these.
enum AnswerParser {
    static func parse(_ body: [UInt8], with parser: JSONParser) -> ParsedBody {
        let start = ReplyText.start(of: body)
        guard start < body.endIndex else { return .sick("the body is empty") }
        let text = start == 0 ? body : Array(body[start...])
        switch text[0] {
        case UInt8(ascii: "<"): return .sick(Excerpt.html(text))
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""): break
        default: if EventStream.looksLikeOne(text) { return EventStream.parse(text, of: body, with: parser) }
        }
        do throws(JSONError) {
            return read(try parser.parse(text).root, body)
        } catch {
            return repaired(text, body, error, parser)
        }
    }

    /// The body is not valid JSON as received.
    private static func repaired(
        _ text: [UInt8], _ body: [UInt8], _ error: JSONError, _ parser: JSONParser
    ) -> ParsedBody {
        var (text, error) = (text, error)
        if error.kind == .other {
            text = ReplyText.repaired(text)
            do throws(JSONError) {
                return read(try parser.parse(text).root, body)
            } catch let second {
                error = second
            }
        }
        switch error.kind {
        case .truncated: return .sick("the body is not whole JSON: \(error): \(Excerpt.text(body))")
        case .trailing: return series(text, body, endOfFirst: error.offset, parser)
        case .other:
            let message = "the body is not JSON: \(error): \(Excerpt.text(body))"
            return ReplyText.soundsLikeGateway(text) ? .sick(message) : .unknown(message)
        }
    }

    /// Several values one after another: the lines of a stream, or an answer followed by something.
    private static func series(
        _ text: [UInt8], _ body: [UInt8], endOfFirst end: Int, _ parser: JSONParser
    ) -> ParsedBody {
        guard let first = try? parser.parse(text[..<end]).root else {
            return .unknown("the body is not JSON: \(Excerpt.text(body))")
        }
        if StreamAssembly.isPiece(first) { return EventStream.parse(lines: text, of: body, with: parser) }
        return read(first, body)
    }

    /// Reads a complete answer.
    static func read(_ root: JSONValue, _ body: [UInt8]) -> ParsedBody {
        switch root.kind {
        case .object: break
        case .array: return read(list: root, body)
        default:
            let message = "the body is JSON but not an answer: \(Excerpt.text(body))"
            return root.isBlank ? .sick(message) : .unknown(message)
        }
        if let choices = root["choices"],
            choices.firstElement?.kind == .object || choices.elements.contains(where: { $0.kind == .object })
        {
            return ChatReader.read(root, choices, body)
        }
        if let error = root["error"].flatMap(ErrorBody.init(member:)) { return .error(error) }
        if root["candidates"]?.kind == .array || root["promptFeedback"]?.kind == .object {
            return GeminiReader.read(root, body)
        }
        if let content = root["content"], content.kind == .array { return MessageReader.read(root, content, body) }
        if let output = root["output"], output.kind == .array { return ResponsesReader.read(root, output, body) }
        if let error = ErrorBody(root) { return .error(error) }
        if let parsed = BareReader.read(root, body) ?? wrapped(root, body) { return parsed }
        return withoutAnswer(root, body)
    }

    /// An answer within an object of a gateway: Cloudflare's `{"result":{...},"success":true}`, `{"code":0,"data":{...}}`.
    private static func wrapped(_ root: JSONValue, _ body: [UInt8]) -> ParsedBody? {
        for place in ["result", "data", "response"] as [StaticString] {
            guard let inner = root[place], inner.kind == .object else { continue }
            switch read(inner, body) {
            case .answer(let answer): return .answer(answer)
            case .filtered(let why): return .filtered(why)
            default: continue
            }
        }
        return nil
    }

    /// A list of the pieces of one answer, as streamed by Google, or of complete answers.
    private static func read(list: JSONValue, _ body: [UInt8]) -> ParsedBody {
        guard let first = list.firstElement, first.kind == .object else {
            let message = "the body is JSON but not an answer: \(Excerpt.text(body))"
            return list.isBlank ? .sick(message) : .unknown(message)
        }
        guard first["candidates"] != nil else { return read(first, body) }
        var assembly = StreamAssembly()
        list.forEachElement { piece in
            assembly.add(piece)
            return assembly.error == nil
        }
        return assembly.parsed(body, with: JSONParser())
    }

    private static func withoutAnswer(_ root: JSONValue, _ body: [UInt8]) -> ParsedBody {
        let choices = root["choices"]
        let isEnvelope =
            choices != nil
            || ["chat.completion", "text_completion", "chat.completion.chunk"].contains {
                root["object"]?.isText($0) ?? false
            }
        // Choices in an unknown form were paid for; a model that warms up sends none.
        if let choices, !choices.isBlank, choices.kind != .array || choices.elements.contains(where: { !$0.isBlank }) {
            return .unknown("the answer's choices cannot be read: \(Excerpt.text(body))")
        }
        if isEnvelope { return .sick("the answer has no choices: \(Excerpt.text(body))") }
        let message = "the body is JSON but not an answer: \(Excerpt.text(body))"
        return root.isBlank ? .sick(message) : .unknown(message)
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }
}
