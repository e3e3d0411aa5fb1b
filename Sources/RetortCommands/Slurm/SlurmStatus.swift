import Basics
import CommandLine
import Dataset
import SegmentStore

/// All shards of a submitted run in one table: Slurm's state of the task, and the store's state of the work.
struct SlurmStatus {
    /// A shard. It has several stores if nodes kept it on their disks. An item answered on a lost node and again on
    /// another counts in both until they are merged.
    private struct Row {
        var shard: Int
        var state: String
        var node: String
        var stores: [StoreStatus]

        var done: Int { stores.reduce(0) { $0 + $1.done } }
        var failed: Int { stores.reduce(0) { $0 + $1.failed } }
        /// Pending items of the store that is furthest; it counts the other stores' outcomes as its own.
        var pending: Int? { stores.compactMap(\.pending).min() }
        var cost: Double? { stores.compactMap(\.cost).isEmpty ? nil : stores.compactMap(\.cost).reduce(0, +) }

        /// A copy is not locked while its original is written elsewhere.
        private var isAtWork: Bool { state == "running" && stores.contains { $0.state == .killed } }
        var rate: Double? {
            stores.compactMap(\.rate).first
                ?? (isAtWork ? stores.first { $0.state == .killed }?.run?.itemsPerSecond : nil)
        }
        var run: String {
            if stores.isEmpty { return "not begun" }
            let isRunning = isAtWork || stores.contains { $0.state == .running }
            if isRunning { return StoreStatus.State.running.rawValue }
            let furthest = stores.min { $0.pending ?? .max < $1.pending ?? .max }
            return furthest?.state.rawValue ?? ""
        }
    }

    private var rows: [Row] = []
    private let out: String

    init(_ out: String) throws(RetortError) {
        self.out = out
        let record = try SlurmRecord(of: out)
        let tasks = SlurmTools.tasks(of: record.arrays.map(\.job))
        let stores = try SlurmPlaces(out: out).stores()
        for shard in 1...record.shards {
            let task = record.task(ofShard: shard).flatMap { tasks[$0] }
            var statuses: [StoreStatus] = []
            for path in stores[shard] ?? [] { statuses.append(try StoreStatus(path)) }
            rows.append(Row(shard: shard, state: task?.state ?? "-", node: task?.node ?? "", stores: statuses))
        }
    }

    private func text(_ row: Row) -> [String] {
        let start = ["\(row.shard)", row.state, row.node, row.run]
        guard !row.stores.isEmpty else { return start + ["", "", "", "", ""] }
        return start + [
            Human.count(row.done), Human.count(row.failed), row.pending.map { Human.count($0) } ?? "?",
            row.rate.map { Human.rate($0) } ?? "", row.cost.map { Human.dollars($0) } ?? "",
        ]
    }

    var lines: [String] {
        var table = [["shard", "task", "node", "run", "done", "failed", "pending", "rate", "cost"]]
        table += rows.map { text($0) }
        let begun = rows.filter { !$0.stores.isEmpty }
        let pending = begun.compactMap(\.pending)
        let isKnown = pending.count == rows.count
        let cost = rows.compactMap(\.cost).reduce(0, +)
        table.append([
            "all", "", "", "\(begun.count) begun", Human.count(rows.reduce(0) { $0 + $1.done }),
            Human.count(rows.reduce(0) { $0 + $1.failed }),
            isKnown ? Human.count(pending.reduce(0, +)) : "?", Human.rate(rows.compactMap(\.rate).reduce(0, +)),
            cost > 0 ? Human.dollars(cost) : "",
        ])
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.map { row in
            let cells = zip(row, widths).map { text, width in text + String(repeating: " ", count: width - text.count) }
            let line = CellWidth.sanitized(cells.joined(separator: "  "))
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    func print(asJSON: Bool) throws(RetortError) {
        let output = DataOutput.standardOutput()
        if asJSON {
            for row in rows {
                var line = JSONLine()
                line.member("shard", String(row.shard))
                line.text("task", row.state)
                line.text("node", row.node)
                // Of several stores the one with most outcomes comes first.
                let stores = row.stores.sorted { $0.done > $1.done }
                line.member("store", stores.first.map { Array($0.json().utf8) } ?? Array("null".utf8))
                var others = JSONList()
                for store in stores.dropFirst() { others.append(Array(store.json().utf8)[...]) }
                line.member("other_stores", others.finished)
                try output.line(String(decoding: line.finished, as: UTF8.self))
            }
        } else {
            for line in lines { try output.line(line) }
        }
        try output.flush()
    }
}
