public import JSONText

/// Takes the one element out of an answer that is an array of one, so that checks see the item's own value. If the
/// answer is a JSON value other than an array, it is taken as the element itself.
public struct ElementStage: AnswerStage {
    private let correctionsMax: Int
    private let repairs: Bool

    /// - Parameters:
    ///   - correctionsMax: maximum corrections of an item in the same conversation.
    ///   - repairs: whether an array that is almost JSON is repaired.
    public init(correctionsMax: Int, repairs: Bool = false) {
        (self.correctionsMax, self.repairs) = (correctionsMax, repairs)
    }

    public func judge(_ answer: ModelAnswer, of asked: AskedRequest, with parser: JSONParser) -> StageVerdict {
        guard let value = answer.array(of: 1, repairs: repairs)?.found.value else {
            return refused(answer, "the answer is not a JSON array", asked, parser)
        }
        var element = value
        if value.kind == .array {
            let elements = value.elements
            guard elements.count == 1 else {
                return refused(answer, "the answer to one item has \(elements.count) elements", asked, parser)
            }
            element = elements[0]
        }
        guard element.kind != .null else { return refused(answer, "the answer's element is null", asked, parser) }
        var token: [UInt8] = []
        JSONString.append(element.raw, to: &token)
        return .accept(answer.with(response: token[...]))
    }

    private func refused(
        _ answer: ModelAnswer, _ message: String, _ asked: AskedRequest, _ parser: JSONParser
    ) -> StageVerdict {
        let words = "Answer again with one JSON array of exactly 1 element, and with nothing else."
        guard asked.corrections < correctionsMax,
            let next = NextTurn.request(after: answer, of: asked.request, saying: Array(words.utf8), with: parser)
        else { return .reject(.invalidOutput, message: message) }
        return .ask(next, .invalidOutput, message: message)
    }
}

/// The last check on an element: it becomes the answer's value, and if it is a text, the answer's text.
public struct ElementTextStage: AnswerStage {
    public init() {}

    public func judge(_ answer: ModelAnswer, of asked: AskedRequest, with parser: JSONParser) -> StageVerdict {
        let text = answer.valueRaw.map { Array($0) } ?? JSONString.unescape(answer.responseRaw.dropFirst().dropLast())
        guard let value = try? parser.parse(text).root else { return .accept(answer) }
        let found = answer.valueRaw == nil ? JSONSearch.Layer.whole.rawValue : nil
        return .accept(
            answer.with(response: value.kind == .string ? value.raw : nil, value: value.raw, found: found))
    }
}
