package import Basics
import CommandLine
package import Dataset
import JSONText
package import SegmentStore
import Verifiers

/// One answer of an item, with its verdict and what it took.
package struct FolderRound {
    package var response: ArraySlice<UInt8>
    package var verdict: StoredVerdict?
    package var promptTokens = 0
    package var completionTokens = 0
    /// Nanodollars; nil if the price is not known.
    package var cost: Int?
    /// Milliseconds.
    package var latency = 0

    package init(_ view: RecordView, _ verdict: StoredVerdict?) {
        response = view.token(.response)
        self.verdict = verdict
        promptTokens = max(0, view.usage(.prompt))
        completionTokens = max(0, view.usage(.completion))
        cost = view.cost
        latency = min(max(0, view.integer(.latency)), Self.millisecondsMax)
    }

    /// Maximum milliseconds accepted from a record: about thirty years.
    private static let millisecondsMax = 1 << 40

    package var text: String { String(decoding: JSONString.unescape(response.dropFirst().dropLast()), as: UTF8.self) }

    package func report(_ number: Int) -> String {
        var lines = ["round      \(number)"]
        if let verdict {
            lines.append("verdict    \(verdict.pass ? "PASS" : "FAIL"), score \(Human.fixed(verdict.score, 3))")
        } else {
            lines.append("verdict    none")
        }
        lines.append("tokens     \(Human.count(promptTokens)) in, \(Human.count(completionTokens)) out")
        if let cost { lines.append("cost       \(Human.dollars(Double(cost) / 1e9))") }
        lines.append("generated  in \(Quantity.duration(milliseconds: Double(latency)))")
        if let verdict, verdict.latency > 0 {
            lines.append("evaluated  in \(Quantity.duration(milliseconds: Double(verdict.latency)))")
        }
        if let verdict, !verdict.feedback.isEmpty { lines += ["", verdict.feedback] }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// An item with all its rounds, and its folder.
package struct ItemFolder {
    package let key: RecordKey
    /// In the order of the answers; empty if there were none.
    package let rounds: [FolderRound]
    /// Why there is no answer; empty if there is one.
    package let error: String
    package let statement: String
    /// A JSON array of turns, with the last answer.
    package let history: [UInt8]

    package var verdict: StoredVerdict? { error.isEmpty ? rounds.last?.verdict : nil }

    /// `PASS`, `FAIL`, `FAILED` if there is no answer, `-` if there is no verdict.
    package var word: String {
        if !error.isEmpty { return "FAILED" }
        return verdict.map { $0.pass ? "PASS" : "FAIL" } ?? "-"
    }

    /// - Parameter isCode: whether answers without code fences are code.
    package func write(to folder: String, isCode: Bool, _ files: PosixFileSystem) throws(RetortError) {
        try files.createDirectory(folder)
        try Self.write(Array(statement.utf8), "\(folder)/problem_statement.txt", files)
        try Self.write(history + [0x0A], "\(folder)/session_history.json", files)
        if error.isEmpty, let last = rounds.last {
            try Self.write(last, "\(folder)/final_solution", isCode, files)
        } else {
            try Self.write(Array("\(error)\n".utf8), "\(folder)/error.txt", files)
        }
        for (number, round) in rounds.enumerated() {
            let path = "\(folder)/round_\(number)"
            try files.createDirectory(path)
            try Self.write(round, "\(path)/code_iteration", isCode, files)
            try Self.write(Array(round.report(number).utf8), "\(path)/report_iteration.txt", files)
        }
    }

    private static func write(
        _ round: FolderRound, _ path: String, _ isCode: Bool, _ files: PosixFileSystem
    ) throws(RetortError) {
        let text = round.text
        if let code = AnswerCode(in: text, isCode: isCode) {
            try write(Array(code.code.utf8), "\(path).\(code.ending)", files)
        } else {
            try write(Array(text.utf8), "\(path).txt", files)
        }
    }

    package static func write(_ bytes: [UInt8], _ path: String, _ files: PosixFileSystem) throws(RetortError) {
        let file = try files.open(path, .createNew)
        let result: Result<Void, RetortError> = bytes.withUnsafeBytes { bytes in
            do throws(RetortError) { return .success(try file.write(bytes, at: 0)) } catch { return .failure(error) }
        }
        try result.get()
    }
}

/// Assembles an item from the lanes of its store. Used by one thread.
package final class ItemReader {
    private let reader: StoreReader
    private let verdicts: StoredVerdicts
    private let verifier: String?
    private let parser = JSONParser()

    /// Maximum rounds of one item that are read.
    private static let roundsMax = 1000

    /// - Parameter verifier: whose verdicts are shown; nil: none.
    package init(_ root: String, verifier: String?) throws(RetortError) {
        reader = try StoreReader(root, options: StoreAccess.options)
        verdicts = try StoredVerdicts(root)
        self.verifier = verifier
    }

    /// Nil for a record that is not JSON.
    package func item(_ record: StoredRecord) throws(RetortError) -> ItemFolder? {
        guard let root = try? parser.parse(record.line).root else { return nil }
        let view = RecordView(root)
        let key = record.head.key
        let isAnswer = view.isSuccess
        var rounds: [FolderRound] = []
        var sent: [UInt8]?
        if reader.counters.rounds > 0 {
            for number in 1...UInt32(Self.roundsMax) {
                let part = RecordKey(id: key.id, sample: key.sample, part: .round(number))
                guard let stored = try reader.record(part), let root = try? parser.parse(stored.line).root else {
                    break
                }
                // Belongs to an earlier form of the row.
                guard stored.head.fingerprint == record.head.fingerprint else { continue }
                let round = RecordView(root)
                rounds.append(FolderRound(round, try verdict(key, round: number)))
                sent = messages(of: round)
            }
        }
        if isAnswer {
            let verdict = try verifier.flatMap { name throws(RetortError) in
                try verdicts.verdict(on: view, key, by: name)
            }
            // The last round of a judged answer is the answer itself.
            if view.isInRounds, !rounds.isEmpty { rounds.removeLast() } else { sent = nil }
            rounds.append(FolderRound(view, verdict))
        }
        return ItemFolder(
            key: key, rounds: rounds, error: isAnswer ? "" : "\(view.text(.failureClass)): \(view.text(.error))",
            statement: Self.statement(view), history: history(view, sent, rounds.last))
    }

    private func verdict(_ key: RecordKey, round: UInt32) throws(RetortError) -> StoredVerdict? {
        guard let verifier else { return nil }
        let name = RecordCodec.verdictName(verifier, round: round)
        let part = RecordKey(id: key.id, sample: key.sample, part: .verdict(name))
        guard let stored = try reader.record(part) else { return nil }
        return (try? parser.parse(stored.line).root).map { StoredVerdict(RecordView($0)) }
    }

    /// The turns of a round's request, if it has some.
    private func messages(of round: RecordView) -> [UInt8]? {
        guard let body = round.request?.body, let turns = (try? parser.parse(body).root)?["messages"],
            turns.kind == .array
        else { return nil }
        return Array(turns.raw)
    }

    private static func statement(_ view: RecordView) -> String {
        if view.isCompletion { return view.text(.prompt) }
        let turns = view.member(.messages)?.elements ?? []
        return turns.last { $0["role"]?.string == "user" }?["content"]?.string ?? ""
    }

    private func history(_ view: RecordView, _ sent: [UInt8]?, _ last: FolderRound?) -> [UInt8] {
        var turns = JSONList()
        if let asked = sent ?? view.turns.map(Array.init), let list = try? parser.parse(asked).root {
            for turn in list.elements { turns.append(turn.raw) }
        } else if view.isCompletion {
            turns.append(Self.turn("user", view.token(.prompt))[...])
        }
        if let last { turns.append(Self.turn("assistant", last.response)[...]) }
        return turns.finished
    }

    private static func turn(_ role: String, _ content: ArraySlice<UInt8>) -> [UInt8] {
        var turn = JSONLine()
        turn.text("role", role)
        turn.member("content", content)
        return turn.finished
    }
}
