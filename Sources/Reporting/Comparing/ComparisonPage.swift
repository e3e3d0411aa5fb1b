import Basics
import CommandLine
import Dataset

/// `retort diff --html`: two stores side by side, as one file without scripts and external resources.
package struct ComparisonPage {
    package let roots: [String]
    package let counts: ComparedCounts
    /// The rows that are shown.
    package let rows: [ComparedRow]
    /// The number of rows that differ.
    package let differing: Int

    package init(_ roots: [String], _ counts: ComparedCounts, rows: [ComparedRow], differing: Int) {
        (self.roots, self.counts, self.rows, self.differing) = (roots, counts, rows, differing)
    }

    package var text: String {
        var markup = Markup()
        markup.documentType()
        markup.element("html", ["lang": "en"]) { html in
            html.element("head") { ReportPage.head(&$0, title: "Retort: \(roots.joined(separator: " and "))") }
            html.newLine()
            html.element("body") { body in
                body.element("header") { header(&$0) }
                body.element("main") { main in
                    tiles(&main)
                    tables(&main)
                    differences(&main)
                }
                body.element("footer") { footer in
                    footer.element("p", text: "Made by retort \(RetortVersion.text) from the records of both stores.")
                }
            }
        }
        markup.newLine()
        return markup.text
    }

    private func header(_ header: inout Markup) {
        header.element("p", ["class": "brand"], text: "retort diff")
        header.element("h1", text: "Two stores compared")
        for (name, root) in zip(["A", "B"], roots) {
            header.element("p") { line in
                line.element("b", text: name)
                line.write(" \(root)")
            }
        }
        header.newLine()
    }

    private func tiles(_ main: inout Markup) {
        let figures: [(name: String, count: Int, remark: String)] = [
            ("Same", counts.same, "text and tool calls"),
            ("Answer changed", counts.changed, "\(Human.count(counts.changedOfSameRequest)) for the same request"),
            ("Judged otherwise", counts.judgedOtherwise, "of the same answers"),
            ("Failed in B only", counts.failed, ""), ("Failed in A only", counts.answered, ""),
            ("Failed otherwise", counts.otherFailure, ""), ("Only in A", counts.onlyA, ""),
            ("Only in B", counts.onlyB, ""),
            ("Damaged", counts.damaged, "stretches that are not compared"),
        ]
        main.element("section", ["class": "tiles", "aria-label": "Key figures"]) { section in
            for figure in figures where figure.count > 0 || figure.name == "Same" {
                ReportPage.tile(&section, figure.name, Human.count(figure.count), figure.remark)
            }
        }
        main.newLine()
    }

    private func tables(_ main: inout Markup) {
        guard counts.bothAnswered > 0 else { return }
        main.element("section", ["class": "pair"]) { pair in
            card(&pair, "Means of \(Human.count(counts.bothAnswered)) answers", [["", "A", "B"]] + counts.means)
            for (name, verdicts) in counts.verdicts.sorted(by: { $0.key < $1.key }) {
                func score(_ sum: Double) -> String { Quantity.trimmed(sum / Double(max(1, verdicts.judged)), 3) }
                card(
                    &pair, "\(name): \(Human.count(verdicts.judged)) answers of both judged",
                    [
                        ["", "A", "B"], ["passed", Human.count(verdicts.passedA), Human.count(verdicts.passedB)],
                        ["passed there only", Human.count(verdicts.lost), Human.count(verdicts.gained)],
                        ["mean score", score(verdicts.scoresA), score(verdicts.scoresB)],
                    ])
            }
        }
        main.newLine()
    }

    private func card(_ pair: inout Markup, _ title: String, _ rows: [[String]]) {
        pair.element("div", ["class": "card"]) { card in
            card.element("h2", text: title)
            card.element("div", ["class": "scroll"]) { scroll in
                scroll.element("table") { table in
                    for (number, row) in rows.enumerated() {
                        table.element("tr") { line in
                            for (column, cell) in row.enumerated() {
                                if number == 0 || column == 0 {
                                    line.element("th", text: cell)
                                } else {
                                    line.element("td", text: cell)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func differences(_ main: inout Markup) {
        guard differing > 0 else { return }
        let shown =
            rows.count < differing
            ? "the first \(Human.count(rows.count)) of \(Human.count(differing)); --show takes more" : "all of them"
        main.element("h2") { head in
            head.write("Rows that differ ")
            head.element("small", text: shown)
        }
        for row in rows {
            main.element("section", ["class": "card"]) { card in
                card.element("h2") { head in
                    head.write(row.name)
                    head.element("small", text: " \(row.words)")
                }
                card.element("div", ["class": "pair"]) { pair in
                    for (name, record) in [("A", row.a), ("B", row.b)] {
                        if let record { side(&pair, name, record) }
                    }
                }
            }
            main.newLine()
        }
    }

    private func side(_ pair: inout Markup, _ name: String, _ record: ComparedRecord) {
        pair.element("div") { side in
            var facts = [name]
            if record.isAnswered { facts.append(Human.plural(record.completionTokens, "token")) }
            facts.append(Quantity.duration(milliseconds: Double(record.milliseconds)))
            if let cost = record.cost { facts.append(Quantity.nanodollars.text(Double(cost))) }
            facts += record.verdictTexts
            side.element("p", ["class": "quiet"], text: facts.joined(separator: " \u{00B7} "))
            side.element("pre", text: record.isAnswered ? answer(record) : "\(record.failureClass): \(record.error)")
        }
    }

    private func answer(_ record: ComparedRecord) -> String {
        let calls =
            record.toolCalls.isEmpty ? "" : "\n[tool calls] " + String(decoding: record.toolCalls, as: UTF8.self)
        return Excerpt.answer(record.response[...]) + calls
    }
}
