import Basics

/// Money that may be spent, in nanodollars. What a request may cost at worst is set aside before it goes out and
/// settled when it returns, so the limit is never crossed. A value; it knows no prices.
public struct Budget: Sendable, Hashable {
    public let limit: Int
    /// Spent for good.
    public private(set) var spent: Int
    /// Set aside for requests on their way.
    public private(set) var reserved = 0

    /// - Parameter spent: by earlier runs.
    public init(limit: Int, spent: Int = 0) {
        precondition(limit >= 0 && spent >= 0, "a budget is not negative")
        self.limit = limit
        self.spent = spent
    }

    /// Whether a request that costs so much at worst may go out now.
    public func allows(_ cost: Int) -> Bool {
        guard spent <= limit else { return false }
        let (taken, overflow) = spent.addingReportingOverflow(reserved)
        let (sum, secondOverflow) = taken.addingReportingOverflow(cost)
        return !overflow && !secondOverflow && sum <= limit
    }

    /// Sets aside what `allows` has allowed.
    public mutating func reserve(_ cost: Int) {
        assert(allows(cost))
        reserved += cost
    }

    /// A request came back: what was set aside for it is free, what it has cost is spent.
    public mutating func settle(reserved cost: Int, spent actual: Int) {
        reserved -= cost
        assert(reserved >= 0)
        let (sum, overflow) = spent.addingReportingOverflow(actual)
        spent = overflow ? .max : sum
    }

    /// Why nothing more may be asked.
    func refusal(of cost: Int) -> RetortError {
        RetortError(
            .incomplete, "the next request could cost more than is left of the budget",
            cause: "\(Self.dollars(spent)) of \(Self.dollars(limit)) are spent, and it may cost \(Self.dollars(cost))",
            remedy: "Nothing is lost; run the same command again with a larger --max-cost to go on.")
    }

    /// Dollars with six decimals, rounded up.
    private static func dollars(_ nanodollars: Int) -> String {
        let micro = String(nanodollars / 1000 + (nanodollars % 1000 > 0 ? 1 : 0))
        let padded = String(repeating: "0", count: max(0, 7 - micro.count)) + micro
        return "$" + padded.dropLast(6) + "." + padded.suffix(6)
    }
}
