import Basics
import CommandLine
import Dataset

/// How the rows of a run with `--via cheapest` were answered.
package struct RouteTally: Sendable, Hashable {
    /// Outcomes by how they were obtained.
    package var batches = 0
    package var flex = 0
    package var live = 0
    /// Answers to rows that were also answered live, and their cost in nanodollars.
    package var twice = 0
    package var twiceNanodollars = 0
    /// Seconds until the deadline at the end; negative if it has passed.
    package var secondsLeft = 0.0

    package var facts: [SummaryFact] {
        var parts: [String] = []
        if batches > 0 { parts.append("\(Human.count(batches)) in batches") }
        if flex > 0 { parts.append("\(Human.count(flex)) in the flexible tier") }
        if live > 0 { parts.append("\(Human.count(live)) live") }
        let length = Human.duration(.seconds(abs(secondsLeft)))
        let end = secondsLeft >= 0 ? "\(length) before the deadline" : "\(length) after the deadline"
        var facts: [SummaryFact] = [
            ("route", (parts.isEmpty ? "nothing sent" : parts.joined(separator: ", ")) + "; " + end)
        ]
        if twice > 0 {
            facts.append(
                (
                    "paid twice",
                    "\(Human.plural(twice, "answer")) of batches that were left behind, "
                        + Human.dollars(Money.dollars(twiceNanodollars))
                ))
        }
        return facts
    }
}
