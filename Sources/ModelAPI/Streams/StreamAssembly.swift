internal import JSONText

/// Joins the pieces of a streamed answer into the JSON text that the API would have sent in one piece.
///
/// A value without I/O. Strings stay escaped: pieces of valid JSON strings join to a valid one.
struct StreamAssembly {
    /// An error that the stream contains instead of an answer.
    private(set) var error: ErrorBody?
    /// An event that is not JSON, described.
    private var broken: String?
    private var isDone = false
    private var chat = ChunkAssembly()
    private var message = MessageAssembly()
    private var candidates = CandidateAssembly()
    private var bare = BareAssembly()
    /// The whole answer, which the Responses API sends at the end.
    private var whole: JSONValue?

    /// Whether further events are irrelevant.
    var isOver: Bool { isDone || error != nil || broken != nil }

    /// Whether a value is a piece of an answer rather than a complete one.
    static func isPiece(_ root: JSONValue) -> Bool {
        root["done"] != nil || root["choices"]?.firstElement?["delta"] != nil || root["candidates"] != nil
            || root["type"]?.string(prefixBytesMax: 32)?.hasPrefix("message_start") ?? false
    }

    /// Adds the data of one event, which may span several lines.
    mutating func add(event: [ArraySlice<UInt8>], with parser: JSONParser) {
        if event.isEmpty || event.count == 1 && event[0].isEmpty { return }
        if event.count > 1, let root = try? parser.parse(Array(event.joined(separator: [0x0A]))).root {
            add(root)
            return
        }
        // Some servers put no blank line between events.
        for data in event where !isOver && !data.isEmpty {
            if data.elementsEqual("[DONE]".utf8) {
                isDone = true
            } else {
                add(data, with: parser)
            }
        }
    }

    private mutating func add(_ data: ArraySlice<UInt8>, with parser: JSONParser) {
        do throws(JSONError) {
            add(try parser.parse(data).root)
        } catch {
            if let root = try? parser.parse(ReplyText.repaired(Array(data))).root {
                add(root)
            } else if !isComplete {
                broken = "an event of the stream is not whole JSON: \(error): \(Excerpt.text(data))"
            }
        }
    }

    mutating func add(_ root: JSONValue) {
        guard root.kind == .object else { return }
        let type = root["type"]?.string(prefixBytesMax: FinishReason.wordBytesMax) ?? ""
        if type.hasPrefix("response.") {
            add(response: root, type)
        } else if let found = root["error"].flatMap(ErrorBody.init(member:)) {
            error = found
        } else if root["choices"]?.kind == .array {
            chat.add(root)
        } else if root["candidates"] != nil || root["promptFeedback"] != nil {
            candidates.add(root)
        } else if MessageAssembly.types.contains(type) {
            message.add(root, type)
        } else if root["done"] != nil || root["message"]?.kind == .object || BareAssembly.isOfLlama(root) {
            bare.add(root)
        } else if let found = ErrorBody(root) {
            error = found
        } else {
            chat.add(root)
        }
    }

    private mutating func add(response root: JSONValue, _ type: String) {
        if let found = root["response"]?["error"].flatMap(ErrorBody.init(member:))
            ?? root["error"].flatMap(ErrorBody.init(member:))
        {
            error = found
        } else if ["response.completed", "response.incomplete", "response.failed"].contains(type) {
            whole = root["response"]
        }
    }

    private var isComplete: Bool {
        isDone || chat.isComplete || message.isComplete || candidates.isComplete || bare.isComplete || whole != nil
    }

    /// What has arrived so far, as the JSON text of one answer; nil if there is none.
    var joined: [UInt8]? {
        whole.map { Array($0.raw) } ?? chat.rendered ?? message.rendered ?? candidates.rendered ?? bare.rendered
    }

    /// Whether the stream has reached its end without an error.
    var isWhole: Bool { error == nil && broken == nil && isComplete }

    /// The parsed answer, once all its pieces are there.
    func parsed(_ body: [UInt8], with parser: JSONParser) -> ParsedBody {
        if let error { return .error(error) }
        if let broken { return .sick(broken) }
        guard isComplete else { return .sick("the stream broke off before its end: \(Excerpt.text(body))") }
        if let whole { return AnswerParser.read(whole, body) }
        guard let text = chat.rendered ?? message.rendered ?? candidates.rendered ?? bare.rendered else {
            return .sick("the stream holds no answer: \(Excerpt.text(body))")
        }
        guard let root = try? parser.parse(text).root else {
            return .unknown("the stream cannot be put together: \(Excerpt.text(body))")
        }
        return AnswerParser.read(root, body)
    }
}
