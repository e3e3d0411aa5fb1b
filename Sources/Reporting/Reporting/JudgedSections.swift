import Basics
import CommandLine
import Dataset

extension SummaryText {
    /// Pass rates by round and by verifier, and the time spent.
    package static func judged(_ judged: JudgedSummary?) -> [(title: String, rows: [(name: String, text: String)])] {
        guard let judged else { return [] }
        var sections: [(title: String, rows: [(name: String, text: String)])] = []
        func rate(_ passed: Int, _ count: Int) -> String {
            let cells = count > 0 ? Int((Double(passed) / Double(count) * Double(barCells)).rounded()) : 0
            let text = "\(Human.count(passed)) of \(Human.count(count)) passed (\(Human.percent(passed, of: count)))"
            return text + String(repeating: " ", count: max(2, 34 - text.count)) + String(repeating: "#", count: cells)
        }
        if !judged.rounds.isEmpty {
            let rows = judged.rounds.enumerated().map { number, round in
                (name: judged.name(ofRound: number), text: rate(round.passed, round.judged))
            }
            sections.append(("Pass rate by round", rows))
        }
        var rows: [(name: String, text: String)] = []
        for verifier in judged.verifiers where verifier.judged > 0 {
            rows.append((verifier.name, rate(verifier.passed, verifier.judged)))
            for pass in verifier.passAt(judged.ks) { rows.append(("", EvaluationSummary.line(pass))) }
        }
        if !rows.isEmpty { sections.append(("Pass rate by verifier", rows)) }
        let whole = judged.times.reduce(0) { $0.addingSaturated($1.milliseconds) }
        if whole > 0 {
            let rows = judged.times.map { name, milliseconds in
                let time = Quantity.duration(milliseconds: Double(milliseconds))
                return (name: name, text: "\(time) (\(Human.percent(milliseconds, of: whole)))")
            }
            sections.append(("Where the time went, all requests one after the other", rows))
        }
        return sections
    }
}

extension ReportPage {
    /// The pass rates and times as bars.
    package func judged(_ pair: inout Markup) {
        guard let judged = summary.judged else { return }
        if !judged.rounds.isEmpty {
            card(&pair, "Pass rate by round", legend: [("done", "passed"), ("failed", "rejected")]) { table in
                let whole = judged.rounds.first?.judged ?? 0
                for (number, round) in judged.rounds.enumerated() {
                    let parts = [("done", round.passed), ("failed", round.judged - round.passed)]
                    barRow(&table, judged.name(ofRound: number), parts, of: whole)
                }
            }
        }
        if judged.verifiers.contains(where: { $0.judged > 0 }) {
            card(&pair, "Verdicts by verifier", legend: [("done", "passed"), ("failed", "rejected")]) { table in
                for verifier in judged.verifiers where verifier.judged > 0 {
                    let parts = [("done", verifier.passed), ("failed", verifier.judged - verifier.passed)]
                    barRow(&table, verifier.name, parts, of: verifier.judged)
                }
            }
        }
        let whole = judged.times.reduce(0) { $0.addingSaturated($1.milliseconds) }
        guard whole > 0 else { return }
        card(&pair, "Where the time went (ms)", legend: []) { table in
            for (name, milliseconds) in judged.times { barRow(&table, name, [("done", milliseconds)], of: whole) }
        }
    }

    private func card(
        _ pair: inout Markup, _ title: String, legend entries: [(name: String, style: String)],
        _ rows: (inout Markup) -> Void
    ) {
        pair.element("div", ["class": "card"]) { card in
            card.element("h2", text: title)
            card.element("table") { table in rows(&table) }
            if !entries.isEmpty { legend(&card, entries.map { (name: $0.style, style: $0.name) }) }
        }
    }
}
