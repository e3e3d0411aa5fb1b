internal import Basics

/// Limits for several processes together. Nil: no limit of that kind.
public struct LimitTerms: Codable, Sendable, Hashable {
    public var requestsPerSecond: Double?
    public var requestsPerMinute: Double?
    /// Prompt and completion tokens together.
    public var tokensPerMinute: Double?
    /// Maximum money in all, in nanodollars.
    public var moneyMax: Int?

    public init(
        requestsPerSecond: Double? = nil, requestsPerMinute: Double? = nil, tokensPerMinute: Double? = nil,
        moneyMax: Int? = nil
    ) {
        self.requestsPerSecond = requestsPerSecond
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.moneyMax = moneyMax
    }

    public var isEmpty: Bool { self == LimitTerms() }

    /// Whether the pace is limited, not only the money.
    var limitsPace: Bool { requestsPerSecond != nil || requestsPerMinute != nil || tokensPerMinute != nil }

    /// The shortest window over which a limit must hold.
    var window: Interval { .seconds(requestsPerSecond == nil ? 60 : 1) }

    /// How late a right may be used.
    var grace: Interval { window * 0.02 }

    /// Maximum delay of a request on its way to the server, and maximum error of a client's clock estimate.
    static let delayShare = 0.01

    /// How far ahead rights are granted: what a dying client may take with it.
    var cycle: Interval { min(window * 0.25, .seconds(2)) }

    /// The part of each rate that is granted. A right that is used late falls into a later window than intended, so
    /// that much room is left: even then no window has too many.
    private var share: Double {
        let late = grace.seconds + window.seconds * Self.delayShare
        return window.seconds / (window.seconds + late)
    }

    /// Granted requests per second; nil: unlimited.
    var requestRate: Double? {
        let rates = [requestsPerSecond, requestsPerMinute.map { $0 / 60 }].compactMap { $0 }
        return rates.min().map { $0 * share }
    }

    /// Granted tokens per second.
    var tokenRate: Double? { tokensPerMinute.map { $0 / 60 * share } }

    /// The terms scaled to a share, for a client that has lost the limiter.
    func scaled(by factor: Double) -> LimitTerms {
        LimitTerms(
            requestsPerSecond: requestsPerSecond.map { $0 * factor },
            requestsPerMinute: requestsPerMinute.map { $0 * factor },
            tokensPerMinute: tokensPerMinute.map { $0 * factor })
    }
}
