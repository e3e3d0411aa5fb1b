import Basics
import CommandLine
import Dataset
import SegmentStore

/// `report.html`: one file without scripts or external resources, built from the summary alone.
///
/// It states this itself: its content security policy allows nothing except its own style sheet.
package struct ReportPage {
    package let summary: StoreSummary
    package var digest: RecordDigest { summary.digest }

    private static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

    package init(_ summary: StoreSummary) { self.summary = summary }

    package var text: String {
        var markup = Markup()
        markup.documentType()
        markup.element("html", ["lang": "en"]) { html in
            html.element("head") { Self.head(&$0, title: "Retort: \(summary.root)") }
            html.newLine()
            html.element("body") { body in
                body.element("header") { header(&$0) }
                body.element("main") { main in
                    tiles(&main)
                    progress(&main)
                    overTime(&main)
                    details(&main)
                    failures(&main)
                    provenance(&main)
                }
                body.element("footer") { footer(&$0) }
            }
        }
        markup.newLine()
        return markup.text
    }

    /// The head of a page of this style.
    package static func head(_ head: inout Markup, title: String) {
        head.void("meta", ["charset": "utf-8"])
        head.void("meta", ["http-equiv": "Content-Security-Policy", "content": policy])
        head.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        head.void("meta", ["name": "color-scheme", "content": "light dark"])
        head.void("meta", ["name": "referrer", "content": "no-referrer"])
        head.void("link", ["rel": "icon", "href": "data:,"])
        head.element("title", text: title)
        head.newLine()
        head.style(ReportStyle.sheet)
    }

    private func header(_ header: inout Markup) {
        header.element("p", ["class": "brand"], text: "retort report")
        header.element("h1", text: summary.root)
        header.element("p", ["class": "state"]) { line in
            line.element("span", ["class": "badge \(summary.stateWord)"], text: summary.stateWord)
            line.write(" \(summary.stateDetail)")
        }
        header.element("p", ["class": "quiet"]) { line in
            if !summary.model.isEmpty {
                line.write("Model ")
                line.element("b", text: summary.model)
                line.write(" · ")
            }
            line.write("snapshot of \(UTCTime(summary.generated).text)")
        }
        header.newLine()
    }

    // MARK: Key figures

    private func tiles(_ main: inout Markup) {
        main.element("section", ["class": "tiles", "aria-label": "Key figures"]) { section in
            Self.tile(&section, "Done", Human.count(summary.done), share(summary.done))
            Self.tile(&section, "Failed", Human.count(summary.failed), share(summary.failed))
            Self.tile(&section, "Pending", summary.pending.map { Human.count($0) } ?? "?", remaining)
            if let rate = summary.donePerSecond {
                Self.tile(&section, "Answers", Human.rate(rate), "over \(duration(Double(summary.activeSeconds)))")
            }
            if let median = digest.latency.quantile(0.5) {
                let tail = Quantity.milliseconds.text(digest.latency.quantile(0.95))
                Self.tile(&section, "Latency", Quantity.milliseconds.text(Double(median)), "median; p95 \(tail)")
            }
            if let median = digest.firstToken.quantile(0.5) {
                let tail = Quantity.milliseconds.text(digest.firstToken.quantile(0.95))
                Self.tile(&section, "First token", Quantity.milliseconds.text(Double(median)), "median; p95 \(tail)")
            }
            if digest.reused > 0 {
                Self.tile(&section, "Reused", Human.count(digest.reused), "from equal requests, at no cost")
            }
            if summary.answersRead > 0 {
                let prompt = Human.compact(digest.promptTokens.sum)
                Self.tile(&section, "Tokens out", Human.compact(digest.completionTokens.sum), "\(prompt) in")
            }
            if let cost = summary.cost {
                Self.tile(&section, "Cost", Human.dollars(cost), costRemark)
            }
            Self.tile(&section, "On disk", Human.bytes(summary.files.values.reduce(0) { $0 + $1.bytes }), compression)
        }
        main.newLine()
    }

    package static func tile(_ section: inout Markup, _ name: String, _ value: String, _ remark: String) {
        section.element("div", ["class": "tile"]) { tile in
            tile.element("p", ["class": "name"], text: name)
            tile.element("p", ["class": "value"], text: value)
            tile.element("p", ["class": "quiet"], text: remark)
        }
    }

    private func share(_ count: Int) -> String {
        guard let items = summary.items, items > 0 else { return "" }
        return "\(Human.percent(count, of: items)) of \(Human.count(items))"
    }

    private var remaining: String {
        if let left = summary.remainingSeconds { return "ETA \(duration(left)) at the recent rate" }
        return summary.pending == nil ? "unknown without reading the input" : ""
    }

    private var costRemark: String {
        if let left = summary.remainingCost, left > 0 { return "about \(Human.dollars(left)) more to come" }
        return digest.failedCost > 0 ? "\(Human.dollars(digest.failedCost)) for failed items" : ""
    }

    private var compression: String {
        summary.ratio(.responses).map { "compressed \(Human.fixed($0, 1)):1" } ?? ""
    }

    package func duration(_ seconds: Double) -> String { Quantity.duration(seconds: seconds) }

    // MARK: Progress

    private func progress(_ main: inout Markup) {
        let pending = summary.pending ?? 0
        let whole = summary.done + summary.failed + pending
        guard whole > 0 else { return }
        let parts = [("done", summary.done), ("failed", summary.failed), ("pending", pending)].filter { $0.1 > 0 }
        main.element("section", ["class": "card"]) { card in
            card.element("h2", text: "Progress")
            let words = parts.map { "\(Human.count($0.1)) \($0.0)" }.joined(separator: ", ")
            let frame = ChartFrame(width: 1040, height: 26)
            frame.svg(&card, title: "Progress", description: words) { svg in
                var x = 0.0
                for (name, count) in parts {
                    // What is there is seen, however small its share.
                    let width = max(3, Double(count) / Double(whole) * frame.width)
                    frame.box(
                        &svg, name, x: min(x, frame.width - 3), y: 0, width: width, height: frame.height,
                        hint: "\(Human.count(count)) \(name)")
                    x += width
                }
            }
            legend(&card, parts.map { ("\($0.0) \(Human.count($0.1)) (\(Human.percent($0.1, of: whole)))", $0.0) })
        }
        main.newLine()
    }

    private func details(_ main: inout Markup) {
        guard summary.answersRead + summary.failuresRead > 0 else { return }
        main.element("section", ["class": "pair"]) { pair in
            distributions(&pair)
            breakdowns(&pair)
            judged(&pair)
        }
        main.newLine()
    }

    package func legend(_ card: inout Markup, _ entries: [(name: String, style: String)]) {
        card.element("ul", ["class": "legend"]) { list in
            for entry in entries {
                list.element("li") { item in
                    item.element("svg", ["viewBox": "0 0 10 10", "class": "key", "aria-hidden": "true"]) { svg in
                        svg.element("rect", ["class": entry.style, "width": "10", "height": "10"]) { _ in }
                    }
                    item.write(entry.name)
                }
            }
        }
    }

    private func footer(_ footer: inout Markup) {
        for note in summary.notes { footer.element("p", text: note) }
        footer.element(
            "p",
            text:
                "Made by retort \(RetortVersion.text) from the store's records. summary.json next to this page has every number."
        )
    }
}
