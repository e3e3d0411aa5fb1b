internal import Basics

/// A change to a running run. Any thread; changes take effect in the order of the calls.
public enum Steering: Sendable, Hashable {
    /// Send no new requests until `resume`; those in flight continue.
    case pause
    case resume
    /// Maximum requests in flight. If more are in flight, no new one is sent until enough have returned.
    case concurrency(Int)
    /// The user's limits; nil: none. Limits in the API's headers still apply.
    case requestsPerSecond(Double?)
    case requestsPerMinute(Double?)
    case tokensPerMinute(Double?)
    /// Hold items of this model until it is released; the others continue.
    case hold(model: String)
    case release(model: String)
    /// The total that may be spent, in nanodollars. Without effect on a run that began without a limit.
    case budget(nanodollars: Int)
}

extension Dispatcher {
    mutating func steer(_ change: Steering, at now: Instant) {
        switch change {
        case .pause: isPaused = true
        case .resume:
            guard isPaused else { return }
            isPaused = false
            // Time in which nothing was tried does not count as an outage.
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
