public import JSONText

/// Several items in one prompt: the answer is a JSON array with one element per item, in order. Each item's part is an
/// answer with an array of its element alone, as if the item had been sent alone.
///
/// An array of another length proves nothing about any item, since the missing element may be the first. If a long
/// element occurs twice, what follows may have shifted by one, so it counts as missing from there on; `null` counts as
/// missing too. The first item keeps the reasoning and the other content of the answer.
public struct ArrayDivision: ReplyDivision {
    /// Maximum items of a request.
    public static let itemsMax = 100
    /// Maximum bytes of an answer's text that are searched for the array.
    static let textBytesMax = 64 << 20
    /// Minimum bytes of equal elements that cannot be a coincidence: labels and numbers may well be equal.
    static let repeatedBytesMin = 64

    private let splitsThinking: Bool
    private let repairs: Bool

    /// - Parameters:
    ///   - splitsThinking: whether `<think>...</think>` is not part of the answer's text.
    ///   - repairs: whether an array that is almost JSON is repaired.
    public init(splitsThinking: Bool, repairs: Bool = false) {
        (self.splitsThinking, self.repairs) = (splitsThinking, repairs)
    }

    public func divide(_ reply: ModelReply, for count: Int, with parser: JSONParser) -> DividedReply? {
        guard reply.status / 100 == 2, case .answer(let parsed) = AnswerParser.parse(reply.body, with: parser) else {
            return nil
        }
        let answer = splitsThinking ? ThinkTags.split(parsed) : parsed
        let bill = Bill(answer)
        let shares = bill.divided(into: count)
        let (elements, problem) = elements(of: answer, count, with: parser)
        let parts = (0..<count).map { place in
            var part = reply
            let element = elements.count > place ? elements[place] : nil
            part.body = Self.body(answer, element, shares[place], isFirst: place == 0, with: parser)
            guard element == nil else { return ReplyPart(reply: part, bill: shares[place]) }
            // The first item shows what is wrong; the others need not store it too.
            if place == 0 { part.body = reply.body }
            return ReplyPart(reply: part, missing: problem, bill: shares[place])
        }
        return DividedReply(parts: parts, bill: bill)
    }

    /// The elements that can be trusted, nil for the others, and what is wrong.
    private func elements(
        of answer: ModelAnswer, _ count: Int, with parser: JSONParser
    ) -> (elements: [ArraySlice<UInt8>?], problem: String) {
        guard answer.responseRaw.count <= Self.textBytesMax else { return ([], "the answer is too long to be divided") }
        let found = answer.array(of: count, repairs: repairs)
        guard let found, found.found.value.kind == .array else {
            return ([], "the answer to \(count) items holds no JSON array")
        }
        let elements = found.found.value.elements
        guard found.accepted else { return ([], "the answer to \(count) items has \(elements.count) elements") }
        var seen: Set<UInt64> = []
        var isTrusted = true
        let trusted = elements.map { element -> ArraySlice<UInt8>? in
            if element.raw.count >= Self.repeatedBytesMin {
                let hash = try? parser.valueHash(Array(element.raw))
                if hash.map({ !seen.insert($0).inserted }) ?? true { isTrusted = false }
            }
            return isTrusted && element.kind != .null ? element.raw : nil
        }
        let problem =
            isTrusted ? "the answer's element for the item is null" : "the answer's elements repeat themselves"
        return (trusted, problem)
    }

    /// An answer of one element, in the form of OpenAI's chat.
    private static func body(
        _ answer: ModelAnswer, _ element: ArraySlice<UInt8>?, _ bill: Bill, isFirst: Bool, with parser: JSONParser
    ) -> [UInt8] {
        var content: [UInt8] = []
        JSONString.append([UInt8(ascii: "[")] + (element ?? []) + [UInt8(ascii: "]")], to: &content)
        var message = JSONComposer()
        message.add("role", content: "assistant".utf8)
        message.add("content", raw: content)
        if isFirst, answer.reasoningRaw.count > 2 { message.add("reasoning_content", raw: answer.reasoningRaw) }
        var choice = JSONComposer()
        choice.add("index", raw: "0".utf8)
        choice.add("message", raw: message.closed)
        var finish: [UInt8] = []
        JSONString.append(answer.finishReason, to: &finish)
        choice.add("finish_reason", raw: finish)
        var composer = JSONComposer()
        composer.add("model", raw: answer.modelRaw)
        composer.add("choices", list: [choice.closed])
        if bill.isKnown { composer.add("usage", raw: bill.json) }
        if isFirst, let other = answer.otherRaw, let root = try? parser.parse(other).root {
            composer.add(root, except: taken)
        }
        return composer.closed
    }

    private static let taken: [StaticString] = ["model", "choices", "usage", "error", "x_groq"]
}

extension ModelAnswer {
    /// The JSON array with that many elements in the answer's text; if there is none, the first other value. Nil if
    /// there is no value.
    func array(of count: Int, repairs: Bool) -> (found: JSONSearch.Found, accepted: Bool)? {
        let text = JSONString.unescape(responseRaw.dropFirst().dropLast())
        let search = JSONSearch()
        return search.find(in: text, repairs: repairs, isComplete: finishReason == "stop") {
            $0.kind == .array && $0.elements.count == count
        }
    }
}
