internal import Basics
public import JSONText

/// Several answers to one request with OpenAI's `n`: each choice of the reply is an item's answer.
///
/// Choices are equivalent, so they are assigned to the items in the order of their indexes. If there are fewer, the
/// last items have none; if there are more, the first item keeps the rest as other parts of its answer.
public struct ChoiceDivision: ReplyDivision {
    /// Maximum answers of a request, as in OpenAI's API.
    public static let choicesMax = 128

    public init() {}

    /// The request for that many answers instead of one.
    ///
    /// - Parameter request: its body is an object without `n`.
    public static func request(_ request: ModelRequest, asking count: Int) -> ModelRequest {
        var asking = request
        while let last = asking.body.last, AnswerParser.isSpace(last) { asking.body.removeLast() }
        guard asking.body.last == UInt8(ascii: "}") else { return request }
        asking.body.removeLast()
        if asking.body.last != UInt8(ascii: "{") { asking.body.append(UInt8(ascii: ",")) }
        asking.body += #""n":\#(count)}"#.utf8
        return asking
    }

    public func divide(_ reply: ModelReply, for count: Int, with parser: JSONParser) -> DividedReply? {
        guard reply.status / 100 == 2, let text = Self.text(of: reply.body, with: parser),
            let root = try? parser.parse(text).root, let list = root["choices"], list.kind == .array
        else { return nil }
        let choices = list.elements.filter { $0.kind == .object }
            .enumerated().sorted { ($0.element.index ?? 0, $0.offset) < ($1.element.index ?? 0, $1.offset) }
            .map(\.element)
        guard !choices.isEmpty, root["error"].flatMap(ErrorBody.init(member:)) == nil else { return nil }
        let bill = ChatReader.bill(of: root)
        let shares = bill.divided(into: min(count, choices.count))
        let parts = (0..<count).map { place in
            var part = reply
            guard place < shares.count else {
                return ReplyPart(
                    reply: part, missing: "the server gave \(choices.count) of \(count) answers", bill: nil)
            }
            let rest = place == 0 ? choices.dropFirst(count) : []
            part.body = Self.body(root, ([choices[place]] + rest).map(\.raw), shares[place])
            return ReplyPart(reply: part, bill: shares[place])
        }
        return DividedReply(parts: parts, bill: bill)
    }

    /// The JSON text of the answer; a stream's pieces are joined. Nil if there is none.
    private static func text(of body: [UInt8], with parser: JSONParser) -> [UInt8]? {
        let start = ReplyText.start(of: body)
        guard start < body.endIndex else { return nil }
        let text = start == 0 ? body : Array(body[start...])
        guard EventStream.looksLikeOne(text) else { return text }
        let assembly = EventStream.assembled(text, with: parser)
        return assembly.isWhole ? assembly.joined : nil
    }

    /// The answer with these choices and this part of the bill.
    private static func body(_ root: JSONValue, _ choices: [ArraySlice<UInt8>], _ bill: Bill) -> [UInt8] {
        var composer = JSONComposer()
        composer.add(root, except: replaced)
        composer.add("choices", list: choices)
        if bill.isKnown { composer.add("usage", raw: bill.json) }
        return composer.closed
    }

    private static let replaced: [StaticString] = ["choices", "usage", "x_groq"]
}

extension JSONValue {
    fileprivate var index: Int? { self["index"]?.int }
}

extension Bill {
    /// In OpenAI's form, with the cost as in OpenRouter's.
    var json: [UInt8] {
        var text = #"{"prompt_tokens":\#(usage.prompt),"completion_tokens":\#(usage.completion)"#
        text += #","total_tokens":\#(usage.total),"prompt_tokens_details":{"cached_tokens":\#(usage.cached)}"#
        text += #","completion_tokens_details":{"reasoning_tokens":\#(usage.reasoning)}"#
        if let cost = costStatedNanodollars {
            let fraction = String(cost % 1_000_000_000)
            let zeros = String(repeating: "0", count: 9 - fraction.count)
            text += #","cost":\#(cost / 1_000_000_000).\#(zeros)\#(fraction)"#
        }
        return Array((text + "}").utf8)
    }
}
