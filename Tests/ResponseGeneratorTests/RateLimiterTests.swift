import Basics
import ModelAPI
import Testing

@testable import ResponseGenerator

private let start = Instant(nanoseconds: 1_000)

/// Sends as fast as the limiter allows; returns the times.
private func drive(_ limiter: inout RateLimiter, _ count: Int, tokens: Int = 0, from: Instant = start) -> [Instant] {
    var now = from
    return (0..<count).map { _ in
        now = limiter.ready(tokens: tokens, at: now)
        #expect(limiter.ready(tokens: tokens, at: now) == now)
        limiter.take(tokens: tokens, at: now)
        return now
    }
}

@Suite struct TokenBucketTests {
    @Test func aCostAboveTheCapacityPassesFullAndLeavesADebt() {
        var bucket = TokenBucket(perSecond: 10, at: start)
        #expect(bucket.ready(for: 50, at: start) == start)
        bucket.take(50, at: start)
        let next = bucket.ready(for: 1, at: start)
        #expect(next - start == .seconds(5))
    }

    @Test func aRateNearNothingWaitsLongWithoutOverflow() {
        var bucket = TokenBucket(perSecond: 1e-12, at: start)
        bucket.take(1e6, at: start)
        #expect((bucket.ready(for: 1, at: start) - start).seconds >= 9e8)
    }

    @Test func fillsNoFurtherThanItsCapacity() {
        var bucket = TokenBucket(perSecond: 100, at: start)
        let later = start + .seconds(1000)
        for _ in 0..<10 { bucket.take(1, at: later) }
        #expect(bucket.ready(for: 1, at: later) > later)
    }

    @Test func aClockThatStandsStillGivesNothing() {
        var bucket = TokenBucket(perSecond: 1, at: start)
        bucket.take(1, at: start)
        #expect(bucket.ready(for: 1, at: start) - start == .seconds(1))
    }
}

@Suite struct RateLimiterTests {
    /// `--retry-after-max` also limits what headers may request.
    @Test(arguments: [(Interval.seconds(2), 2.0), (.seconds(600), 60)])
    func aServersPauseIsBounded(max: Interval, seconds: Double) {
        var limiter = RateLimiter(RateLimits(), waitMax: max, at: start)
        let spent = RateLimitReport.Resource(limit: 1, remaining: 0, reset: .seconds(1e9))
        limiter.learn(RateLimitReport(requests: spent), at: start)
        #expect((limiter.ready(tokens: 0, at: start) - start).seconds == seconds)
    }

    @Test func withoutLimitsEverythingIsReady() {
        var limiter = RateLimiter(RateLimits(), at: start)
        #expect(drive(&limiter, 1000, tokens: 1_000_000).last == start)
    }

    @Test(arguments: [0.5, 3, 50, 2000])
    func keepsToRequestsPerSecond(rate: Double) {
        var limiter = RateLimiter(RateLimits(requestsPerSecond: rate), at: start)
        let times = drive(&limiter, 500)
        let span = (times.last! - start).seconds
        #expect(abs(span - 499 / rate) < 0.1 + 1 / rate)
        // No second has more requests than the rate and its burst.
        for first in times {
            let within = times.count { $0 >= first && $0 < first + .seconds(1) }
            #expect(Double(within) <= rate + max(1, rate / 10) + 1)
        }
    }

    @Test func theTightestLimitRules() {
        var limiter = RateLimiter(RateLimits(requestsPerSecond: 100, requestsPerMinute: 60), at: start)
        #expect(abs((drive(&limiter, 31).last! - start).seconds - 30) < 0.01)
    }

    @Test func keepsToTokensPerMinuteAndSettles() {
        var limiter = RateLimiter(RateLimits(tokensPerMinute: 6000), at: start)
        #expect(abs((drive(&limiter, 61, tokens: 100).last! - start).seconds - 60) < 1.1)
        // Only a tenth was used, so a full burst is available again.
        var saver = RateLimiter(RateLimits(tokensPerMinute: 6000), at: start)
        saver.take(tokens: 100, at: start)
        saver.settle(reserved: 100, used: 1, at: start)
        #expect((saver.ready(tokens: 1, at: start) - start).seconds < 0.02)
        saver.settle(reserved: 0, used: 600, at: start)
        #expect((saver.ready(tokens: 1, at: start) - start).seconds > 5.9)
    }

    @Test func spacingSeparatesDispatches() {
        var limiter = RateLimiter(RateLimits(spacing: .milliseconds(200)), at: start)
        let times = drive(&limiter, 5)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 == .milliseconds(200) })
    }

    @Test func takesUpLimitsFromHeaders() {
        var limiter = RateLimiter(RateLimits(requestsPerMinute: 600), at: start)
        limiter.learn(RateLimitReport(requests: .init(limit: 60, remaining: 59, reset: .seconds(1))), at: start)
        #expect(abs((drive(&limiter, 11).last! - start).seconds - 10) < 1.1)
        // A higher limit in a header does not raise the user's own.
        limiter.learn(RateLimitReport(requests: .init(limit: 1_000_000)), at: start)
        #expect((drive(&limiter, 101, from: start + .seconds(20)).last! - start).seconds > 29)
    }

    @Test func aLimitPerDayIsNotOnePerMinute() {
        var limiter = RateLimiter(RateLimits(), at: start)
        limiter.learn(RateLimitReport(requests: .init(limit: 1440, remaining: 7, reset: .seconds(3600))), at: start)
        #expect(drive(&limiter, 100).last == start)
    }

    @Test func pausesWhenNothingRemains() {
        var limiter = RateLimiter(RateLimits(), at: start)
        limiter.learn(RateLimitReport(tokens: .init(remaining: 0, reset: .seconds(6))), at: start)
        #expect(limiter.ready(tokens: 0, at: start) - start == .seconds(6))
        limiter.learn(RateLimitReport(tokens: .init(remaining: 0, reset: .seconds(6000))), at: start)
        #expect(limiter.ready(tokens: 0, at: start) - start == RateLimiter.pauseMaxDefault)
    }

    @Test func aLimitThatRefillsIsNotWaitedForUntilItIsWhole() {
        var limiter = RateLimiter(RateLimits(), at: start)
        limiter.learn(RateLimitReport(requests: .init(limit: 600, remaining: 0, reset: .seconds(60))), at: start)
        #expect(limiter.ready(tokens: 0, at: start) - start == .milliseconds(100))
        #expect(abs((drive(&limiter, 101).last! - start).seconds - 10) < 0.2)
    }
}
