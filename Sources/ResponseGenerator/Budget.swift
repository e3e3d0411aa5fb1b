public import Basics

/// Money that may be spent, in nanodollars. The worst-case cost of a request is reserved before it is sent and settled
/// when it returns, so the limit is never exceeded. A value; it knows no prices.
///
/// A settled cost is either recorded, if a record states it, or uncertain: the answer was lost, or did not report its
/// cost. Uncertain requests count at their worst case.
public struct Budget: Sendable, Hashable {
    /// For a budget with a pool: the amount taken from the pool so far, all of which is spent or reserved.
    public private(set) var limit: Int
    private let pool: BudgetPool?
    /// Spent, as records state.
    public private(set) var spent: Int
    /// Maximum cost of requests without a record.
    public private(set) var uncertain: Int
    /// Reserved for requests in flight.
    public private(set) var reserved = 0

    /// - Parameters:
    ///   - spent: by earlier runs.
    ///   - uncertain: by earlier runs.
    public init(limit: Int, spent: Int = 0, uncertain: Int = 0) {
        precondition(limit >= 0 && spent >= 0 && uncertain >= 0, "a budget is not negative")
        self.limit = limit
        pool = nil
        self.spent = spent
        self.uncertain = uncertain
    }

    /// A share of a pool for several runs.
    ///
    /// - Parameters:
    ///   - spent: by earlier runs, and already counted in the pool; so is `uncertain`.
    public init(sharing pool: BudgetPool, spent: Int, uncertain: Int) {
        precondition(spent >= 0 && uncertain >= 0, "a budget is not negative")
        limit = spent.addingSaturated(uncertain)
        (self.pool, self.spent, self.uncertain) = (pool, spent, uncertain)
    }

    /// The amount that may have been spent in addition to what records state.
    public var unrecordedMax: Int { uncertain.addingSaturated(reserved) }

    /// Whether a request with this worst-case cost may be sent now.
    public func allows(_ cost: Int) -> Bool {
        guard spent <= limit else { return false }
        // Subtraction instead of sums, which could overflow.
        let left = limit - spent
        return unrecordedMax <= left && cost <= left - unrecordedMax
    }

    /// As `allows`, for runs that share a pool: the money is taken from it at once.
    mutating func takes(_ cost: Int) -> Bool {
        if allows(cost) { return true }
        guard let pool else { return false }
        let wanted = spent.addingSaturated(unrecordedMax).addingSaturated(cost) - limit
        guard wanted > 0, pool.take(wanted) else { return false }
        limit = limit.addingSaturated(wanted)
        return allows(cost)
    }

    /// Returns money that is neither spent nor reserved to the pool.
    private mutating func giveBack() {
        guard let pool else { return }
        let excess = limit - spent.addingSaturated(unrecordedMax)
        guard excess > 0 else { return }
        limit -= excess
        pool.give(excess)
    }

    /// Reserves a cost that `allows` has approved.
    public mutating func reserve(_ cost: Int) {
        assert(allows(cost))
        reserved += cost
    }

    /// Reserves what an earlier run had reserved for requests that are still in progress, whether it fits or not.
    public mutating func resume(reserved cost: Int) { reserved = reserved.addingSaturated(max(0, cost)) }

    /// A request returned: its reservation ends and its cost is spent. Nil: the cost is unknown.
    public mutating func settle(reserved cost: Int, spent actual: Int?) {
        reserved -= cost
        assert(reserved >= 0)
        if let actual { spent = spent.addingSaturated(actual) } else { uncertain = uncertain.addingSaturated(cost) }
        giveBack()
    }

    /// No record will state a settled request's cost.
    public mutating func unrecorded(_ cost: Int) {
        spent -= min(cost, spent)
        uncertain = uncertain.addingSaturated(cost)
    }

    /// A record will state it after all.
    public mutating func recorded(_ cost: Int) {
        uncertain -= min(cost, uncertain)
        spent = spent.addingSaturated(cost)
    }

    /// Sets another limit, for a part of a larger budget. Spent and reserved amounts stay. Ignored for a budget with a
    /// pool, which sets the limit.
    mutating func setLimit(_ limit: Int) {
        if pool == nil { self.limit = max(0, limit) }
    }

    /// Why no further request can be sent.
    public func refusal(of cost: Int) -> RetortError {
        let unknown = uncertain > 0 ? ", up to \(Self.dollars(uncertain)) more on answers that were lost" : ""
        return RetortError(
            .incomplete, "the next request could cost more than is left of the budget",
            cause:
                "\(Self.dollars(spent)) \(pool == nil ? "of \(Self.dollars(limit)) are" : "are") spent\(unknown)\(shared), "
                + "and it may cost \(Self.dollars(cost))",
            remedy: "Nothing is lost; run the same command again with a larger --max-cost to continue.")
    }

    private var shared: String {
        pool.map { " here, and all stages together may spend \(Self.dollars($0.limit))" } ?? ""
    }

    /// Dollars with six decimals, rounded up.
    private static func dollars(_ nanodollars: Int) -> String {
        let micro = String(nanodollars / 1000 + (nanodollars % 1000 > 0 ? 1 : 0))
        let padded = String(repeating: "0", count: max(0, 7 - micro.count)) + micro
        return "$" + padded.dropLast(6) + "." + padded.suffix(6)
    }
}
