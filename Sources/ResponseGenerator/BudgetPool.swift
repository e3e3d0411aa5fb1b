internal import Basics

/// Money that several runs share, in nanodollars: what one of them reserves is not available to the others. Any thread.
public final class BudgetPool: Sendable {
    /// The limit for all runs together.
    public let limit: Int
    private let left: Locked<Int>

    /// - Parameter spent: by earlier runs, including what may have been spent.
    public init(limit: Int, spent: Int) {
        precondition(limit >= 0 && spent >= 0, "a budget is not negative")
        self.limit = limit
        left = Locked(max(0, limit - min(spent, limit)))
    }

    /// Takes the amount, if it is available.
    public func take(_ nanodollars: Int) -> Bool {
        left.withLock { left in
            guard nanodollars <= left else { return false }
            left -= nanodollars
            return true
        }
    }

    /// Returns an amount that was taken and not spent.
    public func give(_ nanodollars: Int) { left.withLock { $0 = $0.addingSaturated(nanodollars) } }
}

extension BudgetPool: Hashable {
    public static func == (a: BudgetPool, b: BudgetPool) -> Bool { a === b }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
