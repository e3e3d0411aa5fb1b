import Basics

/// What is known when the rows of a run are divided between the ways to send them. Times are seconds since 1970, lengths seconds.
package struct RouteTerms: Sendable, Hashable {
    package var now: Double
    package var deadline: Double
    /// Items without an outcome.
    package var items: Int
    /// Of them those that are in batches under way.
    package var underWay = 0
    /// Items that live requests bring to their outcome in a second.
    package var pace: Double
    /// What is to be set aside for live requests, where the user says it.
    package var reserve: Double?
    /// How long a batch is expected to take.
    package var expected: Double
    /// What batches and the flexible tier cost of the price; nil: there is no such way.
    package var batchShare: Double?
    package var flexShare: Double?
}

/// How the rows of a run are divided, so that all of them have their answer in time for the least money. A value.
///
/// A batch gives no promise, so each row of a batch has a place in the time that is set aside for live requests before the
/// deadline: rows for which there would be no time are sent live at once.
package struct RoutePlan: Sendable, Hashable {
    package let terms: RouteTerms
    /// Items that are sent in batches, beside those that are in batches already.
    package private(set) var batchItems = 0
    /// Items that are sent live at once.
    package private(set) var liveItems = 0
    /// Batches that are not back then are cancelled.
    package private(set) var cutoff: Double
    /// Batches that have not ended by then are left behind, and their rows are sent live.
    package private(set) var giveUp: Double

    /// Live requests take longer than their mean says.
    package static let safety = 1.25
    /// Set aside beside the estimate: the last requests are long ones.
    package static let margin = 60.0
    /// Within so much OpenAI ends a batch that is cancelled (platform.openai.com/docs/guides/batch).
    package static let graceMax = 600.0
    /// The share of the time that cancelling may take.
    package static let graceShare = 0.1
    /// For cancelling once the deadline has passed.
    package static let graceLate = 60.0
    /// The share of a batch's expected time that must be left when it is begun: packing and uploading take time, too.
    package static let startShare = 0.75
    /// Seconds that an answer is assumed to take where none was timed.
    package static let latencyAssumed = 10.0
    /// Seconds that a batch is expected to take where none was seen: most of them take less.
    package static let expectedDefault = 3600.0

    package init(_ terms: RouteTerms) {
        self.terms = terms
        let left = terms.deadline - terms.now
        let grace = left > 0 ? min(Self.graceMax, max(1, left * Self.graceShare)) : Self.graceLate
        let fresh = max(0, terms.items - terms.underWay)
        if let share = terms.batchShare, share < 1, share <= terms.flexShare ?? 1 {
            let room = Self.items(within: left - grace - terms.expected, terms)
            batchItems = min(fresh, max(0, room - terms.underWay))
        }
        liveItems = fresh - batchItems
        giveUp = terms.deadline - Self.need(batchItems + terms.underWay, terms)
        cutoff = giveUp - grace
        if cutoff < terms.now { (cutoff, giveUp) = (terms.now, max(giveUp, terms.now + min(grace, Self.graceLate))) }
    }

    /// Seconds that so many items need live.
    package static func need(_ items: Int, _ terms: RouteTerms) -> Double {
        guard items > 0 else { return 0 }
        return terms.reserve ?? Double(items) / max(terms.pace, 1e-9) * safety + margin
    }

    /// The most items that need no more than so many seconds.
    private static func items(within seconds: Double, _ terms: RouteTerms) -> Int {
        if let reserve = terms.reserve { return seconds >= reserve ? .max : 0 }
        let items = (seconds - margin) * terms.pace / safety
        return items >= 1 ? Int(min(items, 1e15)) : 0
    }

    /// Until when items that are sent live now may wait for the flexible tier; nil: they may not.
    /// - Parameters:
    ///   - items: those that are sent.
    ///   - hasBatches: whether the time after the cutoff is for others.
    package func flexUntil(_ items: Int, hasBatches: Bool, now: Double) -> Double? {
        guard let share = terms.flexShare, share < 1 else { return nil }
        let end = (hasBatches ? cutoff : terms.deadline) - Self.need(items, terms)
        return end > now ? end : nil
    }

    /// Whether live requests alone would end in time, as far as there is time at all.
    package var isFeasible: Bool {
        let left = terms.deadline - terms.now
        return left <= 0 || terms.reserve != nil || liveSeconds <= left
    }

    /// Seconds that all items need live, at the mean.
    package var liveSeconds: Double { Double(terms.items) / max(terms.pace, 1e-9) }
}
