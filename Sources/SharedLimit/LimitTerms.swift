internal import Basics

/// What several processes may do together. Nil: no limit of that kind.
public struct LimitTerms: Codable, Sendable, Hashable {
    public var requestsPerSecond: Double?
    public var requestsPerMinute: Double?
    /// Tokens of prompt and completion together.
    public var tokensPerMinute: Double?
    /// Money that may be spent in all, in nanodollars.
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

    /// The shortest stretch of time for which a limit must hold.
    var window: Interval { .seconds(requestsPerSecond == nil ? 60 : 1) }

    /// How late the right to a request may be used.
    var grace: Interval { window * 0.02 }

    /// How late a request may be on its way to the server, and how wrong a client may be about the server's time.
    static let delayShare = 0.01

    /// How far rights are given ahead: what a client that dies may take with it.
    var cycle: Interval { min(window * 0.25, .seconds(2)) }

    /// The part of each rate that is given out. A right that is used late falls into a later window than it was meant
    /// for: so much room has to be left that even then none has too many.
    private var share: Double {
        let late = grace.seconds + window.seconds * Self.delayShare
        return window.seconds / (window.seconds + late)
    }

    /// Requests per second that are given out; nil: as many as are wanted.
    var requestRate: Double? {
        let rates = [requestsPerSecond, requestsPerMinute.map { $0 / 60 }].compactMap { $0 }
        return rates.min().map { $0 * share }
    }

    /// Tokens per second that are given out.
    var tokenRate: Double? { tokensPerMinute.map { $0 / 60 * share } }

    /// The same terms for a part of it all, for a client that has lost the server.
    func scaled(by factor: Double) -> LimitTerms {
        LimitTerms(
            requestsPerSecond: requestsPerSecond.map { $0 * factor },
            requestsPerMinute: requestsPerMinute.map { $0 * factor },
            tokensPerMinute: tokensPerMinute.map { $0 * factor })
    }
}
