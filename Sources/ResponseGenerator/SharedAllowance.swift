public import Basics

/// A limit that this run shares with others: of requests, of tokens, of money. Asked at every decision on the generator's
/// executor, so each call answers at once from what is at hand; more is fetched elsewhere meanwhile.
public protocol SharedAllowance: Sendable {
    /// When a request of so many tokens may go: not after `now` if it may at once; nil: not before `onLease` calls.
    func ready(tokens: Int, at now: Instant) -> Instant?
    /// Takes a request that is ready.
    func take(tokens: Int, at now: Instant)
    /// A request that was taken at `taken` has left the machine at `now`. From any thread.
    func departed(taken: Instant, at now: Instant)
    /// Corrects what was taken by what was used.
    func settle(reserved: Int, used: Int)
    /// The API refused a request for its rate, and wishes for a pause.
    func refused(pause: Interval)
    /// What may be spent in all by now, in nanodollars, earlier runs included; nil: money is not shared.
    var moneyLimit: Int? { get }
    /// Fetches more money, enough for a request that may cost `needed`. False: there is none to come.
    func wantMoney(needed: Int, wanted: Int) -> Bool
    /// Calls `wake` whenever more has come. From any thread.
    func onLease(_ wake: @escaping @Sendable () -> Void)
}
