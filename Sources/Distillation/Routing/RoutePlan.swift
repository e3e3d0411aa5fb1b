import Basics

/// What is known when rows are divided among the ways to send them. Times are seconds since 1970, durations seconds.
package struct RouteTerms: Sendable, Hashable {
    package var now: Double
    package var deadline: Double
    /// Items without an outcome.
    package var items: Int
    /// How many of them are in batches in progress.
    package var underWay = 0
    /// Items per second that live requests complete.
    package var pace: Double
    /// Time to reserve for live requests, if the user gives it.
    package var reserve: Double?
    /// Expected duration of a batch.
    package var expected: Double
    /// The factors on the price in batches and in the flexible tier; nil: not available.
    package var batchShare: Double?
    package var flexShare: Double?
}

/// Divides the rows of a run so that all of them have their answer in time at the lowest price. A value.
///
/// A batch may be late, so each row of a batch also has room in the time reserved for live requests before the
/// deadline. Rows for which there is no room are sent live at once.
package struct RoutePlan: Sendable, Hashable {
    package let terms: RouteTerms
    /// Items sent in batches, in addition to those already in batches.
    package private(set) var batchItems = 0
    /// Items sent live at once.
    package private(set) var liveItems = 0
    /// Batches not back by then are cancelled.
    package private(set) var cutoff: Double
    /// Batches that have not ended by then are left behind, and their rows are sent live.
    package private(set) var giveUp: Double

    /// Safety factor: live requests may take longer than their mean.
    package static let safety = 1.25
    /// Seconds reserved in addition to the estimate: the last requests are long ones.
    package static let margin = 60.0
    /// OpenAI ends a cancelled batch within this many seconds (platform.openai.com/docs/guides/batch).
    package static let graceMax = 600.0
    /// Maximum share of the time used for cancelling.
    package static let graceShare = 0.1
    /// Seconds for cancelling once the deadline has passed.
    package static let graceLate = 60.0
    /// The share of a batch's expected duration that must be left when it is created: packing and uploading take time,
    /// too.
    package static let startShare = 0.75
    /// Assumed seconds per answer if none was timed.
    package static let latencyAssumed = 10.0
    /// Expected seconds of a batch if none was seen: most take less.
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

    /// Seconds that this many items need live.
    package static func need(_ items: Int, _ terms: RouteTerms) -> Double {
        guard items > 0 else { return 0 }
        return terms.reserve ?? Double(items) / max(terms.pace, 1e-9) * safety + margin
    }

    /// Maximum items that need at most this many seconds.
    private static func items(within seconds: Double, _ terms: RouteTerms) -> Int {
        if let reserve = terms.reserve { return seconds >= reserve ? .max : 0 }
        let items = (seconds - margin) * terms.pace / safety
        return items >= 1 ? Int(min(items, 1e15)) : 0
    }

    /// Until when items sent live now may wait for the flexible tier; nil: not at all.
    ///
    /// - Parameters:
    ///   - items: the number of items.
    ///   - hasBatches: whether the time after the cutoff is reserved for others.
    package func flexUntil(_ items: Int, hasBatches: Bool, now: Double) -> Double? {
        guard let share = terms.flexShare, share < 1 else { return nil }
        let end = (hasBatches ? cutoff : terms.deadline) - Self.need(items, terms)
        return end > now ? end : nil
    }

    /// Whether live requests alone would finish in time.
    package var isFeasible: Bool {
        let left = terms.deadline - terms.now
        return left <= 0 || terms.reserve != nil || liveSeconds <= left
    }

    /// Seconds that all items need live, on average.
    package var liveSeconds: Double { Double(terms.items) / max(terms.pace, 1e-9) }
}
