import Basics
import CommandLine
package import Dataset
import SegmentStore

/// Totals over the items of a tree of folders.
package struct FolderTotals {
    package private(set) var items = 0
    package private(set) var judged = 0
    package private(set) var passed = 0
    package private(set) var failed = 0
    package private(set) var rounds = 0
    private var scores = 0.0
    private var promptTokens = 0
    private var completionTokens = 0
    /// Nanodollars, where prices are known.
    private var cost = 0
    private var isPriced = false
    /// Milliseconds.
    private var generation = 0
    private var evaluation = 0

    package mutating func add(_ item: ItemFolder) {
        items += 1
        if !item.error.isEmpty { failed += 1 }
        if let verdict = item.verdict {
            judged += 1
            if verdict.pass { passed += 1 }
            scores += verdict.score
        }
        rounds = rounds.addingSaturated(item.rounds.count)
        for round in item.rounds {
            promptTokens = promptTokens.addingSaturated(round.promptTokens)
            completionTokens = completionTokens.addingSaturated(round.completionTokens)
            generation = generation.addingSaturated(round.latency)
            evaluation = evaluation.addingSaturated(round.verdict?.latency ?? 0)
            if let nanodollars = round.cost {
                cost = cost.addingSaturated(nanodollars)
                isPriced = true
            }
        }
    }

    private var score: Double? { judged > 0 ? scores / Double(judged) : nil }
    private var passAt1: Double? { judged > 0 ? Double(passed) / Double(judged) : nil }
    private var time: Int { generation.addingSaturated(evaluation) }

    private func perItem(_ value: Int) -> Double? { items > 0 ? Double(value) / Double(items) : nil }

    /// For people.
    package func lines(_ root: String, verifier: String?) -> [String] {
        func share(_ part: Int) -> String { "(\(Human.percent(part, of: time)))" }
        func duration(_ milliseconds: Int) -> String { Quantity.duration(milliseconds: Double(milliseconds)) }
        var lines = ["store              \(CellWidth.sanitized(root))", "items              \(Human.count(items))"]
        if failed > 0 { lines.append("without an answer  \(Human.count(failed))") }
        if let verifier { lines.append("verifier           \(CellWidth.sanitized(verifier))") }
        if let passAt1, let score {
            lines.append(
                "Pass@1             \(Human.fixed(passAt1 * 100, 1))% (\(Human.count(passed)) of \(Human.count(judged)))"
            )
            lines.append("mean accuracy      \(Human.fixed(score * 100, 1))%")
        }
        lines.append("rounds             \(Human.count(rounds))")
        lines.append("generation time    \(duration(generation)) \(share(generation))")
        lines.append("evaluation time    \(duration(evaluation)) \(share(evaluation))")
        if let mean = perItem(time) { lines.append("mean time an item  \(Quantity.duration(milliseconds: mean))") }
        lines.append("tokens             \(Human.count(promptTokens)) in, \(Human.count(completionTokens)) out")
        if let prompt = perItem(promptTokens), let completion = perItem(completionTokens) {
            lines.append(
                "mean tokens        \(Quantity.trimmed(prompt, 1)) in, \(Quantity.trimmed(completion, 1)) out per item")
        }
        if isPriced { lines.append("cost               \(Human.dollars(Double(cost) / 1e9))") }
        return lines
    }

    package func tree(verifier: String?) -> JSONTree {
        .object([
            .init("verifier", verifier.map { .text($0) } ?? .null), .init("items", .integer(items)),
            .init("failed", .integer(failed)), .init("judged", .integer(judged)), .init("passed", .integer(passed)),
            .init("pass_at_1", JSONTree(passAt1)), .init("accuracy", JSONTree(score)),
            .init("rounds", .integer(rounds)),
            .init("generation_seconds", .real(Double(generation) / 1000)),
            .init("evaluation_seconds", .real(Double(evaluation) / 1000)),
            .init("generation_share", JSONTree(time > 0 ? Double(generation) / Double(time) : nil)),
            .init("evaluation_share", JSONTree(time > 0 ? Double(evaluation) / Double(time) : nil)),
            .init("mean_seconds", JSONTree(perItem(time).map { $0 / 1000 })),
            .init("prompt_tokens", .integer(promptTokens)), .init("completion_tokens", .integer(completionTokens)),
            .init("mean_prompt_tokens", JSONTree(perItem(promptTokens))),
            .init("mean_completion_tokens", JSONTree(perItem(completionTokens))),
            .init("cost_usd", JSONTree(isPriced ? Double(cost) / 1e9 : nil)),
        ])
    }
}
