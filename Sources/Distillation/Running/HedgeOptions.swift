package import Basics
package import CommandLine
import Dataset
package import ResponseGenerator

/// `--hedge` and `--hedge-budget`: duplicate requests for stragglers.
package enum HedgeOptions {
    package static func options(_ group: String) -> [OptionSpec] {
        [
            OptionSpec(
                "hedge", kind: .string, valueName: "pNN",
                summary: "send a request again when it takes longer than this percentile of recent ones, e.g. p99",
                details: """
                    p50 to p99.9. The first answer counts and the other request is cancelled, at another server where there are \
                    several. What the loser has cost, or may have cost, counts against --max-cost; limits \
                    hold for duplicates too. Requests for several items get none. The summary shows their effect.
                    """, group: group),
            OptionSpec(
                "hedge-budget", kind: .string, valueName: "PERCENT",
                summary: "maximum duplicates, as a share of all requests",
                group: group, default: "2%"),
        ]
    }

    package static func settings(_ command: ParsedCommand) throws(RetortError) -> HedgeSettings? {
        guard let text = command.stringIfSet("hedge") else {
            guard !command.isGiven("hedge-budget") else {
                throw RetortError(
                    .usage, "--hedge-budget is for --hedge", at: command.origin(of: "hedge-budget"),
                    remedy: "Add --hedge p99, for example.")
            }
            return nil
        }
        if command.stringIfSet("via") == "batch" {
            throw RetortError(
                .configuration, "a batch has no requests to hedge", at: command.origin(of: "hedge"),
                remedy: "Leave out --hedge or --via batch.")
        }
        let bounds = HedgeSettings.quantileBounds
        guard text.hasPrefix("p"), let percent = Double(text.dropFirst()), bounds.contains(percent / 100) else {
            throw RetortError(
                .usage, "not a percentile: --hedge \(RunRecord.cut(text))", at: command.origin(of: "hedge"),
                remedy: "Give one from p50 to p99.9, such as p99.")
        }
        return HedgeSettings(quantile: percent / 100, budgetShare: try share(command))
    }

    private static func share(_ command: ParsedCommand) throws(RetortError) -> Double {
        let text = command.stringIfSet("hedge-budget") ?? ""
        let number = text.hasSuffix("%") ? String(text.dropLast()) : text
        guard let percent = Double(number), percent > 0, percent <= 100 else {
            throw RetortError(
                .usage, "not a share: --hedge-budget \(RunRecord.cut(text))", at: command.origin(of: "hedge-budget"),
                remedy: "Give a percentage above 0 and up to 100, such as 2%.")
        }
        return percent / 100
    }
}
