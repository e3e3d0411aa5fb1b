import Basics
import CommandLine
import Dataset
import SegmentStore

/// Tables: answers, failures, the store.
extension ReportPage {
    package static let kindsShownMax = 6

    package func breakdowns(_ pair: inout Markup) {
        if summary.answersRead > 0 {
            counts(&pair, "Finish reasons", digest.finishReasons, remark: quality)
            counts(&pair, "Models", digest.models, remark: "")
        }
        attempts(&pair)
    }

    private var quality: String {
        var parts: [String] = []
        if digest.truncated > 0 {
            parts.append("\(Human.count(digest.truncated)) answers truncated at the token limit")
        }
        if digest.empty > 0 { parts.append("\(Human.count(digest.empty)) answers are empty") }
        return parts.joined(separator: "; ")
    }

    private func counts(_ pair: inout Markup, _ title: String, _ counts: NameCounts, remark: String) {
        pair.element("div", ["class": "card"]) { card in
            card.element("h2", text: title)
            card.element("table") { table in
                for (name, count) in counts.sorted {
                    barRow(&table, name.isEmpty ? "(none)" : name, [("done", count)], of: counts.total)
                }
                if counts.others > 0 { barRow(&table, "(others)", [("pending", counts.others)], of: counts.total) }
            }
            if !remark.isEmpty { card.element("p", ["class": "quiet"], text: remark) }
        }
    }

    private func attempts(_ pair: inout Markup) {
        let rows = digest.attemptsOfDone.indices.filter { digest.attemptsOfDone[$0] + digest.attemptsOfFailed[$0] > 0 }
        let whole = rows.reduce(0) { $0 + digest.attemptsOfDone[$1] + digest.attemptsOfFailed[$1] }
        pair.element("div", ["class": "card"]) { card in
            card.element("h2") { heading in
                heading.write("Attempts ")
                heading.element("small", text: "per item")
            }
            card.element("table") { table in
                for number in rows {
                    let name = number == RecordDigest.attemptsMax ? "\(number) or more" : String(number)
                    barRow(
                        &table, name,
                        [("done", digest.attemptsOfDone[number]), ("failed", digest.attemptsOfFailed[number])],
                        of: whole)
                }
            }
            if summary.failuresRead > 0 { legend(&card, [("done", "done"), ("failed", "failed")]) }
        }
    }

    /// A row with a bar whose parts have styles.
    package func barRow(_ table: inout Markup, _ name: String, _ parts: [(style: String, count: Int)], of whole: Int) {
        let count = parts.reduce(0) { $0 + $1.count }
        table.element("tr") { row in
            row.element("th", ["scope": "row"], text: name)
            row.element("td", ["class": "number"], text: Human.count(count))
            row.element("td", ["class": "number"], text: Human.percent(count, of: whole))
            row.element("td", ["class": "bar"]) { cell in
                cell.element(
                    "svg", ["viewBox": "0 0 100 8", "preserveAspectRatio": "none", "aria-hidden": "true"]
                ) { svg in
                    var x = 0.0
                    for part in parts where part.count > 0 {
                        let width = max(0.5, Double(part.count) / Double(max(1, whole)) * 100)
                        ChartFrame(width: 100, height: 8).box(&svg, part.style, x: x, y: 0, width: width, height: 8)
                        x += width
                    }
                }
            }
        }
    }

    // MARK: Failures

    package func failures(_ main: inout Markup) {
        guard !summary.failures.isEmpty else { return }
        main.element("section", ["class": "card"]) { card in
            card.element("h2", text: "Failures")
            card.element("table") { table in
                for (number, name, digest) in summary.failures {
                    barRow(&table, name, [(Self.style(ofClass: number), digest.count)], of: summary.failuresRead)
                }
            }
            for (_, name, digest) in summary.failures { failure(&card, name, digest) }
        }
        main.newLine()
    }

    private func failure(_ card: inout Markup, _ name: String, _ digest: FailureDigest) {
        card.element("h3") { heading in
            heading.write("\(name) ")
            let statuses = digest.statuses.sorted.filter { $0.name != "0" }
            let words = statuses.map { "\(Human.count($0.count)) with HTTP \($0.name)" }
            heading.element("small", text: words.joined(separator: ", "))
        }
        let kinds = digest.sorted
        card.element("ol", ["class": "kinds"]) { list in
            for kind in kinds.prefix(Self.kindsShownMax) { list.element("li") { self.kind(&$0, kind) } }
        }
        let others = kinds.dropFirst(Self.kindsShownMax).reduce(digest.otherKinds) { $0 + $1.count }
        if others > 0 { card.element("p", ["class": "quiet"], text: "\(Human.count(others)) with other messages") }
    }

    private func kind(_ item: inout Markup, _ kind: FailureDigest.Kind) {
        let example = kind.example
        item.element("p") { line in
            line.element("b", text: "\(Human.count(kind.count)) × ")
            line.element("code", text: example.message.isEmpty ? "(no message)" : example.message)
        }
        item.element("p", ["class": "quiet"]) { line in
            line.write("e.g. ")
            line.element("code", text: example.sample > 0 ? "\(example.id)#\(example.sample)" : example.id)
            line.write(", \(Human.plural(example.attempts, "attempt"))")
            if example.created > 0 { line.write(", \(UTCTime(example.created).text)") }
        }
        if !example.body.isEmpty {
            item.element("details") { details in
                details.element("summary", text: "what came instead of an answer")
                details.element("pre", text: example.body)
            }
        }
    }

    // MARK: Where it comes from

    package func provenance(_ main: inout Markup) {
        if !summary.damage.isEmpty || digest.unreadable > 0 { damage(&main) }
        main.element("section", ["class": "pair"]) { pair in
            pair.element("div", ["class": "card"]) { card in
                card.element("h2", text: "Job")
                var rows = summary.manifest.job.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
                rows += (summary.manifest.input?.files ?? []).map { ("input", $0) }
                if let changes = RequestEdits.note(in: summary.manifest) { rows.append(("changed by retry", changes)) }
                pairs(&card, rows)
            }
            lastRun(&pair)
            pair.element("div", ["class": "card"]) { card in
                card.element("h2", text: "On disk")
                pairs(&card, storage)
            }
        }
        main.newLine()
        exports(&main)
    }

    /// The settings and the course of the last run.
    private func lastRun(_ pair: inout Markup) {
        guard let run = summary.run else { return }
        let reason = run.reason.isEmpty ? "" : ": \(run.reason)"
        let ended = max(0, run.done + run.failed - run.earlier)
        let pace = Human.rate(run.itemsPerSecond).replacing("/s", with: " items/s")
        let rows = [
            ("ended", run.state == .stopped ? "stopped\(reason)" : summary.runEnding),
            ("pace", "\(Human.plural(ended, "item")) in \(duration(run.elapsedSeconds)), \(pace)"),
        ]
        pair.element("div", ["class": "card"]) { card in
            card.element("h2", text: "Last run")
            let servers = run.endpoints.enumerated().map { ($0.offset == 0 ? "servers" : "", $0.element.line) }
            let hedges = run.hedges.map { [("hedges", $0.line)] } ?? []
            pairs(&card, rows + run.settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } + servers + hedges)
            let changes = summary.changes.suffix(StoreSummary.changesShownMax)
            if !changes.isEmpty {
                card.element("h3", text: "Changes while it ran")
                pairs(&card, changes.map { (UTCTime(Int64($0.time)).text, $0.text) })
            }
        }
    }

    private func exports(_ main: inout Markup) {
        guard !summary.exports.isEmpty else { return }
        main.element("section", ["class": "card"]) { card in
            card.element("h2", text: "Exports")
            card.element("ul", ["class": "exports"]) { list in
                for note in summary.exports.suffix(Self.exportsShownMax).reversed() { export(&list, note) }
            }
            let rest = summary.exports.count - Self.exportsShownMax
            if rest > 0 {
                card.element(
                    "p", ["class": "quiet"], text: "\(Human.plural(rest, "earlier export")), in summary.json")
            }
        }
        main.newLine()
    }

    package static let exportsShownMax = 10

    private func export(_ list: inout Markup, _ note: ExportNote) {
        list.element("li") { item in
            item.element("p") { line in
                line.element("b", text: Human.plural(note.written, "record"))
                line.write(" as \(note.format) to ")
                line.element("code", text: note.output)
                if note.writtenToTest > 0 { line.write(", \(Human.count(note.writtenToTest)) as a test part") }
            }
            var quiet = UTCTime(note.time).text
            if !note.options.isEmpty { quiet += "; \(note.options)" }
            item.element("p", ["class": "quiet"], text: quiet)
            for (reason, count) in note.leftOut.sorted(by: { $0.key < $1.key }) {
                item.element("p", ["class": "quiet"], text: "left out: \(Human.count(count)) \(reason)")
            }
        }
    }

    private var storage: [(String, String)] {
        var rows: [(String, String)] = []
        for lane in Lane.outcomes {
            let files = summary.files[lane] ?? StoreSummary.LaneFiles()
            let volume = digest.volumes[lane] ?? RecordDigest.Volume()
            guard files.bytes > 0 else { continue }
            rows.append(
                (
                    lane.directoryName,
                    "\(Human.plural(volume.records, "record")), \(Human.plural(files.segments, "segment"))"
                ))
            var size = "\(Human.bytes(volume.rawBytes)) of lines in \(Human.bytes(files.bytes))"
            if files.journalBytes > 0 { size += ", \(Human.bytes(files.journalBytes)) not compressed yet" }
            rows.append(("", size))
        }
        rows.append(("index", Human.bytes(summary.indexBytes)))
        rows.append(("store", summary.manifest.store))
        return rows
    }

    private func pairs(_ card: inout Markup, _ rows: [(String, String)]) {
        card.element("table") { table in
            for (name, value) in rows {
                table.element("tr") { row in
                    row.element("th", ["scope": "row"], text: name)
                    row.element("td", ["class": "text"], text: value)
                }
            }
        }
    }

    private func damage(_ main: inout Markup) {
        main.element("section", ["class": "card alarm"]) { card in
            card.element("h2", text: "Damage")
            card.element("ul") { list in
                for damage in summary.damage.prefix(StoreSummary.damageShownMax) {
                    list.element("li", text: "\(StoreAccess.place(damage)): \(damage.reason)")
                }
                let rest = summary.damage.count - StoreSummary.damageShownMax
                if rest > 0 { list.element("li", text: "and \(Human.count(rest)) more stretches, in summary.json") }
                if digest.unreadable > 0 {
                    list.element("li", text: "\(Human.count(digest.unreadable)) records are not JSON")
                }
            }
            card.element(
                "p", ["class": "quiet"],
                text: "Damaged records are not part of the other numbers. `retort verify` has the details.")
        }
    }
}
