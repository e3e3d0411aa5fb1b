internal import Basics

/// Finds how many requests the server accepts in flight.
///
/// One decision per round trip: a round ends when a request returns that was sent after the round began. Let F be the
/// share of its replies that said "too much" (429, 503, 529). The limit becomes `limit * (1 - F / 2) + step * (1 - F)`:
/// halved when all are refused, hardly changed when few are, as DCTCP (RFC 8257) does with marked packets. In slow
/// start it doubles until the first refusal or until latency has doubled; later it does not grow while latency is twice
/// the best.
struct AdaptiveConcurrency: Sendable {
    private(set) var ceiling: Int
    /// The current limit, from 1 to the ceiling.
    var limit: Int { max(1, Int(exact)) }

    private var exact: Double
    private var step: Double
    private let watchesLatency: Bool
    private var isSlowStart: Bool
    private var sent: UInt64 = 0
    private var round = Round()
    private var latencyBest = Double.infinity

    private struct Round {
        var firstOfNext: UInt64 = 0
        var replies = 0.0
        var refused = 0.0
        var latencySum = 0.0
        /// Whether the limit was ever reached: an unused limit is not raised.
        var wasFull = false
    }

    private static let slowStartLimit = 4.0
    private static let latencyGrowthMax = 2.0
    /// Share of the best latency that is forgotten per round, for servers whose load changes.
    private static let latencyForgetting = 0.01

    /// - Parameter automatic: start small and find the limit; otherwise start at the ceiling and only decrease.
    init(ceiling: Int, automatic: Bool) {
        self.ceiling = ceiling
        exact = automatic ? min(Self.slowStartLimit, Double(ceiling)) : Double(ceiling)
        step = Self.step(ceiling)
        isSlowStart = automatic
        watchesLatency = automatic
    }

    private static func step(_ ceiling: Int) -> Double { max(1, Double(ceiling) / 32) }

    /// Moves the ceiling. A limit that was found stays below it; a given limit is the ceiling itself.
    mutating func setCeiling(_ count: Int) {
        ceiling = count
        step = Self.step(count)
        exact = watchesLatency ? min(exact, Double(count)) : Double(count)
    }

    /// Notes a dispatch; its number must be passed back when the request returns.
    mutating func dispatched(inFlight: Int) -> UInt64 {
        if inFlight >= limit { round.wasFull = true }
        sent += 1
        return sent - 1
    }

    mutating func returned(_ number: UInt64, refused: Bool, latency: Interval) {
        round.replies += 1
        round.latencySum += latency.seconds
        if refused { round.refused += 1 }
        if number >= round.firstOfNext { endRound() }
    }

    private mutating func endRound() {
        let share = round.refused / round.replies
        let latency = round.latencySum / round.replies
        latencyBest = min(latencyBest * (1 + Self.latencyForgetting), latency)
        let isSlow = watchesLatency && latency > latencyBest * Self.latencyGrowthMax
        if share > 0 || isSlow { isSlowStart = false }
        let grows = round.wasFull && !isSlow
        let gain = !grows ? 0 : isSlowStart ? exact : step * (1 - share)
        exact = min(Double(ceiling), max(1, exact * (1 - share / 2) + gain))
        round = Round(firstOfNext: sent)
    }
}
