import JSONText
import ModelAPI
import Testing

@Suite struct TokenUsageTests {
    private func prompt(_ number: String) throws -> Int {
        try answer(#"{"choices":[{"text":"a"}],"usage":{"prompt_tokens":\#(number)}}"#).usage.prompt
    }

    @Test(
        arguments: [
            ("12", 12), ("12.0", 12), ("12.4", 12), ("1.2e1", 12), ("\"12\"", 12), ("\"12.0\"", 12), ("-5", 0),
            ("-0.0", 0), ("null", 0),
            ("true", 0), ("\"\"", 0), ("\"many\"", 0), ("[12]", 0), ("NaN", 0), ("1e-400", 0),
            ("-9223372036854775808", 0),
            ("9223372036854775807", TokenUsage.countMax), ("9223372036854775808", TokenUsage.countMax),
            ("1e400", TokenUsage.countMax), ("1e999999999", TokenUsage.countMax), ("\"inf\"", TokenUsage.countMax),
            ("99999999999999999999999999999999999999999999999999999999999999999999999999999", TokenUsage.countMax),
        ])
    func countsAreWholeAndBounded(number: String, expected: Int) throws {
        #expect(try prompt(number) == expected)
    }

    @Test func sumsAreBounded() throws {
        let most = "9223372036854775807"
        let body =
            #"{"content":[{"type":"text","text":"a"}],"usage":{"input_tokens":\#(most),"cache_read_input_tokens":\#(most),"cache_creation_input_tokens":\#(most),"output_tokens":1.0}}"#
        let usage = try answer(body).usage
        #expect(usage.prompt == TokenUsage.countMax && usage.completion == 1 && usage.cached == TokenUsage.countMax)
        var sum = TokenUsage()
        for _ in 0..<4 { sum += usage }
        #expect(sum.prompt == 4 * TokenUsage.countMax)
        let price = TokenPrice(input: 1e300, cachedInput: .infinity, output: .nan)
        #expect((0...TokenPrice.requestNanodollarsMax).contains(price.nanodollars(of: usage)))
    }

    @Test(arguments: [
        #""usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}}"#,
        #""usage":{"prompt_tokens":9.0,"completion_tokens":"4","prompt_cache_hit_tokens":3,"completion_tokens_details":{"reasoning_tokens":2.0}}"#,
        #""usage":{"input_tokens":9,"output_tokens":4,"input_tokens_details":{"cached_tokens":3},"output_tokens_details":{"reasoning_tokens":2}}"#,
        #""usage":{"input_tokens":6,"cache_read_input_tokens":3,"output_tokens":4,"output_tokens_details":{"thinking_tokens":2}}"#,
        #""usage":null,"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":4,"cached_tokens":3,"reasoning_tokens":2}}"#,
    ])
    func knowsTheNames(usage: String) throws {
        let usage = try answer(#"{"choices":[{"text":"a"}],\#(usage)}"#).usage
        #expect(usage == TokenUsage(prompt: 9, completion: 4, reasoning: 2, cached: 3))
    }
}
