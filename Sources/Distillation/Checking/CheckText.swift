import CommandLine
import Dataset

/// The summary of `retort check`.
package struct CheckText {
    package let root: String
    /// The option that names the schema; nil: the store's own.
    package let option: String?
    package let counts: CheckCounts
    /// Whether this is a dry run: the counts say what would change.
    package let isDry: Bool

    package init(root: String, option: String?, counts: CheckCounts, isDry: Bool) {
        self.root = root
        self.option = option
        self.counts = counts
        self.isDry = isDry
    }

    package var lines: [String] {
        let layers = ValueCounts.text(counts.fitting)
        let found = layers.isEmpty ? "" : " (\(layers))"
        var lines = ["fit        \(Human.plural(counts.fits, "answer"))\(found)"]
        if counts.revalued > 0 {
            let verb = isDry ? "would get" : counts.revalued == 1 ? "has got" : "have got"
            lines.append("value      \(Human.count(counts.revalued)) of them \(verb) the value that is found now")
        }
        if counts.unfit > 0 {
            let place = ShellText.quoted(root) + "/superseded"
            let what = isDry ? "would move to \(place) and be pending" : "moved to \(place); pending now"
            lines.append("unfit      \(Human.plural(counts.unfit, "answer")) \(what)")
            lines += counts.examples.map { "           " + CellWidth.sanitized($0) }
            if counts.unfit > counts.examples.count { lines[lines.count - 1] += "; ..." }
        }
        if counts.recovered > 0 {
            let what = isDry ? "would become answers" : "became answers"
            lines.append("recovered  \(Human.plural(counts.recovered, "failed item")) \(what)")
        }
        if counts.failed > 0 { lines.append("failed     \(Human.plural(counts.failed, "item")), as before") }
        return lines + conclusion
    }

    private var conclusion: [String] {
        if isDry { return ["dry run    nothing has changed; run the command without --dry-run"] }
        guard counts.unfit > 0 else { return [] }
        let option = option.map { " with \($0)" } ?? ""
        return ["next       run the job again\(option) to send the pending items"]
    }

    /// The last event of `--progress json`.
    package var event: String {
        let tree = JSONTree.object([
            .init("event", .text("summary")), .init("command", .text("check")), .init("store", .text(root)),
            .init("dry_run", .boolean(isDry)), .init("answers", .integer(counts.answers)),
            .init("fit", .integer(counts.fits)), .init("found", ValueCounts.tree(counts.fitting)),
            .init("revalued", .integer(counts.revalued)), .init("unfit", .integer(counts.unfit)),
            .init("recovered", .integer(counts.recovered)), .init("failed", .integer(counts.failed)),
        ])
        return String(decoding: tree.line, as: UTF8.self)
    }
}
