public import Basics

/// Money that may be spent, in nanodollars. What a request may cost at worst is set aside before it goes out and
/// settled when it returns, so the limit is never crossed. A value; it knows no prices.
///
/// What a request has cost counts as one of two: recorded, where a record says it, or uncertain, where none does: the
/// answer was lost, or did not say what it cost. Uncertain requests count at their worst.
public struct Budget: Sendable, Hashable {
    /// Of a budget with a pool: what it has taken from the pool so far, all of which is spent or set aside.
    public private(set) var limit: Int
    private let pool: BudgetPool?
    /// Spent for good, as records say.
    public private(set) var spent: Int
    /// What requests without a record may have cost at worst.
    public private(set) var uncertain: Int
    /// Set aside for requests on their way.
    public private(set) var reserved = 0

    /// - Parameters:
    ///   - spent: by earlier runs.
    ///   - uncertain: of earlier runs.
    public init(limit: Int, spent: Int = 0, uncertain: Int = 0) {
        precondition(limit >= 0 && spent >= 0 && uncertain >= 0, "a budget is not negative")
        self.limit = limit
        pool = nil
        self.spent = spent
        self.uncertain = uncertain
    }

    /// A share of what several runs may spend together.
    ///
    /// - Parameters:
    ///   - spent: by earlier runs, and counted in the pool already; so is `uncertain`.
    public init(sharing pool: BudgetPool, spent: Int, uncertain: Int) {
        precondition(spent >= 0 && uncertain >= 0, "a budget is not negative")
        limit = spent.addingSaturated(uncertain)
        (self.pool, self.spent, self.uncertain) = (pool, spent, uncertain)
    }

    /// What may have been spent beside what records say.
    public var unrecordedMax: Int { uncertain.addingSaturated(reserved) }

    /// Whether a request that costs so much at worst may go out now.
    public func allows(_ cost: Int) -> Bool {
        guard spent <= limit else { return false }
        // Taken off rather than added up: no sum of what is counted here can overflow then.
        let left = limit - spent
        return unrecordedMax <= left && cost <= left - unrecordedMax
    }

    /// The same where runs share a pool: the money is taken from it at once.
    mutating func takes(_ cost: Int) -> Bool {
        if allows(cost) { return true }
        guard let pool else { return false }
        let wanted = spent.addingSaturated(unrecordedMax).addingSaturated(cost) - limit
        guard wanted > 0, pool.take(wanted) else { return false }
        limit = limit.addingSaturated(wanted)
        return allows(cost)
    }

    /// What is neither spent nor set aside any more is for the other runs.
    private mutating func giveBack() {
        guard let pool else { return }
        let excess = limit - spent.addingSaturated(unrecordedMax)
        guard excess > 0 else { return }
        limit -= excess
        pool.give(excess)
    }

    /// Sets aside what `allows` has allowed.
    public mutating func reserve(_ cost: Int) {
        assert(allows(cost))
        reserved += cost
    }

    /// Sets aside what an earlier run has set aside for requests that are still on their way, whether it fits or not.
    public mutating func resume(reserved cost: Int) { reserved = reserved.addingSaturated(max(0, cost)) }

    /// A request came back: what was set aside for it is free, what it has cost is spent. Nil: nobody can tell.
    public mutating func settle(reserved cost: Int, spent actual: Int?) {
        reserved -= cost
        assert(reserved >= 0)
        if let actual { spent = spent.addingSaturated(actual) } else { uncertain = uncertain.addingSaturated(cost) }
        giveBack()
    }

    /// No record will say what a settled request has cost.
    public mutating func unrecorded(_ cost: Int) {
        spent -= min(cost, spent)
        uncertain = uncertain.addingSaturated(cost)
    }

    /// A record will say it after all.
    public mutating func recorded(_ cost: Int) {
        uncertain -= min(cost, uncertain)
        spent = spent.addingSaturated(cost)
    }

    /// Sets another limit: a part of a larger one grows and shrinks. What is spent and set aside stays. The limit of a
    /// budget with a pool is the pool's affair.
    mutating func setLimit(_ limit: Int) {
        if pool == nil { self.limit = max(0, limit) }
    }

    /// Why nothing more may be asked.
    public func refusal(of cost: Int) -> RetortError {
        let unknown = uncertain > 0 ? ", up to \(Self.dollars(uncertain)) more on answers that were lost" : ""
        return RetortError(
            .incomplete, "the next request could cost more than is left of the budget",
            cause:
                "\(Self.dollars(spent)) \(pool == nil ? "of \(Self.dollars(limit)) are" : "are") spent\(unknown)\(shared), "
                + "and it may cost \(Self.dollars(cost))",
            remedy: "Nothing is lost; run the same command again with a larger --max-cost to go on.")
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
