import ModelAPI
import Testing

@Suite struct TokenPriceTests {
    private let price = TokenPrice(input: 2.5, cachedInput: 1.25, output: 10)

    @Test func countsInBillionthsOfADollar() {
        // 600 fresh at $2.5, 400 cached at $1.25, 100 out at $10 per million: $0.003.
        #expect(price.nanodollars(of: TokenUsage(prompt: 1000, completion: 100, cached: 400)) == 3_000_000)
        #expect(price.nanodollars(of: TokenUsage()) == 0)
    }

    @Test func roundsUp() {
        let cheap = TokenPrice(input: 0.0001, cachedInput: 0, output: 0)
        #expect(cheap.nanodollars(of: TokenUsage(prompt: 1)) == 1)
    }

    @Test func nonsenseCountsAreTamed() {
        #expect(price.nanodollars(of: TokenUsage(prompt: 10, cached: 500)) == 12_500)
        #expect(price.nanodollars(of: TokenUsage(prompt: -5, completion: -5, cached: -5)) == 0)
    }

    @Test func enormousCountsAreCut() {
        let usage = TokenUsage(prompt: .max, completion: .max, cached: 1)
        #expect(price.nanodollars(of: usage) == TokenPrice.requestNanodollarsMax)
        #expect(price.nanodollarsMax(bodyBytes: 1, completionTokensMax: .max) == TokenPrice.requestNanodollarsMax)
    }

    @Test func theWorstCaseIsNeverBelowTheCase() {
        for bytes in [1, 100, 5000] {
            let most = price.nanodollarsMax(bodyBytes: bytes, completionTokensMax: 64)
            for prompt in [0, bytes / 2, bytes] {
                let usage = TokenUsage(prompt: prompt, completion: 64, cached: prompt / 3)
                #expect(price.nanodollars(of: usage) <= most)
            }
        }
        // A price list in which cached tokens are more expensive.
        let odd = TokenPrice(input: 1, cachedInput: 3, output: 1)
        #expect(odd.nanodollarsMax(bodyBytes: 10, completionTokensMax: 0) == 30_000)
    }
}

@Suite struct StatedCostTests {
    @Test(
        arguments: [
            ("0.25", 250_000_000), ("0.00001225", 12_250), ("1e-10", 1), ("0", 0), ("-1", nil), ("1e400", nil),
            ("1e300", TokenPrice.requestNanodollarsMax), ("\"0.25\"", nil), ("null", nil),
        ] as [(String, Int?)])
    func readsTheCostThatTheProviderStates(text: String, expected: Int?) throws {
        let body = #"{"choices":[{"text":"a"}],"usage":{"prompt_tokens":1,"cost":\#(text)}}"#
        #expect(try answer(body).costStatedNanodollars == expected)
    }

    @Test func sumsOfTokensNeverOverflow() {
        var sum = TokenUsage(prompt: .max, completion: .max)
        sum += TokenUsage(prompt: .max, completion: 1)
        #expect(sum.prompt == .max && sum.completion == .max && sum.total == .max)
    }

    @Test func blankAnswersAreEmpty() {
        func isEmpty(_ raw: String, _ calls: String? = nil) -> Bool {
            ModelAnswer(body: [], responseRaw: Array(raw.utf8)[...], toolCallsRaw: calls.map { Array($0.utf8)[...] })
                .isEmpty
        }
        #expect(isEmpty(#""""#) && isEmpty(#"" \n\t\r""#))
        #expect(!isEmpty(#"" \\n""#) && !isEmpty(#"".""#) && !isEmpty(#""""#, "[{}]"))
    }
}
