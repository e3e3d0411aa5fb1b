import Basics
import Testing

@testable import ModelAPI

private func hint(_ headers: [(name: String, value: String)], status: Int = 429) -> Interval? {
    RetryHint.interval(of: reply("", status: status, headers: headers))
}

@Suite struct RetryHintTests {
    @Test func readsSecondsAndMilliseconds() {
        #expect(hint([("retry-after", "20")]) == .seconds(20))
        #expect(hint([("retry-after", "1.5")], status: 503) == .seconds(1.5))
        #expect(hint([("retry-after", "20"), ("retry-after-ms", "150")]) == .milliseconds(150))
        #expect(hint([("retry-after", "0")]) == nil)
        #expect(hint([("retry-after", "soon")]) == nil)
        #expect(hint([("retry-after", "2 seconds")]) == .seconds(2))
        #expect(hint([("retry-after", "1 Minute")]) == .seconds(60))
        #expect(hint([("retry-after", "-5")]) == nil)
        #expect(hint([]) == nil)
    }

    @Test func readsADateAgainstTheRepliesOwn() {
        let due = (name: "retry-after", value: "Sun, 06 Nov 1994 08:50:07 GMT")
        #expect(hint([due, ("date", "Sun, 06 Nov 1994 08:49:37 GMT")]) == .seconds(30))
        #expect(hint([due]) == nil)
        #expect(hint([due, ("date", "Sun, 06 Nov 1994 09:49:37 GMT")]) == nil)
    }

    @Test func readsTheResetOfWhatIsUsedUp() {
        let headers = [
            (name: "x-ratelimit-remaining-requests", value: "0"), (name: "x-ratelimit-reset-requests", value: "1s"),
            (name: "x-ratelimit-remaining-tokens", value: "100"), (name: "x-ratelimit-reset-tokens", value: "6m0s"),
        ]
        #expect(hint(headers) == .seconds(1))
        #expect(hint(headers, status: 500) == nil)
        #expect(hint([headers[1], headers[3]]) == .seconds(1))
        #expect(hint(headers + [("retry-after", "9")]) == .seconds(9))
    }

    @Test(arguments: [
        ("1s", 1.0), ("6m0s", 360), ("20ms", 0.02), ("1h30m", 5400), ("2.5s", 2.5), ("7", 7), ("1m1.5s", 61.5),
        ("12.345ms", 0.012345),
    ])
    func readsDurations(text: String, seconds: Double) {
        #expect(RetryHint.duration(text) == .seconds(seconds))
    }

    @Test(arguments: ["", "s", "1x", "1s2", "m1", "-1s", "nan", "1e-300"])
    func refusesWhatIsNoDuration(text: String) {
        #expect(RetryHint.duration(text) == nil)
    }
}

@Suite struct DateTests {
    @Test(
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799), ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Thu, 20 Nov 2025 08:00:00 GMT", 1_763_625_600), ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777), ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("Thursday, 20-Nov-25 08:00:00 GMT", 1_763_625_600),
        ] as [(String, Int64)])
    func readsHTTPDates(text: String, seconds: Int64) {
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test(arguments: [
        "", "Sunday, 06-Nov-1994 08:49:37 GMT", "Son Nov  6 08:49:37 1994", "Sunday, 06-Nov-94 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
    ])
    func refusesOtherForms(text: String) {
        #expect(HTTPDate.seconds(text) == nil)
    }

    @Test func readsMoments() {
        #expect(RFC3339.seconds("1994-11-06T08:49:37Z") == 784_111_777)
        #expect(RFC3339.seconds("1994-11-06 08:49:37Z") == nil)
        #expect(RFC3339.seconds("1994-11-06T08:49:37.25+01:00") == 784_108_177)
        #expect(RFC3339.seconds("1994-11-06t08:49:37-00:30") == 784_113_577)
        #expect(RFC3339.seconds("1994-11-06T08:49:37+0100") == nil)
        #expect(RFC3339.seconds("1994-11-06T08:49:37") == nil)
        #expect(RFC3339.seconds("Z") == nil)
    }
}

@Suite struct RateLimitReportTests {
    @Test func readsOpenAI() {
        let report = RateLimitReport(
            reply(
                "",
                headers: [
                    ("content-type", "application/json"), ("x-ratelimit-limit-requests", "500"),
                    ("x-ratelimit-remaining-requests", "499"), ("x-ratelimit-reset-requests", "120ms"),
                    ("x-ratelimit-limit-tokens", "30000"),
                ]))
        #expect(report?.requests == .init(limit: 500, remaining: 499, reset: .milliseconds(120)))
        #expect(report?.tokens == .init(limit: 30000))
        #expect(report?.requests.limitPerMinute == 500)
    }

    @Test func readsAnthropic() {
        let report = RateLimitReport(
            reply(
                "",
                headers: [
                    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("anthropic-ratelimit-requests-limit", "50"),
                    ("anthropic-ratelimit-requests-remaining", "0"),
                    ("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:47Z"),
                ]))
        #expect(report?.requests == .init(limit: 50, remaining: 0, reset: .seconds(10)))
    }

    @Test func isNilWithoutLimits() {
        #expect(RateLimitReport(reply("", headers: [("x-request-id", "x-ratelimit-limit-requests")])) == nil)
        #expect(RateLimitReport(reply("", headers: [("x-ratelimit-something-else", "1")])) == nil)
    }

    @Test func aLimitPerDayIsNotPerMinute() {
        #expect(RateLimitReport.Resource(limit: 14400, remaining: 1, reset: .seconds(3000)).limitPerMinute == nil)
    }
}

@Suite struct WaitFormsTests {
    private static let now: Int64 = 1_764_320_400
    private static let date = HTTPDate.text(now)

    private func hint(_ name: String, _ value: String, dated: Bool = false, body: String = "", status: Int = 429)
        -> Interval?
    {
        var headers = name.isEmpty ? [] : [(name: name, value: value)]
        if dated { headers.append(("date", HTTPDate.text(Self.now - 1000))) }
        if name.contains("reset") { headers.append((name.replacing("reset", with: "remaining"), "0")) }
        return RetryHint.interval(of: reply(body, status: status, headers: headers), now: Self.now)
    }

    @Test(arguments: [
        "retry-after", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "x-ratelimit-reset", "ratelimit-reset",
        "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-input-tokens-reset",
        "anthropic-ratelimit-output-tokens-reset",
        "llm_provider-retry-after", "llm_provider-x-ratelimit-reset-requests",
        "llm_provider-anthropic-ratelimit-tokens-reset",
        "x-ratelimit-reset-project-tokens",
    ])
    func everyHeaderTakesEveryForm(name: String) {
        let forms = [
            "2", "2.0", "2s", "2000ms", "0m2s", "\(Self.now + 2)", "\(Self.now + 2).0", "\(Self.now + 2)000",
            "\(Self.now + 2)000000",
            HTTPDate.text(Self.now + 2), "2025-11-28T09:00:02Z", "2025-11-28T10:00:02.000+01:00",
        ]
        for form in forms { #expect(hint(name, form) == .seconds(2), "\(name): \(form)") }
        for form in ["\(Self.now - 998)", "\(Self.now - 998)000", HTTPDate.text(Self.now - 998)] {
            #expect(hint(name, form, dated: true) == .seconds(2), "\(name): \(form)")
        }
        for form in [
            "0", "-1", "-5", "soon", "", "inf", "nan", "1e999", HTTPDate.text(Self.now - 5), "\(Self.now - 5)",
        ] {
            #expect(hint(name, form) == nil, "\(name): \(form)")
        }
    }

    @Test(arguments: [
        #"[{"error":{"code":429,"message":"quota","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3.5s"}]}}]"#,
        #"{"error":{"message":"You exceeded your current quota. Please retry in 3.5s."}}"#,
        #"{"error":{"message":"Rate limit reached for m: Limit 3, Used 3. Please try again in 3.5s. Visit"}}"#,
        #"{"error":{"message":"Please try again in 3500ms."}}"#, #"{"error":{"message":"try again in 0h0m3.5s"}}"#,
        #"{"error":{"message":"Please retry after 3.5 seconds."}}"#,
        #"{"error":{"message":"x","metadata":{"retry_after_seconds":3.5}}}"#,
        #"{"error":{"message":"x","metadata":{"headers":{"X-RateLimit-Reset":"1764320403500"}}}}"#,
        #"{"retry_after_ms": 3500}"#,
    ])
    func theBodySaysHowLong(body: String) {
        #expect(hint("", "", body: body) == .seconds(3.5), "\(body)")
        #expect(hint("", "", body: body, status: 400) == nil)
        #expect(hint("retry-after", "9", body: body) == .seconds(9))
    }

    @Test(arguments: [
        "", "Please try again later.", "try again in ", "retry in soon", #"{"retryDelay":"#, #"{"retryDelay":{}}"#,
        "wait -1s",
    ])
    func aBodyMaySayNothing(body: String) { #expect(hint("", "", body: body) == nil) }

    @Test func aLongBodyIsNotSearchedToItsEnd() {
        let body = String(repeating: "try again in x ", count: 1 << 20) + "try again in 3s"
        #expect(hint("", "", body: body) == nil)
    }

    @Test func momentsAreRead() {
        let report = RateLimitReport(
            reply(
                "",
                headers: [
                    ("x-ratelimit-remaining-requests", "-1"), ("x-ratelimit-reset-requests", "\(Self.now + 7)"),
                    ("x-ratelimit-limit", "10"),
                ]),
            now: Self.now)
        #expect(report?.requests == .init(remaining: nil, reset: .seconds(7)))
    }
}
