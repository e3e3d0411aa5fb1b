import Basics
import JSONText
import Testing

@testable import ModelAPI

private func error(_ message: String, type: String = "", code: String = "") -> String {
    #"{"error":{"message":"\#(message)","type":"\#(type)","code":"\#(code)"}}"#
}

/// How providers report that an account, a key or a model is wrong, and that a prompt is.
@Suite struct RefusalTests {
    private static let spent: [(Int, String)] = [
        // Anthropic.
        (
            400,
            #"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#
        ),
        (402, #"{"type":"error","error":{"type":"billing_error","message":"There is a problem with your billing."}}"#),
        (400, error("You have reached your specified API usage limits. You will regain access on 2026-12-01.")),
        (400, error("This organization has been disabled.", type: "invalid_request_error")),
        // OpenAI.
        (429, error("You exceeded your current quota", code: "insufficient_quota")),
        (429, error("Your account is not active, please check your billing details", code: "billing_not_active")),
        (400, error("Billing hard limit has been reached", code: "billing_hard_limit_reached")),
        (403, error("Country, region, or territory not supported", code: "unsupported_country_region_territory")),
        // DeepSeek, Moonshot, Zhipu, DashScope, SiliconFlow.
        (402, error("Insufficient Balance", type: "unknown_error", code: "invalid_request_error")),
        (429, error("Your account is suspended due to insufficient balance", type: "exceeded_current_quota_error")),
        (429, error("\u{4F59}\u{989D}\u{4E0D}\u{8DB3}", code: "1113")),
        (400, error("Access denied, please make sure your account is in good standing.", code: "Arrearage")),
        (403, #"{"code":30001,"message":"Sorry, your account balance is insufficient","data":null}"#),
        // Gateways.
        (
            400,
            error("Budget has been exceeded! Current cost: 0.13, Max budget: 0.1", type: "budget_exceeded", code: "400")
        ),
        (429, error("ExceededBudget: User=u over budget. Spend=1.1, Budget=1", type: "budget_exceeded")),
        (500, error("litellm.BadRequestError: AnthropicException - Your credit balance is too low to access")),
        (402, error("Insufficient credits. Add more using https://openrouter.ai/settings/credits", code: "402")),
        (403, error("Key limit exceeded. Manage it using https://openrouter.ai/settings/keys", code: "403")),
        (402, error("This request requires more credits, or fewer max_tokens. You can only afford 17", code: "402")),
        (403, error("quota", code: "insufficient_user_quota")),
        (402, error("You have exceeded your monthly included credits for Inference Providers.")),
        (412, error("Account a is suspended, possibly due to reaching the monthly spending limit")),
        (429, error("Your team has used all available credits or reached its monthly spending limit")),
        (402, ""),
        // Words without a code, in an object of another form or in none at all.
        (429, error("Your prepayment credits are depleted.", code: "429")),
        (403, error("Your organization has run out of funds")), (400, "no credits left"),
        (429, #"{"message":"You are using a Trial key, which is limited to 1000 API calls / month."}"#),
        (403, error("This API method requires billing to be enabled.", code: "403")),
        (403, error("your account has an overdue balance")), (400, error("Ihr Guthaben ist aufgebraucht.")),
        (429, error("\u{60A8}\u{7684}\u{8D26}\u{6237}\u{5DF2}\u{6B20}\u{8D39}", code: "1113")),
    ]

    @Test(arguments: spent)
    func anAccountThatIsSpentStopsTheRun(status: Int, body: String) {
        #expect(word(classify(reply(body, status: status))) == "stop refused")
    }

    private static let badKeys: [(Int, String)] = [
        (
            400,
            #"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]"#
        ),
        (400, error("API key expired. Please renew the API key.", code: "400")),
        (403, error("Your API key was reported as leaked. Please use another API key.", code: "403")),
        (401, error("Incorrect API key provided: sk-x", code: "invalid_api_key")),
        (401, error("Access denied due to invalid subscription key or wrong API endpoint.", code: "401")),
        (401, #"{"detail":"Unauthorized"}"#), (401, ""), (400, error("Authentication Error, Expired Key.")),
    ]

    @Test(arguments: badKeys)
    func aKeyIsRefusedUnderAnyStatus(status: Int, body: String) {
        #expect(word(classify(reply(body, status: status))) == "refuse key")
    }

    private static let missingModels: [(Int, String)] = [
        (404, error("The API deployment for this resource does not exist.", code: "DeploymentNotFound")),
        (404, #"{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}"#),
        (404, error("models/gemini-9 is not found for API version v1beta", code: "404")),
        (404, error("No endpoints found for acme/nothing.", code: "404")),
        (400, error("acme/nothing is not a valid model ID", code: "400")),
        (400, error("/chat/completions: Invalid model name passed in model=nope.", code: "400")),
        (
            401,
            error(
                "key not allowed to access model. This key can only access models=[a]", type: "key_model_access_denied")
        ),
        (403, error("Project `p` does not have access to model `gpt-9`", code: "model_not_found")),
        (400, error("The model `old` has been decommissioned", code: "model_decommissioned")),
    ]

    @Test(arguments: missingModels)
    func aModelThatIsNotThere(status: Int, body: String) {
        #expect(word(classify(reply(body, status: status))) == "refuse model")
    }

    private static let others: [(Int, String, String)] = [
        (404, error("Resource not found", code: "404"), "refuse address"),
        (404, "404 page not found", "refuse address"),
        (
            400,
            error(
                "Unsupported parameter: 'max_tokens' is not supported with this model.", code: "unsupported_parameter"),
            "refuse request"
        ),
        (403, "<html><head><title>Attention Required! | Cloudflare</title></head></html>", "refuse permission"),
        (
            400, error("This model's maximum context length is 4096 tokens. However, you requested 9000 tokens."),
            "refuse length"
        ),
        (400, error("prompt is too long: 210000 tokens > 200000 maximum"), "refuse length"),
        (400, error("x", code: "context_length_exceeded"), "refuse length"),
        (413, error("Request too large", type: "request_too_large"), "refuse length"),
        (400, error("The response was filtered", code: "content_filter"), "fail content_filter"),
        (400, error("Content Exists Risk", code: "invalid_request_error"), "fail content_filter"),
        (400, error("unsafe", code: "1301"), "fail content_filter"),
        (400, #"{"code":"DataInspectionFailed","message":"Input data may be bad."}"#, "fail content_filter"),
        (400, error("your prompt was flagged as potentially violating our usage policy"), "fail content_filter"),
        (400, error("Output blocked by content filtering policy"), "fail content_filter"),
        (
            403, #"{"error":{"code":403,"message":"Forbidden","metadata":{"reasons":["violence"]}}}"#,
            "fail content_filter"
        ),
        (
            400,
            #"{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"maximum context length is 9"}}}"#,
            "refuse length"
        ),
        // The account of a gateway with a provider is not ours.
        (
            400,
            #"{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"Insufficient Balance"}}}"#,
            "refuse request"
        ),
        (404, #"{"message":"no Route matched with those values"}"#, "refuse address"),
        (
            429, error("Rate limit reached: max context length of tokens per minute", code: "rate_limit_exceeded"),
            "retry rate_limited"
        ),
        (
            429,
            #"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}]}}"#,
            "stop incomplete"
        ),
        (
            429,
            #"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinute"}]}]}}"#,
            "retry rate_limited"
        ),
        (429, error("Rate limit exceeded: free-models-per-day", code: "429"), "stop incomplete"),
    ]

    @Test(arguments: others)
    func whatElseIsRefused(status: Int, body: String, expected: String) {
        #expect(word(classify(reply(body, status: status))) == expected)
    }

    @Test func aRedirectIsNamed() {
        let verdict = classify(reply("", status: 307, headers: [("location", "/v2/chat/completions")]))
        #expect(word(verdict) == "refuse address")
        #expect(message(verdict) == "HTTP 307: it redirects to /v2/chat/completions")
    }

    @Test func aRefusalThatIsToBeRetriedWaitsNoLongerThanGranted() {
        let headers = [(name: "x-should-retry", value: "true"), (name: "retry-after", value: "7200")]
        let verdict = classify(reply(error("The model `m` does not exist"), status: 404, headers: headers))
        guard case .retry(_, _, let wait) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(wait == Classifier.retryAfterMaxDefault)
    }

    @Test func aBudgetThatIsOnlySetAsideIsWaitedFor() {
        let body = error("in flight", code: "402")
        let reply = ModelReply(status: 402, body: Array(body.utf8), headers: [("retry-after", "2")])
        #expect(word(Classifier().classify(.success(reply), with: JSONParser())) == "retry rate_limited")
    }

    @Test func errorsEndInOneFullStop() {
        for suspect in Refusal.Suspect.allCases {
            for cause in ["no", "no.", "no...", "no. ", ""] {
                #expect(!Refusal(suspect, .auth, cause).error.description.contains(".."))
            }
        }
    }
}
