package import Basics
package import Dataset
import ModelAPI
package import ResponseGenerator
import SegmentStore

/// Each client of `--client-keys`: money spent and reserved, and requests per minute. Any thread.
package final class ClientAccounts: Sendable {
    private struct Account {
        var spent: Int
        var reserved = 0
        /// When its allowance for the minute is full again.
        var paceDue = Instant(nanoseconds: 0)
    }

    private struct State {
        var accounts: [String: Account]
        /// Money reserved for items in progress, by their keys' hashes.
        var reservations: [Hash128: (name: String, cost: Int)] = [:]
    }

    private let state: Locked<State>
    private static let minute = Interval.seconds(60)

    package init(spent: [String: Int] = [:]) { state = Locked(State(accounts: spent.mapValues { Account(spent: $0) })) }

    /// Nanodollars by client.
    package var spent: [String: Int] { state.withLock { $0.accounts.mapValues(\.spent).filter { $0.value > 0 } } }

    /// Counts a request against the client's limit per minute.
    package func checkPace(_ client: ClientKey, at now: Instant) throws(ClientError) {
        guard let perMinute = client.requestsPerMinute else { return }
        let step = Interval.seconds(60 / perMinute)
        let wait = state.withLock { state -> Interval? in
            var account = state.accounts[client.name] ?? Account(spent: 0)
            let due = max(account.paceDue, now) + step
            // A minute's allowance may be used at once.
            if due - now > max(Self.minute, step) { return due - now - max(Self.minute, step) }
            account.paceDue = due
            state.accounts[client.name] = account
            return nil
        }
        guard let wait else { return }
        throw ClientError(
            429, "\(client.name) may send \(perMinute) requests per minute", code: "rate_limit_exceeded",
            retryAfterSeconds: max(1, Int(wait.seconds.rounded(.up))))
    }

    /// Reserves the worst-case cost of a request, until `note` or `releaseAll`.
    package func reserve(_ client: ClientKey, _ hash: Hash128, _ cost: Int) throws(ClientError) {
        guard let budget = client.budget else { return }
        let isTaken = state.withLock { state in
            var account = state.accounts[client.name] ?? Account(spent: 0)
            guard account.spent.addingSaturated(account.reserved).addingSaturated(cost) <= budget else { return false }
            account.reserved += cost
            state.accounts[client.name] = account
            state.reservations[hash] = (client.name, cost)
            return true
        }
        guard !isTaken else { return }
        throw ClientError(
            429, "the budget of \(client.name) does not allow a request that may cost this much",
            code: "insufficient_quota")
    }

    /// Books the cost of a recorded outcome.
    package func note(_ outcome: Outcome<ItemContext>) {
        let context = outcome.context
        guard let name = Self.client(in: context.metadata) else { return }
        let price = context.price
        let cost: Int?
        let isEnd: Bool
        switch outcome.result {
        case .answer(let answer): (cost, isEnd) = (Bill(answer).nanodollars(at: price), true)
        case .failure(let failure): (cost, isEnd) = (failure.bill.map { $0.nanodollars(at: price) } ?? 0, true)
        case .round(let round): (cost, isEnd) = (round.failure.bill.map { $0.nanodollars(at: price) } ?? 0, false)
        case .opinion: return
        }
        state.withLock { state in
            var account = state.accounts[name] ?? Account(spent: 0)
            let reserved = state.reservations[context.key.hash]?.cost
            // An unknown cost is booked at its reserved maximum.
            account.spent = account.spent.addingSaturated(cost ?? reserved ?? 0)
            if isEnd, let reserved {
                account.reserved -= reserved
                state.reservations[context.key.hash] = nil
            }
            state.accounts[name] = account
        }
    }

    /// Nothing is in flight any more.
    package func releaseAll() {
        state.withLock { state in
            for (name, _) in state.reservations.values { state.accounts[name]?.reserved = 0 }
            state.reservations = [:]
        }
    }

    /// The client's name, which `RequestTaker` writes first in a record's metadata.
    package static func client(in metadata: [UInt8]) -> String? {
        guard metadata.starts(with: "{\"client\":".utf8) else { return nil }
        return ClientBooks.client(in: metadata)
    }
}
