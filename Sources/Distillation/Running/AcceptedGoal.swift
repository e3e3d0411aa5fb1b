import Basics
import CommandLine

/// The number of accepted answers that ends a run: decides how many items may be in progress until then. Any thread.
package final class AcceptedGoal: Sendable {
    /// Counts of the items. A value: it never waits.
    package struct Count: Sendable, Hashable {
        package let wanted: Int
        /// Accepted by this run and earlier ones.
        package private(set) var accepted: Int
        package private(set) var settled = 0
        package private(set) var acceptedNow = 0
        package private(set) var handedOut = 0
        /// Handed out, and without an outcome for now: a verifier has failed, or refusals are being examined.
        package var lost = 0

        /// Number of outcomes from which their share is trusted.
        package static let settledMin = 20
        /// Minimum share that is assumed.
        package static let shareMin = 0.01

        /// Whether the forecast was printed.
        package fileprivate(set) var isTold = false

        /// - Parameter earlier: samples drawn in earlier runs.
        package init(wanted: Int, accepted: Int, after earlier: Count? = nil) {
            (self.wanted, self.accepted) = (wanted, accepted)
            guard let earlier else { return }
            (settled, acceptedNow, isTold) = (earlier.settled, earlier.acceptedNow, earlier.isTold)
            handedOut = settled
        }

        package var isReached: Bool { accepted >= wanted }

        /// The share of outcomes that were accepted.
        package var share: Double { settled > 0 ? Double(acceptedNow) / Double(settled) : 1 }

        /// Items that may be sent now: together with those in progress they are expected to bring what is missing.
        package var room: Int {
            let missing = Double(max(0, wanted - accepted))
            let share = settled < Self.settledMin ? 1 : max(Self.shareMin, self.share)
            return max(0, Int((missing / share).rounded(.up)) - max(0, handedOut - settled - lost))
        }

        package mutating func handOut(_ count: Int) { handedOut += count }

        package mutating func settle(accepted count: Int, of all: Int) {
            accepted += count
            acceptedNow += count
            settled += all
        }
    }

    private struct State {
        var count: Count
        var isCancelled = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Locked<State>
    /// Prints the forecast.
    private let tell: @Sendable (Count) -> Void
    /// Number of outcomes after which the forecast is printed.
    package static let toldAfter = 200

    package init(_ count: Count, tell: @escaping @Sendable (Count) -> Void) {
        state = Locked(State(count: count))
        self.tell = tell
    }

    package var count: Count { state.withLock { $0.count } }

    /// Takes up to `most` places; nil if no more are needed. Waits while none is free.
    package func take(_ most: Int) async -> Int? {
        while true {
            let room: Int? = state.withLock { state in
                if state.isCancelled || state.count.isReached { return nil }
                let taken = min(most, state.count.room)
                state.count.handOut(taken)
                return taken
            }
            guard let room else { return nil }
            if room > 0 { return room }
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.isCancelled || state.count.isReached || state.count.room > 0 { return true }
                    state.waiter = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        }
    }

    /// Notes the outcomes of items.
    package func settle(accepted: Int, of all: Int) {
        guard all > 0 else { return }
        let told: Count? = wake { state in
            state.count.settle(accepted: accepted, of: all)
            guard state.count.settled >= Self.toldAfter, !state.count.isTold, !state.count.isReached else {
                return nil
            }
            state.count.isTold = true
            return state.count
        }
        if let told { tell(told) }
    }

    /// These handed-out items are not waited for.
    package func lose(_ count: Int) {
        guard state.withLock({ $0.count.lost != count }) else { return }
        wake { $0.count.lost = count }
    }

    /// No more are wanted for another reason.
    package func cancel() {
        wake { $0.isCancelled = true }
    }

    private func wake<Value>(_ change: (inout State) -> Value) -> Value {
        let (value, waiter) = state.withLock { state in
            let value = change(&state)
            defer { state.waiter = nil }
            return (value, state.waiter)
        }
        waiter?.resume()
        return value
    }
}

/// The result of a run for a number of accepted answers.
package struct AcceptedResult: Sendable, Hashable {
    package let count: AcceptedGoal.Count

    package init(_ count: AcceptedGoal.Count) { self.count = count }

    package var wanted: Int { count.wanted }
    package var accepted: Int { count.accepted }
    package var isReached: Bool { count.isReached }

    package var headline: String {
        isReached
            ? "Finished: \(Human.count(accepted)) answers are accepted."
            : "Finished, but the rows and their samples brought \(Human.count(accepted)) of \(Human.count(wanted)) answers: add "
                + "rows, or raise --samples."
    }
}
