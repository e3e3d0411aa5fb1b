public import Basics

/// A limit that this run shares with others: requests, tokens, money. Called for every decision on the generator's
/// executor, so each call answers at once from local state; more is fetched in the background.
public protocol SharedAllowance: Sendable {
    /// When a request of that many tokens may be sent: `now` or earlier means at once; nil: not before `onLease` calls.
    func ready(tokens: Int, at now: Instant) -> Instant?
    /// Takes the right for a request that is ready.
    func take(tokens: Int, at now: Instant)
    /// A request that was taken at `taken` left the machine at `now`. Any thread.
    func departed(taken: Instant, at now: Instant)
    /// Corrects the reserved tokens by the tokens used.
    func settle(reserved: Int, used: Int)
    /// The API answered with 429, and asks for a pause.
    func refused(pause: Interval)
    /// The total that may be spent by now, in nanodollars, including earlier runs; nil: money is not shared.
    var moneyLimit: Int? { get }
    /// Fetches more money, enough for a request that may cost `needed`. False: there is none.
    func wantMoney(needed: Int, wanted: Int) -> Bool
    /// Calls `wake` whenever more has arrived. Any thread.
    func onLease(_ wake: @escaping @Sendable () -> Void)
}
