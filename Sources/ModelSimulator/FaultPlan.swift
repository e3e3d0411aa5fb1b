public import Basics

/// Which requests get a fault: by rate, by attempt, by time. A value whose functions depend only on their arguments.
public struct FaultPlan: Sendable, Hashable {
    /// The share of requests that gets a fault. All shares add up to maximum 1.
    public struct Rate: Sendable, Hashable {
        public var fault: Fault
        public var share: Double

        public init(_ fault: Fault, _ share: Double) {
            self.fault = fault
            self.share = share
        }
    }

    /// The fault of attempts `first...last` of every item; attempts count from 1.
    public struct Step: Sendable, Hashable {
        public var attempts: ClosedRange<Int>
        public var fault: Fault

        public init(_ attempts: ClosedRange<Int>, _ fault: Fault) {
            self.attempts = attempts
            self.fault = fault
        }
    }

    /// A period, measured from the start, in which every connection is closed.
    public struct Outage: Sendable, Hashable {
        public var start: Interval
        public var length: Interval

        public init(start: Interval, length: Interval) {
            self.start = start
            self.length = length
        }
    }

    public var rates: [Rate] = []
    public var script: [Step] = []
    public var outages: [Outage] = []

    public static let none = FaultPlan()

    public init() {}

    /// The fault of one attempt. The script has precedence; attempts that it does not mention are decided by the rates,
    /// from the seed, the item and the attempt alone.
    func fault(item: UInt64, attempt: Int, seed: UInt64) -> Fault? {
        if let step = script.first(where: { $0.attempts.contains(attempt) }) { return step.fault }
        guard !rates.isEmpty else { return nil }
        var random = SplitMix64(seed: seed, item, UInt64(attempt), for: .fault)
        var rest = random.unit()
        for rate in rates {
            if rest < rate.share { return rate.fault }
            rest -= rate.share
        }
        return nil
    }

    /// Whether the server is down at this time after its start.
    func isDown(after elapsed: Interval) -> Bool {
        outages.contains { $0.start <= elapsed && elapsed < $0.start + $0.length }
    }

    /// The next time after `elapsed` at which an outage begins or ends.
    func nextChange(after elapsed: Interval) -> Interval? {
        outages.flatMap { [$0.start, $0.start + $0.length] }.filter { $0 > elapsed }.min()
    }
}
