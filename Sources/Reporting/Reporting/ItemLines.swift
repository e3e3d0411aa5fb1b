package import Basics
import CommandLine
import Dataset
package import JSONText
package import SegmentStore

/// One item of a store, as listed by `report --items`.
package struct ItemLine {
    package var id: String
    package var sample: Int
    /// `ok`, or the class of the failure.
    package var status: String
    package var attempts: Int
    package var milliseconds: Int
    package var promptTokens: Int
    package var completionTokens: Int
    /// Dollars; nil if unknown.
    package var cost: Double?

    package init(_ record: StoredRecord, with parser: JSONParser) {
        id = String(decoding: record.head.key.id, as: UTF8.self)
        sample = Int(record.head.key.sample)
        status = record.head.failureClass ?? "ok"
        attempts = Int(record.head.attempts)
        let view = (try? parser.parse(record.line).root).map(RecordView.init)
        milliseconds = max(0, view?.integer(.latency) ?? 0)
        promptTokens = max(0, view?.usage(.prompt) ?? 0)
        completionTokens = max(0, view?.usage(.completion) ?? 0)
        cost = view?.cost.map(Money.dollars)
    }

    /// The columns' names, in the text's layout.
    package static let heading = layout(
        "id", ["sample", "status", "attempts", "seconds", "tokens in", "tokens out", "cost"])

    package var text: String {
        Self.layout(
            CellWidth.sanitized(id),
            [
                String(sample), status, String(attempts), Human.fixed(Double(milliseconds) / 1000, 3),
                String(promptTokens), String(completionTokens), cost.map(Human.dollars) ?? "-",
            ])
    }

    private static let idCells = 28
    private static let cells = [8, 16, 10, 11, 11, 12, 12]

    private static func layout(_ id: String, _ texts: [String]) -> String {
        zip(texts, cells).reduce(id + String(repeating: " ", count: max(0, idCells - CellWidth.of(id)))) { line, cell in
            line + String(repeating: " ", count: max(1, cell.1 - cell.0.utf8.count)) + cell.0
        }
    }

    /// One JSON object.
    package var json: [UInt8] {
        JSONTree.object([
            .init("id", .text(id)), .init("sample", .integer(sample)),
            .init("status", .text(status == "ok" ? "ok" : "failed")),
            .init("class", .text(status == "ok" ? "" : status)), .init("attempts", .integer(attempts)),
            .init("seconds", .real(Double(milliseconds) / 1000)), .init("prompt_tokens", .integer(promptTokens)),
            .init("completion_tokens", .integer(completionTokens)),
            .init("tokens", .integer(promptTokens.addingReportingOverflow(completionTokens).partialValue)),
            .init("cost_usd", JSONTree(cost)),
        ]).line
    }
}

/// The items of a store that have an outcome, one by one, in the order of its files: answers, then failures.
package enum ItemLines {
    /// Damaged blocks are skipped.
    package static func forEach(
        of root: String, _ body: (ItemLine) throws(RetortError) -> Void
    ) throws(RetortError) {
        let reader = try StoreReader(root, options: StoreAccess.options)
        let parser = JSONParser()
        for lane in Lane.outcomes {
            try reader.forEach(lane) { _ in
            } _: { record throws(RetortError) in
                try body(ItemLine(record, with: parser))
            }
        }
    }
}
