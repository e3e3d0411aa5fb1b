internal import Basics

/// Money that several runs share, in nanodollars: what one of them reserves is not available to the others. Any thread.
public final class BudgetPool: Sendable {
    private let state: Locked<(limit: Int, taken: Int)>

    /// - Parameter spent: by earlier runs, including what may have been spent.
    public init(limit: Int, spent: Int) {
        precondition(limit >= 0 && spent >= 0, "a budget is not negative")
        state = Locked((limit, spent))
    }

    /// The limit for all runs together.
    public var limit: Int { state.withLock { $0.limit } }

    /// Sets another limit. What was taken stays taken: above the limit, `take` fails until enough has been given back.
    public func setLimit(_ limit: Int) { state.withLock { $0.limit = max(0, limit) } }

    /// Takes the amount, if it is available.
    public func take(_ nanodollars: Int) -> Bool {
        state.withLock { state in
            guard state.taken <= state.limit, nanodollars <= state.limit - state.taken else { return false }
            state.taken += nanodollars
            return true
        }
    }

    /// Returns an amount that was taken and not spent.
    public func give(_ nanodollars: Int) { state.withLock { $0.taken = max(0, $0.taken - nanodollars) } }
}

extension BudgetPool: Hashable {
    public static func == (a: BudgetPool, b: BudgetPool) -> Bool { a === b }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
