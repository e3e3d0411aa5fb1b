import Basics

/// The order of a run's parts: batches are submitted; while they are processed, other rows are sent live; results are
/// collected; rows without a result in time are sent live. A value without clock or I/O: after a kill it starts again
/// from the state of the store.
package struct RouteMachine: Sendable, Hashable {
    package enum Leg: Sendable, Hashable {
        case batches(BatchLeg)
        /// - Parameter flexUntil: seconds since 1970 until which requests may wait for the flexible tier; nil: they do
        ///   not.
        case live(flexUntil: Double?)
        /// A last check of batches that were left behind.
        case settle(BatchLeg)
    }

    /// The state of the store between two legs.
    package struct Standing: Sendable, Hashable {
        /// Items without an outcome.
        package var pending: Int
        /// How many of them are in batches in progress and are sent in no other way.
        package var underWay = 0
        /// Batches that were left behind and have not ended.
        package var leftBehind = 0
    }

    /// Longer than any batch takes.
    private static let secondsMax = 1e9

    private enum State: Sendable, Hashable {
        case begin
        /// Batches are in progress, and other rows can be sent at the same time.
        case beside
        case collecting
        /// Nothing in progress is worth waiting for.
        case last
        case settling
        case over
    }

    package let plan: RoutePlan
    private var state = State.begin

    package init(_ plan: RoutePlan) { self.plan = plan }

    /// The next leg; nil: the run is over.
    package mutating func next(_ standing: Standing, at now: Double) -> Leg? {
        switch state {
        case .begin:
            if plan.batchItems > 0 {
                state = plan.liveItems > 0 ? .beside : .last
                return .batches(leg(plan.liveItems > 0 ? .submit : .whole))
            }
            guard standing.underWay > 0 else { return last(standing, now) }
            // Late batches are cancelled first.
            if plan.liveItems == 0 || plan.cutoff <= now { return collect() }
            state = .beside
            return next(standing, at: now)
        case .beside:
            state = .collecting
            let items = standing.pending - standing.underWay
            guard items > 0 else { return next(standing, at: now) }
            return .live(flexUntil: plan.flexUntil(items, hasBatches: standing.underWay > 0, now: now))
        case .collecting: return standing.underWay > 0 ? collect() : last(standing, now)
        case .last: return last(standing, now)
        case .settling:
            state = .over
            guard standing.leftBehind > 0 else { return nil }
            var leg = leg(.collect)
            (leg.cutoff, leg.giveUp) = (now, now)
            return .settle(leg)
        case .over: return nil
        }
    }

    private mutating func collect() -> Leg {
        state = .last
        return .batches(leg(.collect))
    }

    private mutating func last(_ standing: Standing, _ now: Double) -> Leg? {
        state = .settling
        guard standing.pending > 0 else { return next(standing, at: now) }
        return .live(flexUntil: plan.flexUntil(standing.pending, hasBatches: false, now: now))
    }

    private func leg(_ kind: BatchLeg.Kind) -> BatchLeg {
        BatchLeg(
            kind: kind, itemsMax: kind == .collect ? 0 : plan.batchItems,
            expected: .seconds(min(plan.terms.expected, Self.secondsMax) * RoutePlan.startShare),
            cutoff: plan.cutoff, giveUp: plan.giveUp)
    }
}
