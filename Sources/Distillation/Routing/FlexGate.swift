package import Basics

/// Decides whether requests use the flexible tier, which is cheap but often full. A value.
///
/// When it is full, one request retries after a growing pause and the others wait. Once its time is over, or if the
/// provider does not offer it, requests are sent without it.
package struct FlexGate: Sendable, Hashable {
    package enum Choice: Sendable, Hashable {
        case flex
        case standard
        /// Ask again at that time.
        case wait(until: Instant)
    }

    private enum State: Sendable, Hashable {
        case open
        case full(until: Instant, isTried: Bool)
        /// The provider has no such tier for this model.
        case unknown
    }

    private let end: Instant
    private var state = State.open
    private var refusals = 0
    /// Answers from the flexible tier, and other answers.
    package private(set) var flexAnswers = 0
    package private(set) var standardAnswers = 0

    /// - Parameter end: until when requests may wait for the tier.
    package init(until end: Instant) { self.end = end }

    private static let pauseMin = Interval.seconds(5)
    private static let pauseMax = Interval.seconds(300)
    /// How long a waiting request sleeps while another one tries.
    private static let nap = Interval.seconds(1)

    package mutating func choice(at now: Instant) -> Choice {
        guard now < end else { return .standard }
        switch state {
        case .open: return .flex
        case .unknown: return .standard
        case .full(let until, let isTried):
            if now < until { return .wait(until: min(until, end)) }
            guard !isTried else { return .wait(until: min(now + Self.nap, end)) }
            state = .full(until: until, isTried: true)
            return .flex
        }
    }

    /// The tier had no room for a request.
    package mutating func refused(at now: Instant) {
        // Of several requests sent together only the first counts.
        if case .full(let until, false) = state, now < until { return }
        refusals += 1
        let pause = Self.pauseMin * Double(1 << min(refusals - 1, 10))
        state = .full(until: now + min(pause, Self.pauseMax), isTried: false)
    }

    /// A request to the tier returned with another result.
    ///
    /// - Parameter isAnswered: whether it was answered.
    package mutating func returned(isAnswered: Bool) {
        if isAnswered {
            flexAnswers += 1
            refusals = 0
            if state != .unknown { state = .open }
        } else if case .full(let until, true) = state {
            state = .full(until: until, isTried: false)
        }
    }

    package mutating func answered() { standardAnswers += 1 }

    package mutating func refusedForGood() { state = .unknown }
}
