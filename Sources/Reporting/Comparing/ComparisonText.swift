import Basics
import CommandLine
package import Dataset
import JSONText

extension ComparedCounts {
    /// A table for people.
    package func lines(_ roots: [String]) -> [String] {
        func mean(_ sum: Int) -> Double { bothAnswered > 0 ? Double(sum) / Double(bothAnswered) : 0 }
        var rows: [[String]] = []
        func add(_ name: String, _ count: Int, _ more: String = "") {
            if count > 0 { rows.append([name, Human.count(count), more]) }
        }
        rows.append(["same", Human.count(same)])
        add("answer changed", changed, "\(Human.count(changedOfSameRequest)) of them for the same request")
        add("failed in B only", failed)
        add("failed in A only", answered)
        add("failed otherwise", otherFailure)
        add("only in A", onlyA)
        add("only in B", onlyB)
        add("damaged", damaged, "stretches that are not compared; see `retort verify`")
        var lines = ["A  \(CellWidth.sanitized(roots[0]))", "B  \(CellWidth.sanitized(roots[1]))", ""]
        lines += StatusComparison.aligned(Self.padded(rows))
        guard bothAnswered > 0 else { return lines }
        lines.append("")
        var table = [["mean of \(Human.count(bothAnswered)) answers", "A", "B"]]
        if sumsA.cost > 0 || sumsB.cost > 0 {
            table.append([
                "cost", Quantity.nanodollars.text(mean(sumsA.cost)), Quantity.nanodollars.text(mean(sumsB.cost)),
            ])
        }
        table.append([
            "tokens out", Quantity.trimmed(mean(sumsA.completionTokens), 1),
            Quantity.trimmed(mean(sumsB.completionTokens), 1),
        ])
        table.append([
            "latency", Quantity.duration(milliseconds: mean(sumsA.milliseconds)),
            Quantity.duration(milliseconds: mean(sumsB.milliseconds)),
        ])
        return lines + StatusComparison.aligned(table)
    }

    private static func padded(_ rows: [[String]]) -> [[String]] {
        let columns = rows.map(\.count).max() ?? 0
        return rows.map { $0 + Array(repeating: "", count: columns - $0.count) }
    }

    package func json(_ roots: [String]) -> JSONTree {
        typealias Member = JSONTree.Member
        func means(_ sums: Sums) -> JSONTree {
            .object([
                Member("cost_usd", .real(Money.dollars(sums.cost))),
                Member("completion_tokens", .integer(sums.completionTokens)),
                Member("latency_ms", .integer(sums.milliseconds)),
            ])
        }
        return .object([
            Member("summary", .boolean(true)), Member("a", .text(roots[0])), Member("b", .text(roots[1])),
            Member("same", .integer(same)), Member("answer", .integer(changed)),
            Member("answer_of_same_request", .integer(changedOfSameRequest)), Member("failed", .integer(failed)),
            Member("answered", .integer(answered)), Member("failure", .integer(otherFailure)),
            Member("only_a", .integer(onlyA)), Member("only_b", .integer(onlyB)), Member("damaged", .integer(damaged)),
            Member("both_answered", .integer(bothAnswered)), Member("sums_a", means(sumsA)),
            Member("sums_b", means(sumsB)),
        ])
    }
}

extension ComparedRow {
    private static let scalarsMax = 200

    /// For people: what A says, what B says.
    package var lines: [String] {
        let name = sample == 0 ? id : "\(id) (sample \(sample))"
        return ["", "\(CellWidth.sanitized(name)): \(words)"]
            + [("A", a), ("B", b)].compactMap { side, record in record.map { "  \(side)  \(Self.text($0))" } }
    }

    private var words: String {
        switch change {
        case .answer: "the answer changed"
        case .failed: "failed in B only"
        case .answered: "failed in A only"
        case .failure: "failed otherwise"
        case .onlyA: "only in A"
        case .onlyB: "only in B"
        }
    }

    private static func text(_ record: ComparedRecord) -> String {
        guard record.isAnswered else { return CellWidth.sanitized("\(record.failureClass): \(record.error)") }
        let text = Excerpt.answer(record.response[...])
        let calls = record.toolCalls.isEmpty ? "" : " [tool calls] " + String(decoding: record.toolCalls, as: UTF8.self)
        return CellWidth.sanitized(
            Excerpt.text(
                (text + calls).split(whereSeparator: \.isNewline).joined(separator: " "), scalarsMax))
    }

    package var json: JSONTree {
        typealias Member = JSONTree.Member
        func side(_ record: ComparedRecord?) -> JSONTree {
            guard let record else { return .null }
            return .object([
                Member("answered", .boolean(record.isAnswered)),
                Member("response", .text(Self.whole(record.response))),
                Member("tool_calls", .text(String(decoding: record.toolCalls, as: UTF8.self))),
                Member("class", .text(record.failureClass)), Member("error", .text(record.error)),
                Member("cost_usd", JSONTree(record.cost.map(Money.dollars))),
                Member("completion_tokens", .integer(record.completionTokens)),
                Member("latency_ms", .integer(record.milliseconds)),
            ])
        }
        return .object([
            Member("id", .text(id)), Member("sample", .integer(Int(sample))), Member("change", .text(change.rawValue)),
            Member("a", side(a)), Member("b", side(b)),
        ])
    }

    private static func whole(_ json: [UInt8]) -> String {
        json.count < 2 ? "" : String(decoding: JSONString.unescape(json.dropFirst().dropLast()), as: UTF8.self)
    }
}
