import CommandLine
import SegmentStore

/// Several stores side by side: a column each.
package struct StatusComparison {
    private let stores: [StoreStatus]
    private let titles: [String]

    /// Maximum width of a column; longer cells are truncated.
    private static let cellsMax = 32

    /// - Parameter titles: column titles; nil: the stores' paths.
    package init(_ stores: [StoreStatus], titles: [String]? = nil) {
        self.stores = stores
        self.titles = titles ?? stores.map(\.root)
    }

    package var lines: [String] {
        var rows: [[String]] = [[""] + titles]
        func add(_ name: String, _ text: (StoreStatus) -> String?) {
            let cells = stores.map { text($0) ?? "-" }
            if cells.contains(where: { $0 != "-" }) { rows.append([name] + cells) }
        }
        add("state") { $0.state.rawValue }
        add("items") { $0.items.map(Human.count) }
        add("done") { Human.count($0.done) }
        add("failed") { Human.count($0.failed) }
        add("pending") { $0.pending.map(Human.count) }
        add("truncated") { $0.tally(.truncated) > 0 ? Human.count($0.tally(.truncated)) : nil }
        add("tokens in") { Human.count($0.tally(.prompt)) }
        add("tokens out") { Human.count($0.tally(.completion)) }
        add("cost") { $0.cost.map(Human.dollars) }
        add("latency per item") { $0.mean(.latency).map(Quantity.duration(milliseconds:)) }
        add("tokens in per item") { $0.mean(.prompt).map { Quantity.trimmed($0, 1) } }
        add("tokens out per item") { $0.mean(.completion).map { Quantity.trimmed($0, 1) } }
        add("cost per item") { $0.costPerItem.map(Human.dollars) }
        add("items/s") { $0.run.map { Quantity.rate($0.itemsPerSecond) } }
        for name in Set(stores.flatMap { $0.reader.manifest.job.keys }).sorted() {
            add(name) { $0.reader.manifest.job[name] }
        }
        for name in Set(stores.flatMap { ($0.run?.settings ?? [:]).keys }).sorted() {
            add(name) { $0.run?.settings[name] }
        }
        return Self.aligned(rows)
    }

    /// Aligns cells in columns.
    package static func aligned(_ rows: [[String]]) -> [String] {
        let cells = rows.map { row in
            row.map { CellWidth.truncated(CellWidth.sanitized($0), to: cellsMax) }
        }
        let widths = (cells.first ?? []).indices.map { column in cells.map { CellWidth.of($0[column]) }.max() ?? 0 }
        return cells.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell + String(repeating: " ", count: widths[column] - CellWidth.of(cell) + 2)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}
