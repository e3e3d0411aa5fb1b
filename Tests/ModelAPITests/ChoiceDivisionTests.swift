import Basics
import JSONText
import Testing

@testable import ModelAPI

/// The parts of a reply with several choices.
@Suite struct ChoiceDivisionTests {
    private func divide(_ body: String, _ count: Int, status: Int = 200) -> DividedReply? {
        ChoiceDivision().divide(ModelReply(status: status, body: Array(body.utf8)), for: count, with: JSONParser())
    }

    private func choice(_ index: Int?, _ text: String) -> String {
        let index = index.map { #""index":\#($0),"# } ?? ""
        return #"{\#(index)"message":{"role":"assistant","content":"\#(text)"},"finish_reason":"stop"}"#
    }

    private func reply(_ choices: [String], usage: String = #""usage":{"prompt_tokens":10,"completion_tokens":7}"#)
        -> String
    {
        #"{"id":"c","model":"m","choices":[\#(choices.joined(separator: ","))],\#(usage)}"#
    }

    private func answers(_ divided: DividedReply?) -> [ModelAnswer?] {
        (divided?.parts ?? []).map { part in
            guard part.missing == nil,
                case .answer(let answer) = AnswerParser.parse(part.reply.body, with: JSONParser())
            else { return nil }
            return answer
        }
    }

    private func texts(_ divided: DividedReply?) -> [String?] {
        answers(divided).map { $0.map { String(decoding: $0.responseRaw.dropFirst().dropLast(), as: UTF8.self) } }
    }

    @Test func eachItemHasOneChoiceInTheOrderOfTheIndexes() throws {
        let divided = divide(reply([choice(2, "c"), choice(0, "a"), choice(1, "b")]), 3)
        #expect(texts(divided) == ["a", "b", "c"])
        #expect(answers(divided).allSatisfy { $0?.otherRaw == nil && $0?.finishReason == "stop" })
        #expect(divided?.bill.usage == TokenUsage(prompt: 10, completion: 7))
        #expect(divided?.parts.map(\.bill?.usage.prompt) == [4, 3, 3])
        #expect(divided?.parts.map(\.bill?.usage.completion) == [3, 2, 2])
        // The usage in a part's body equals its bill.
        #expect(answers(divided).map(\.?.usage.prompt) == [4, 3, 3])
    }

    @Test func choicesWithoutUsableIndexesKeepTheirOrder() {
        #expect(texts(divide(reply([choice(nil, "a"), choice(nil, "b")]), 2)) == ["a", "b"])
        #expect(texts(divide(reply([choice(0, "a"), choice(0, "b")]), 2)) == ["a", "b"])
        #expect(texts(divide(reply([choice(7, "a"), choice(9, "b")]), 2)) == ["a", "b"])
    }

    @Test func whatIsMissingHasNoPartOfTheBill() {
        let divided = divide(reply([choice(0, "a"), choice(1, "b")]), 4)
        #expect(texts(divided) == ["a", "b", nil, nil])
        #expect(divided?.parts.map(\.bill?.usage.completion) == [4, 3, nil, nil])
        #expect(divided?.parts[3].missing == "the server gave 2 of 4 answers")
    }

    @Test func whatIsTooMuchIsKeptWithTheFirst() throws {
        let divided = divide(reply([choice(0, "a"), choice(1, "b"), choice(2, "c"), choice(3, "d")]), 2)
        #expect(texts(divided) == ["a", "b"])
        let other = String(decoding: try #require(answers(divided)[0]?.otherRaw), as: UTF8.self)
        #expect(other.hasPrefix(#"{"choices":["#) && other.contains(#""c""#) && other.contains(#""d""#))
        #expect(answers(divided)[1]?.otherRaw == nil)
        #expect(divided?.parts.compactMap(\.bill).reduce(0) { $0 + $1.usage.completion } == 7)
    }

    @Test func streamsAreDividedOnceTheyAreWhole() {
        let events =
            #"data: {"model":"m","choices":[{"index":1,"delta":{"content":"b1"}}]}"# + "\n\n"
            + #"data: {"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}"# + "\n\n"
            + #"data: {"model":"m","choices":[{"index":1,"delta":{"content":"b2"},"finish_reason":"stop"}]}"# + "\n\n"
        let end =
            #"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"# + "\n\n"
            + #"data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":8}}"# + "\n\ndata: [DONE]\n\n"
        let divided = divide(events + end, 2)
        #expect(texts(divided) == ["a", "b1b2"])
        #expect(divided?.bill.usage == TokenUsage(prompt: 3, completion: 8))
    }

    @Test(arguments: [
        "", "{", "[]", "null", "{}", #"{"choices":[]}"#, #"{"choices":{}}"#, #"{"choices":[1,"a"]}"#,
        #"{"error":{"message":"no"},"choices":[{"message":{"content":"a"}}]}"#,
        #"{"content":[{"type":"text","text":"a"}]}"#,
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
    ])
    func whatIsNoAnswerIsNotDivided(body: String) { #expect(divide(body, 2) == nil) }

    @Test func errorsAreNotDivided() { #expect(divide(reply([choice(0, "a")]), 2, status: 500) == nil) }

    /// Whatever the sums: parts add up to them, in tokens, in stated dollars and in dollars by price.
    @Test func partsOfABillAddUpToIt() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let count = Int.random(in: 1...128, using: &random)
            let prompt = Int.random(in: 0...5000, using: &random)
            let usage = TokenUsage(
                prompt: prompt, completion: .random(in: 0...5000, using: &random),
                reasoning: .random(in: 0...300, using: &random), cached: .random(in: 0...prompt, using: &random))
            let price = TokenPrice(input: 0.0375, cachedInput: 0.01, output: 0.3)
            for stated in [nil, Int.random(in: 0...1_000_000_000_000, using: &random)] {
                let bill = Bill(usage: usage, costStatedNanodollars: stated)
                let parts = bill.divided(into: count)
                #expect(parts.count == count)
                #expect(parts.reduce(into: TokenUsage()) { $0 += $1.usage } == usage)
                let costs = parts.map { $0.nanodollars(at: price) }
                #expect(costs.allSatisfy { $0 != nil } == (bill.nanodollars(at: price) != nil))
                #expect(costs.reduce(0) { $0 + ($1 ?? 0) } == bill.nanodollars(at: price) ?? 0)
                #expect(parts.allSatisfy { $0.usage.cached <= $0.usage.prompt })
                #expect(parts.allSatisfy { $0.isKnown == bill.isKnown })
            }
        }
    }

    @Test func statedCostsComeBackFromTheBodiesOfParts() {
        let usage = #""usage":{"prompt_tokens":1,"completion_tokens":1,"cost":1.000000005}"#
        let divided = divide(reply((0..<3).map { choice($0, "x") }, usage: usage), 3)
        #expect(answers(divided).map(\.?.costStatedNanodollars) == [333_333_335, 333_333_335, 333_333_335])
    }

    @Test func anUnknownBillHasUnknownParts() {
        let divided = divide(reply([choice(0, "a"), choice(1, "b")], usage: #""usage":null"#), 2)
        #expect(texts(divided) == ["a", "b"])
        #expect(divided?.parts.allSatisfy { $0.bill?.isKnown == false } == true)
        #expect(divided?.parts[0].bill?.nanodollars(at: TokenPrice(input: 1, cachedInput: 1, output: 1)) == nil)
    }

    @Test func aRequestAsksForSeveralAnswers() {
        func asking(_ body: String) -> String {
            let request = ChoiceDivision.request(ModelRequest(path: "", body: Array(body.utf8)), asking: 3)
            return String(decoding: request.body, as: UTF8.self)
        }
        #expect(asking(#"{"model":"m"}"#) == #"{"model":"m","n":3}"#)
        #expect(asking("{\"model\":\"m\"} \n") == #"{"model":"m","n":3}"#)
        #expect(asking("{}") == #"{"n":3}"#)
    }
}
