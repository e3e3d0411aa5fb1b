internal import Basics

/// A change to a run that is under way. From any thread; changes take effect in the order in which they were given.
public enum Steering: Sendable, Hashable {
    /// Send nothing new until `resume`; what is in flight goes on.
    case pause
    case resume
    /// Requests in flight at most. Fewer than are in flight: nothing new goes out until enough have returned.
    case concurrency(Int)
    /// The user's limits; nil: none. What the API's headers name still holds.
    case requestsPerSecond(Double?)
    case requestsPerMinute(Double?)
    case tokensPerMinute(Double?)
    /// Items of this model wait until it is released; the others go on.
    case hold(model: String)
    case release(model: String)
    /// The money that may be spent in all, in nanodollars. Without effect on a run that began without a limit.
    case budget(nanodollars: Int)
}

extension Dispatcher {
    mutating func steer(_ change: Steering, at now: Instant) {
        switch change {
        case .pause: isPaused = true
        case .resume:
            guard isPaused else { return }
            isPaused = false
            // The time in which nothing was tried is no part of an outage.
            breaker.restartOutage(at: now)
        case .concurrency(let count): adaptive.setCeiling(max(1, count))
        case .requestsPerSecond(let rate): limiter.set(perSecond: rate, at: now)
        case .requestsPerMinute(let rate): limiter.set(perMinute: rate, at: now)
        case .tokensPerMinute(let rate): limiter.set(tokensPerMinute: rate, at: now)
        case .budget(let limit): budget?.setLimit(limit)
        case .hold(let model): holds.hold(model)
        case .release(let model): ask(holds.release(model))
        }
    }
}
