import Basics
import CommandLine
package import Dataset
import JSONText
import ModelAPI
import ResponseGenerator
import SegmentStore

extension RunPlan {
    /// The plan for display: a column of names and one of values.
    ///
    /// - Parameter route: how the items would be divided; nil: all are sent the same way.
    package func lines(_ settings: RunSettings, _ route: RunRoute? = nil) -> [String] {
        var facts: [(String, String)] = [
            ("items", "\(Human.count(items)) from \(Human.plural(Int(clamping: rows), "row"))"),
            ("done", Human.count(done)),
            ("failed", Human.count(failed) + (failed > 0 ? "; run leaves them to `retort retry`" : "")),
        ]
        if let shard = settings.shard { facts.insert(("shard", "\(shard.number) of \(shard.count)"), at: 0) }
        if elsewhere > 0 {
            facts.append(("elsewhere", "\(Human.count(elsewhere)) have their outcome in sibling stores"))
        }
        if changed > 0 {
            facts.append(("changed", "\(Human.count(changed)) under the same id; \(fateOfChanged(settings))"))
        }
        if bad > 0 { facts.append(("bad rows", "\(Human.count(bad)) would be recorded as failed")) }
        if duplicates > 0 {
            let more = duplicates > duplicatesShown.count ? ", ..." : ""
            facts.append(
                ("duplicate ids", "\(Human.count(duplicates)): \(duplicatesShown.joined(separator: ", "))\(more)"))
        }
        if settings.reuse != nil {
            facts.append(("reused", "\(Human.count(reused)) would take the answer of an equal request, at no cost"))
        }
        let together = requests < new ? " in \(Human.plural(requests, "request"))" : ""
        facts.append(("to send", Human.count(new) + together))
        facts += RunConclusion.damage(damage, out: ShellText.quoted(settings.out), .plain).map { ($0.label, $0.text) }
        guard new > 0 else { return Self.aligned(facts) }
        if let probes {
            let most = probes.nanodollars.map { ", at most \(Human.dollars(Money.dollars($0)))" } ?? ""
            facts.append(("probes", "up to \(Human.count(probes.requests)) for --schema-by auto\(most)"))
        }
        facts.append(("tokens in", Self.count(promptTokens)))
        facts.append(("tokens out", tokensOut))
        if let cost = cost(settings.pricing.price) {
            facts.append(
                (
                    "cost",
                    Self.text(cost, Human.dollars) + (bounds.dollars.map { "; at most \(Human.dollars($0))" } ?? "")
                ))
        } else if let most = bounds.dollars {
            facts.append(("cost", "at most \(Human.dollars(most))"))
        }
        facts.append(
            ("time", seconds(settings.generator).map { time($0, settings) } ?? "unknown until the first answers arrive")
        )
        if let route {
            facts.append(("deadline", route.text.deadline))
            for (index, line) in route.text.lines.enumerated() { facts.append((index == 0 ? "route" : "", line)) }
        }
        return Self.aligned(facts)
    }

    private func fateOfChanged(_ settings: RunSettings) -> String {
        switch settings.onChange {
        case .refuse: "run refuses without --on-change keep or rerun"
        case .keep: "their old answers are kept"
        case .rerun: "sent again, their old answers go to \(settings.out)/superseded"
        }
    }

    private func time(_ seconds: SumEstimate, _ settings: RunSettings) -> String {
        let concurrency = "at concurrency \(settings.generator.concurrency)"
        return Self.text(seconds) { Human.duration(.seconds($0)) } + " " + concurrency
    }

    private var tokensOut: String {
        let most = bounds.completionTokens.map { "at most \(Human.count($0))" }
        guard let estimate = completionTokens else { return most ?? "unknown until the first answers arrive" }
        return Self.count(estimate) + (most.map { "; \($0)" } ?? "")
    }

    private static func count(_ estimate: SumEstimate) -> String { text(estimate) { Human.count(Int($0.rounded())) } }

    package static func text(_ estimate: SumEstimate, _ show: (Double) -> String) -> String {
        guard let interval = estimate.interval else {
            return "about \(show(estimate.mean)) (rough estimate from prompt size)"
        }
        return "about \(show(estimate.mean)) (\(show(interval.lowerBound)) to \(show(interval.upperBound)))"
    }

    private static func aligned(_ facts: [(String, String)]) -> [String] {
        let width = facts.map(\.0.count).max() ?? 0
        return facts.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }
    }

    /// Numbers are JSON numbers; unknown values are null.
    package func json(_ settings: RunSettings, _ route: RunRoute? = nil) -> String {
        var object = JSONLine()
        let counts = [
            ("rows", Int(rows)), ("items", items), ("done", done), ("failed", failed), ("changed", changed),
            ("bad", bad), ("duplicates", duplicates), ("elsewhere", elsewhere), ("new", new), ("requests", requests),
            ("reused", reused), ("damaged", damage.count),
        ]
        for (name, count) in counts { object.member(name, String(count)) }
        object.member("probes_max", String(probes?.requests ?? 0))
        Self.append("prompt_tokens", promptTokens, to: &object)
        Self.append("completion_tokens", completionTokens, to: &object)
        Self.append("cost_usd", cost(settings.pricing.price), to: &object)
        object.member("completion_tokens_max", bounds.completionTokens.map(String.init) ?? "null")
        object.member("cost_usd_max", bounds.dollars.map { Human.fixed($0, 6) } ?? "null")
        Self.append("seconds", seconds(settings.generator), to: &object)
        route?.append(to: &object)
        object.member("settings", String(decoding: settings.originsJSON, as: UTF8.self))
        return String(decoding: object.finished, as: UTF8.self)
    }

    package static func append(_ name: String, _ estimate: SumEstimate?, to object: inout JSONLine) {
        object.member(name, estimate.map { Human.fixed($0.mean, 6) } ?? "null")
        object.member(name + "_low", estimate?.interval.map { Human.fixed($0.lowerBound, 6) } ?? "null")
        object.member(name + "_high", estimate?.interval.map { Human.fixed($0.upperBound, 6) } ?? "null")
    }
}
