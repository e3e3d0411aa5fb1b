internal import Basics

/// Money that several runs share, in nanodollars: what one of them sets aside no other one may. Any thread.
public final class BudgetPool: Sendable {
    /// Of all of them together.
    public let limit: Int
    private let left: Locked<Int>

    /// - Parameter spent: by the runs of before, what may have been spent included.
    public init(limit: Int, spent: Int) {
        precondition(limit >= 0 && spent >= 0, "a budget is not negative")
        self.limit = limit
        left = Locked(max(0, limit - min(spent, limit)))
    }

    /// Takes so much, if it is there.
    public func take(_ nanodollars: Int) -> Bool {
        left.withLock { left in
            guard nanodollars <= left else { return false }
            left -= nanodollars
            return true
        }
    }

    /// Gives back what was taken and not spent.
    public func give(_ nanodollars: Int) { left.withLock { $0 = $0.addingSaturated(nanodollars) } }
}

extension BudgetPool: Hashable {
    public static func == (a: BudgetPool, b: BudgetPool) -> Bool { a === b }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
