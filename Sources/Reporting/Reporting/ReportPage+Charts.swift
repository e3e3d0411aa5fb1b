import Basics
import CommandLine
import Dataset

/// Charts: over time, and distributions.
extension ReportPage {
    /// A chart with fewer columns shows nothing that a number does not.
    private static let columnsMin = 3

    package func overTime(_ main: inout Markup) {
        guard summary.columns.count >= Self.columnsMin else {
            tooShort(&main)
            return
        }
        chart(&main, "Throughput", "outcomes per second", throughput)
        chart(&main, "Tokens received", "completion tokens per second", tokens)
        chart(&main, "Latency", "mean of the answers that arrived", latency)
        if summary.failuresRead > 0 { chart(&main, "Failures by class", "items in each column", failuresOverTime) }
        if summary.cost != nil { chart(&main, "Spending", "dollars an hour", spending) }
    }

    private func tooShort(_ main: inout Markup) {
        guard summary.columns.count > 0 else { return }
        main.element("section", ["class": "card"]) { card in
            card.element("h2", text: "Over time")
            card.element(
                "p", ["class": "quiet"],
                text: "All outcomes fell within \(duration(Double(summary.activeSeconds))): too short for a picture.")
        }
    }

    private func chart(_ main: inout Markup, _ title: String, _ unit: String, _ chart: TimeChart) {
        main.element("section", ["class": "card wide"]) { card in
            card.element("h2") { heading in
                heading.write("\(title) ")
                heading.element("small", text: unit)
            }
            card.element("div", ["class": "scroll", "tabindex": "0", "role": "group", "aria-label": title]) { box in
                chart.draw(&box)
            }
            if chart.series.count > 1 { legend(&card, chart.series.map { ($0.name, $0.style) }) }
        }
        main.newLine()
    }

    private var throughput: TimeChart {
        var chart = TimeChart(
            "Throughput", summary.columns,
            [
                TimeChart.Series(name: "done", style: "done") { Double($0.done) / $1 },
                TimeChart.Series(name: "failed", style: "failed") { Double($0.failed) / $1 },
            ],
            tick: Quantity.rate, label: Human.rate)
        chart.remark = { "\(Human.count($0.done)) done, \(Human.count($0.failed)) failed" }
        if summary.failuresRead == 0 { chart.series.removeLast() }
        return chart
    }

    private var tokens: TimeChart {
        TimeChart(
            "Tokens received", summary.columns,
            [TimeChart.Series(name: "completion tokens", style: "tokens") { Double($0.completionTokens) / $1 }],
            tick: { Quantity.compact($0) }, label: { Human.compact($0) + "/s" })
    }

    private var latency: TimeChart {
        let mean = TimeChart.Series(name: "mean latency", style: "latency") { bin, _ in
            bin.done > 0 ? Double(bin.latencyMilliseconds) / Double(bin.done) : 0
        }
        return TimeChart(
            "Latency", summary.columns, [mean], tick: Quantity.duration(milliseconds:),
            label: Quantity.duration(milliseconds:))
    }

    private var failuresOverTime: TimeChart {
        TimeChart(
            "Failures by class", summary.columns,
            summary.failures.map { number, name, _ in
                TimeChart.Series(name: name, style: Self.style(ofClass: number)) { bin, _ in
                    number < bin.failedByClass.count ? Double(bin.failedByClass[number]) : 0
                }
            },
            tick: { Quantity.compact($0) }, label: { Human.count(Int($0)) })
    }

    private var spending: TimeChart {
        TimeChart(
            "Spending", summary.columns,
            [TimeChart.Series(name: "spent", style: "cost") { $0.cost * 3600 / $1 }],
            tick: { Human.dollars($0) }, label: { Human.dollars($0) + " an hour" })
    }

    /// The style of a failure class, the same wherever it appears.
    package static func style(ofClass number: Int) -> String { "class-\(min(number, ReportStyle.classColors))" }

    // MARK: Distributions

    package func distributions(_ pair: inout Markup) {
        guard summary.answersRead > 0 else { return }
        distribution(&pair, "Latency", digest.latency, .milliseconds, "latency")
        if digest.firstToken.maximum ?? 0 > 0 {
            distribution(&pair, "Time to first token", digest.firstToken, .milliseconds, "latency")
        }
        distribution(&pair, "Completion tokens", digest.completionTokens, .tokens, "tokens")
        distribution(&pair, "Prompt tokens", digest.promptTokens, .tokens, "tokens")
        if digest.reasoningTokens.maximum ?? 0 > 0 {
            distribution(&pair, "Reasoning tokens", digest.reasoningTokens, .tokens, "tokens")
        }
        if digest.cachedTokens.maximum ?? 0 > 0 {
            distribution(&pair, "Cached prompt tokens", digest.cachedTokens, .tokens, "tokens")
        }
        if digest.nanodollars.maximum ?? 0 > 0 {
            distribution(&pair, "Cost of an item", digest.nanodollars, .nanodollars, "cost")
        }
    }

    private func distribution(
        _ pair: inout Markup, _ title: String, _ histogram: LogHistogram, _ quantity: Quantity, _ style: String
    ) {
        guard !histogram.isEmpty else { return }
        let chart = HistogramChart(title, histogram, quantity, style: style)
        pair.element("div", ["class": "card"]) { card in
            card.element("h2") { heading in
                heading.write("\(title) ")
                heading.element("small", text: chart.remark)
            }
            chart.draw(&card)
            card.element("dl", ["class": "figures"]) { list in
                let values: [(String, String)] = [
                    ("p50", quantity.text(histogram.quantile(0.5))), ("p95", quantity.text(histogram.quantile(0.95))),
                    ("p99", quantity.text(histogram.quantile(0.99))), ("max", quantity.text(histogram.maximum)),
                    ("mean", histogram.mean.map { quantity.text($0) } ?? "-"),
                ]
                for (name, value) in values {
                    list.element("div") { entry in
                        entry.element("dt", text: name)
                        entry.element("dd", text: value)
                    }
                }
            }
        }
    }
}
