import Basics
import CommandLine
package import Dataset
import JSONText

extension ComparedCounts {
    /// A table for display.
    package func lines(_ roots: [String]) -> [String] {
        var rows: [[String]] = []
        func add(_ name: String, _ count: Int, _ more: String = "") {
            if count > 0 { rows.append([name, Human.count(count), more]) }
        }
        rows.append(["same", Human.count(same)])
        add("answer changed", changed, "\(Human.count(changedOfSameRequest)) of them for the same request")
        add("judged otherwise", judgedOtherwise, "same answers")
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
        lines += StatusComparison.aligned([["mean of \(Human.count(bothAnswered)) answers", "A", "B"]] + means)
        if !verdicts.isEmpty { lines += [""] + StatusComparison.aligned([Self.verdictHead] + verdictRows) }
        return lines
    }

    /// Names of the columns of `verdictRows`.
    private static let verdictHead = [
        "verifier", "judged", "passed A", "passed B", "gained", "lost", "score A", "score B",
    ]

    private var verdictRows: [[String]] {
        verdicts.sorted { $0.key < $1.key }.map { name, counts in
            func score(_ sum: Double) -> String { Quantity.trimmed(sum / Double(max(1, counts.judged)), 3) }
            return [
                CellWidth.sanitized(name), Human.count(counts.judged), Human.count(counts.passedA),
                Human.count(counts.passedB), Human.count(counts.gained), Human.count(counts.lost),
                score(counts.scoresA), score(counts.scoresB),
            ]
        }
    }

    /// Means over the rows that both have answered: label, A, B.
    package var means: [[String]] {
        func mean(_ sum: Int) -> Double { bothAnswered > 0 ? Double(sum) / Double(bothAnswered) : 0 }
        var table: [[String]] = []
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
        return table
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
            Member("verdict", .integer(judgedOtherwise)),
            Member("verifiers", .object(verdicts.sorted { $0.key < $1.key }.map { Member($0.key, $0.value.tree) })),
            Member("both_answered", .integer(bothAnswered)), Member("sums_a", means(sumsA)),
            Member("sums_b", means(sumsB)),
        ])
    }
}

extension ComparedCounts.Verdicts {
    fileprivate var tree: JSONTree {
        typealias Member = JSONTree.Member
        return .object([
            Member("judged", .integer(judged)), Member("passed_a", .integer(passedA)),
            Member("passed_b", .integer(passedB)), Member("gained", .integer(gained)), Member("lost", .integer(lost)),
            Member("score_sum_a", .real(scoresA)), Member("score_sum_b", .real(scoresB)),
        ])
    }
}

extension ComparedRecord {
    private static let callBytesMax = 4096

    fileprivate mutating func shorten() {
        var text: [UInt8] = []
        JSONString.append(Excerpt.answer(response[...]), to: &text)
        (response, toolCalls) = (text, Array(toolCalls.prefix(Self.callBytesMax)))
        for name in verdicts.keys {
            verdicts[name]?.details = []
            verdicts[name]?.feedback = ""
        }
    }

    /// `tests: passed 0.9`, for each verifier.
    package var verdictTexts: [String] {
        verdicts.sorted { $0.key < $1.key }.map { name, verdict in
            "\(CellWidth.sanitized(name)): \(verdict.pass ? "passed" : "rejected") \(Quantity.trimmed(verdict.score, 3))"
        }
    }
}

extension ComparedRow {
    private static let scalarsMax = 200

    /// The row with its answers truncated to what is shown.
    package var shortened: ComparedRow {
        var row = self
        row.a?.shorten()
        row.b?.shorten()
        return row
    }

    /// Lines for display: what A says, what B says.
    package var lines: [String] {
        ["", "\(CellWidth.sanitized(name)): \(words)"]
            + [("A", a), ("B", b)].compactMap { side, record in record.map { "  \(side)  \(Self.text($0))" } }
    }

    package var name: String { sample == 0 ? id : "\(id) (sample \(sample))" }

    package var words: String {
        switch change {
        case .answer: "the answer changed"
        case .verdict: "the same answer is judged otherwise"
        case .failed: "failed in B only"
        case .answered: "failed in A only"
        case .failure: "failed otherwise"
        case .onlyA: "only in A"
        case .onlyB: "only in B"
        }
    }

    private static func text(_ record: ComparedRecord) -> String {
        guard record.isAnswered else { return CellWidth.sanitized("\(record.failureClass): \(record.error)") }
        let verdicts = record.verdicts.isEmpty ? "" : "[\(record.verdictTexts.joined(separator: ", "))] "
        let text = verdicts + Excerpt.answer(record.response[...])
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
                Member(
                    "verdicts",
                    .object(
                        record.verdicts.sorted { $0.key < $1.key }.map { name, verdict in
                            Member(
                                name,
                                .object([
                                    Member("pass", .boolean(verdict.pass)), Member("score", .real(verdict.score)),
                                ]))
                        })),
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
