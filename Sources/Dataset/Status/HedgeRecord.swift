import Basics
import CommandLine
package import JSONText
package import ResponseGenerator

/// The effect of duplicate requests for stragglers in a run, as in `RunRecord`.
package struct HedgeRecord: Sendable, Hashable {
    package var sent = 0
    /// Duplicates that answered first.
    package var won = 0
    /// Answers that came second and were recorded.
    package var late = 0
    /// Estimate of the time that requests beaten by their duplicate would still have taken, in total; nil while too
    /// little is known.
    package var savedSeconds: Double?
    /// Dollars that the losing requests cost, and the maximum that cancelled ones may have cost in addition.
    package var cost = 0.0
    package var costMax = 0.0
    /// The latency from which a request got a duplicate; nil before enough answers were known.
    package var thresholdSeconds: Double?

    package init(_ counts: HedgeCounts) {
        (sent, won, late) = (counts.sent, counts.won, counts.late)
        savedSeconds = counts.saved?.seconds
        (cost, costMax) = (Money.dollars(counts.nanodollars), Money.dollars(counts.nanodollarsMax))
        thresholdSeconds = counts.threshold?.seconds
    }

    package var tree: JSONTree {
        typealias Member = JSONTree.Member
        return .object([
            Member("sent", .integer(sent)), Member("won", .integer(won)), Member("late", .integer(late)),
            Member("saved_s", JSONTree(savedSeconds)), Member("cost_usd", .real(cost)),
            Member("cost_usd_uncertain", .real(costMax)), Member("threshold_s", JSONTree(thresholdSeconds)),
        ])
    }

    /// Parses the JSON form; nil if it is not an object.
    package init?(_ value: JSONValue?) {
        guard let value, !value.members.isEmpty else { return nil }
        func count(_ name: StaticString) -> Int { max(0, min(value[name]?.int ?? 0, RunRecord.countMax)) }
        func number(_ name: StaticString) -> Double? {
            value[name]?.double.flatMap { $0.isFinite ? max(0, min($0, Double(RunRecord.countMax))) : nil }
        }
        (sent, won, late) = (count("sent"), count("won"), count("late"))
        (savedSeconds, cost) = (number("saved_s"), number("cost_usd") ?? 0)
        (costMax, thresholdSeconds) = (number("cost_usd_uncertain") ?? 0, number("threshold_s"))
    }

    /// `12 duplicates of requests slower than 3.1s, 9 answered first, about 41s saved; losers cost $0.0012, at most $0.003 more`
    package var line: String {
        guard sent > 0 else {
            return thresholdSeconds.map { "none; requests slower than \(Self.time($0)) would have got one" }
                ?? "none: too few requests have returned to know which are slow"
        }
        var text = "\(Human.plural(sent, "duplicate"))"
        if let thresholdSeconds { text += " of requests slower than \(Self.time(thresholdSeconds))" }
        text += ", \(Human.count(won)) answered first"
        if let savedSeconds { text += ", about \(Self.time(savedSeconds)) of waiting saved" }
        if late > 0 { text += "; \(Human.plural(late, "second answer")) recorded" }
        if cost > 0 { text += "; losers cost \(Human.dollars(cost))" }
        if costMax > 0 {
            text += "\(cost > 0 ? "," : "; losers cost") at most \(Human.dollars(costMax))\(cost > 0 ? " more" : "")"
        }
        return text
    }

    private static func time(_ seconds: Double) -> String { Quantity.duration(milliseconds: seconds * 1000) }
}
