import Basics
import CommandLine
import SegmentStore

/// All shards of a submitted run in one table: what Slurm says of the task, what the store says of the work.
struct SlurmStatus {
    private struct Row {
        var shard: Int
        var state: String
        var node: String
        var store: StoreStatus?
    }

    private var rows: [Row] = []
    private let out: String

    init(_ out: String) throws(RetortError) {
        self.out = out
        let record = try SlurmRecord(of: out)
        let tasks = SlurmTools.tasks(of: record.arrays.map(\.job))
        for shard in 1...record.shards {
            let task = record.task(ofShard: shard).flatMap { tasks[$0] }
            let path = "\(out)/shard-\(shard)"
            let store = try RecordStore.manifest(of: path).map { _ throws(RetortError) in try StoreStatus(path) }
            rows.append(Row(shard: shard, state: task?.state ?? "-", node: task?.node ?? "", store: store))
        }
    }

    private func text(_ row: Row) -> [String] {
        guard let store = row.store else {
            return ["\(row.shard)", row.state, row.node, "not begun", "", "", "", "", ""]
        }
        return [
            "\(row.shard)", row.state, row.node, store.state.rawValue, Human.count(store.done),
            Human.count(store.failed),
            store.pending.map { Human.count($0) } ?? "?", store.rate.map { Human.rate($0) } ?? "",
            store.cost.map { Human.dollars($0) } ?? "",
        ]
    }

    var lines: [String] {
        var table = [["shard", "task", "node", "run", "done", "failed", "pending", "rate", "cost"]]
        table += rows.map { text($0) }
        let stores = rows.compactMap(\.store)
        let pending = stores.map(\.pending)
        let isKnown = stores.count == rows.count && !pending.contains(nil)
        let cost = stores.compactMap(\.cost).reduce(0, +)
        table.append([
            "all", "", "", "\(stores.count) begun", Human.count(stores.reduce(0) { $0 + $1.done }),
            Human.count(stores.reduce(0) { $0 + $1.failed }),
            isKnown ? Human.count(pending.reduce(0) { $0 + ($1 ?? 0) }) : "?",
            Human.rate(stores.compactMap(\.rate).reduce(0, +)), cost > 0 ? Human.dollars(cost) : "",
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
                if let store = row.store {
                    line.member("store", Array(store.json().utf8))
                } else {
                    line.member("store", "null")
                }
                try output.line(String(decoding: line.finished, as: UTF8.self))
            }
        } else {
            for line in lines { try output.line(line) }
        }
        try output.flush()
    }
}
