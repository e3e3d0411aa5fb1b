import Basics
import Testing

@testable import ModelSimulator

@Suite struct RateLimiterTests {
    private let start = Instant(nanoseconds: 5_000_000_000)

    @Test func refusesWhenTheMinuteIsUsedUp() {
        var limiter = RateLimiter(requestsPerMinute: 3, tokensPerMinute: nil, at: start)
        for _ in 0..<3 { #expect(limiter.admit(tokens: 1000, at: start) == .granted) }
        #expect(limiter.admit(tokens: 1, at: start) == .refused(by: "requests", retryAfter: .seconds(20)))
        let later = start + .seconds(10)
        #expect(limiter.admit(tokens: 1, at: later) == .refused(by: "requests", retryAfter: .seconds(10)))
        #expect(limiter.admit(tokens: 1, at: start + .seconds(20)) == .granted)
    }

    @Test func aRefusalTakesNothing() {
        var limiter = RateLimiter(requestsPerMinute: 2, tokensPerMinute: 100, at: start)
        #expect(limiter.admit(tokens: 90, at: start) == .granted)
        #expect(limiter.admit(tokens: 20, at: start) == .refused(by: "tokens", retryAfter: .seconds(6)))
        #expect(limiter.admit(tokens: 10, at: start) == .granted)
    }

    @Test func aRequestAboveTheLimitPassesAFullBucket() {
        var limiter = RateLimiter(requestsPerMinute: nil, tokensPerMinute: 60, at: start)
        #expect(limiter.admit(tokens: 600, at: start) == .granted)
        #expect(limiter.admit(tokens: 1, at: start + .seconds(540)) != .granted)
        #expect(limiter.admit(tokens: 1, at: start + .seconds(541)) == .granted)
    }

    @Test func itNeverStoresMoreThanAMinute() {
        var limiter = RateLimiter(requestsPerMinute: 2, tokensPerMinute: nil, at: start)
        let muchLater = start + .seconds(3600)
        #expect(limiter.admit(tokens: 0, at: muchLater) == .granted)
        #expect(limiter.admit(tokens: 0, at: muchLater) == .granted)
        #expect(limiter.admit(tokens: 0, at: muchLater) != .granted)
    }

    @Test func aSmallBucketLetsLittlePassAtOnce() {
        var limiter = RateLimiter(requestsPerMinute: 600, tokensPerMinute: nil, requestsAtOnce: 2, at: start)
        let later = start + .seconds(60)
        for _ in 0..<2 { #expect(limiter.admit(tokens: 0, at: later) == .granted) }
        #expect(limiter.admit(tokens: 0, at: later) == .refused(by: "requests", retryAfter: .milliseconds(100)))
        #expect(limiter.admit(tokens: 0, at: later + .milliseconds(100)) == .granted)
    }

    @Test func aClockThatStepsBackChangesNothing() {
        var limiter = RateLimiter(requestsPerMinute: 1, tokensPerMinute: nil, at: start)
        #expect(limiter.admit(tokens: 0, at: start) == .granted)
        #expect(
            limiter.admit(tokens: 0, at: start + .seconds(-100)) == .refused(by: "requests", retryAfter: .seconds(60)))
    }

    @Test func theHeadersTellTheState() {
        var limiter = RateLimiter(requestsPerMinute: 600, tokensPerMinute: 60_000, at: start)
        _ = limiter.admit(tokens: 500, at: start)
        let headers = Dictionary(uniqueKeysWithValues: limiter.headers.map { ($0.name, $0.value) })
        #expect(headers["x-ratelimit-limit-requests"] == "600")
        #expect(headers["x-ratelimit-remaining-requests"] == "599")
        #expect(headers["x-ratelimit-reset-requests"] == "100ms")
        #expect(headers["x-ratelimit-remaining-tokens"] == "59500")
        #expect(headers["x-ratelimit-reset-tokens"] == "500ms")
    }

    @Test(arguments: [
        (0, "0s"), (1, "1ms"), (86, "86ms"), (1000, "1s"), (1500, "1.500s"), (1007, "1.007s"), (360_000, "6m0s"),
    ])
    func writesTimesAsTheApiDoes(milliseconds: Int64, text: String) {
        #expect(RateLimiter.text(.milliseconds(milliseconds)) == text)
    }
}
