import JSONText
import ModelAPI
import Testing

@Suite struct RequestBoundsTests {
    private func bounds(_ body: String, _ path: String = "/chat/completions") throws -> RequestBounds {
        let request = ModelRequest(path: path, body: Array(body.utf8))
        return RequestBounds(of: request, body: try JSONParser().parse(body).root)
    }

    @Test(arguments: [
        (#"{"max_tokens":5}"#, 5), (#"{"max_tokens":5,"n":3}"#, 15), (#"{"max_tokens":5,"n":"50"}"#, 250),
        (#"{"max_tokens":5,"n":2,"best_of":15}"#, 75), (#"{"max_tokens":5,"n":2.0}"#, 10),
        (#"{"max_tokens":5,"n":null,"best_of":0}"#, 5), (#"{"max_tokens":5,"n":true}"#, 5),
        (#"{"max_tokens":1000,"max_completion_tokens":5}"#, 1000),
        (#"{"max_tokens":"1000","max_completion_tokens":5}"#, 1000), (#"{"max_tokens":1e3}"#, 1000),
        (#"{"max_tokens":null,"max_completion_tokens":5}"#, 5),
        (#"{"max_tokens":5,"prompt":["a","b","c"]}"#, 15), (#"{"max_tokens":5,"prompt":[[1],[2]],"n":2}"#, 20),
        (#"{"max_tokens":5,"prompt":[1,2,3]}"#, 5),
        (#"{"max_tokens":9223372036854775807,"n":2}"#, Int.max), (#"{"max_tokens":1e300}"#, Int.max),
        (#"{"max_tokens":5,"n":{}}"#, Int.max), (#"{"max_tokens":5,"n":-3}"#, Int.max),
    ])
    func whatAllAnswersMayHaveCountsEveryOne(body: String, tokens: Int) throws {
        #expect(try bounds(body).completionTokensMax == tokens)
    }

    @Test(arguments: [
        "{}", #"{"max_tokens":-1}"#, #"{"max_tokens":"many"}"#, #"{"max_tokens":5,"max_completion_tokens":-1}"#,
        #"{"max_tokens":[5]}"#, #"{"max_tokens":"nan"}"#,
    ])
    func whatMayBeNoLimitIsNone(body: String) throws { #expect(try bounds(body).completionTokensMax == nil) }

    @Test(arguments: [
        #"{"previous_response_id":"r"}"#, #"{"conversation":{"id":"c"}}"#, #"{"prompt":{"id":"p"}}"#,
        #"{"tools":[{"type":"function"},{"type":"web_search"}]}"#, #"{"tools":[{"type":"mcp"}]}"#,
        #"{"mcp_servers":[{}]}"#, #"{"web_search_options":{}}"#, #"{"input":[{"type":"item_reference","id":"i"}]}"#,
        #"{"input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]}"#,
        #"{"input":[{"role":"user","content":[{"type":"input_file","file_url":"https://a/b"}]}]}"#,
        #"{"messages":[{"content":[{"type":"file","file":{"file_id":"f"}}]}]}"#,
        #"{"messages":[{"content":[{"type":"document","source":{"type":"url","url":"https://a"}}]}]}"#,
        #"{"messages":[{"content":[{"type":"tool_result","content":[{"type":"document","source":{"file_id":"f"}}]}]}]}"#,
        #"{"messages":[{"content":[{"type":"video_url","video_url":{"url":"http://a"}}]}]}"#,
    ])
    func whatIsReadFromElsewhereHasNoBound(body: String) throws {
        #expect(try bounds(body, "/responses").unboundedInput != nil)
    }

    @Test func whatIsInTheBodyIsBoundedByIt() throws {
        for body in [
            #"{"previous_response_id":null,"mcp_servers":[],"messages":[{"role":"user","content":"https://a"}]}"#,
            #"{"tools":[{"type":"function"},{"name":"a"},{"type":"bash_20250124"},{"type":"custom"}]}"#,
            #"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#,
            #"{"messages":[{"content":[{"type":"document","source":{"type":"base64","data":"AAAA"}}]}]}"#,
            #"{"messages":[{"content":[{"type":"text","text":"x","url":"https://a"}]}]}"#,
        ] {
            #expect(try bounds(body).unboundedInput == nil && bounds(body).addedBytes == 0)
        }
    }

    @Test func aPictureBehindAnAddressHasTheMostThatPicturesHave() throws {
        let one = try bounds(
            #"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}}]}]}"#)
        let two = try bounds(
            #"{"input":[{"content":[{"type":"input_image","image_url":"https://a"},{"type":"input_image","file_id":"f"}]}]}"#,
            "/responses")
        #expect(one.addedBytes > 48_000 && two.addedBytes == 2 * one.addedBytes && two.unboundedInput == nil)
    }

    @Test func anEstimateOfNonsenseFits() {
        let request = ModelRequest(path: "/x", body: [1, 2, 3, 4, 5])
        for limit in [Int.max, Int.max - 1, .min, -1, 0] {
            let tokens = TokenEstimate.tokens(of: request, completionTokensMax: limit)
            #expect(tokens >= 2 && tokens <= 2 + TokenEstimate.completionTokensMost)
        }
        #expect(TokenEstimate.tokens(of: request, completionTokensMax: 7) == 9)
    }
}
