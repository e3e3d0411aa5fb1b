package import Basics
import Dataset
import JSONText
package import SegmentStore

/// Writes pairs of answers to one prompt, one of which is preferred: of each item the best and the worst answer by a
/// verifier's verdicts, if they differ.
package struct PreferenceExporter {
    package let filter: ExportFilter
    package let selection: ExportSelection
    package let renderer: ExportRenderer
    package let output: OutputFile

    package init(filter: ExportFilter, selection: ExportSelection, renderer: ExportRenderer, output: OutputFile) {
        self.filter = filter
        self.selection = selection
        self.renderer = renderer
        self.output = output
    }

    package struct Report {
        package var written = 0
        /// Items with one answer, or with equally good answers.
        package var undecided = 0
        /// Answers without a verdict.
        package var unjudged = 0
        package var leftOut: [LeftOut: Int] = [:]
        package var damage: [Damage] = []
    }

    /// Orders answers: a pass is better than any rejection.
    private struct Rank: Comparable {
        var pass: Bool
        var score: Double

        static func < (a: Rank, b: Rank) -> Bool { a.pass != b.pass ? b.pass : a.score < b.score }
    }

    private struct Extremes {
        var best: (sample: UInt32, rank: Rank)
        var worst: (sample: UInt32, rank: Rank)
    }

    /// Memory grows with the number of items. The pairs are in the order of the items' first answers.
    package func run(_ reader: StoreReader) throws(RetortError) -> Report {
        var report = Report()
        var extremes: [Hash128: Extremes] = [:]
        var order: [[UInt8]] = []
        let parser = JSONParser()
        var damage: [Damage] = []
        func note(_ found: Damage) { damage.append(found) }
        try reader.forEach(.responses, onDamage: note) { record throws(RetortError) in
            guard let root = try? parser.parse(record.line).root else { return }
            let exported = ExportedRecord(root)
            do throws(LeftOut) { try filter.check(exported) } catch {
                report.leftOut[error, default: 0] += 1
                return
            }
            guard let verdict = try selection.verdict(exported.view, record.head.key) else {
                report.unjudged += 1
                return
            }
            let key = record.head.key
            let rank = Rank(pass: verdict.pass, score: verdict.score)
            let item = RecordKey(id: key.id).hash
            guard var known = extremes[item] else {
                extremes[item] = Extremes(best: (key.sample, rank), worst: (key.sample, rank))
                order.append(key.id)
                return
            }
            if (rank, known.best.sample) > (known.best.rank, key.sample) { known.best = (key.sample, rank) }
            if (rank, known.worst.sample) < (known.worst.rank, key.sample) { known.worst = (key.sample, rank) }
            extremes[item] = known
        }
        report.damage = damage
        for id in order {
            guard let pair = extremes[RecordKey(id: id).hash] else { continue }
            guard pair.worst.rank < pair.best.rank else {
                report.undecided += 1
                continue
            }
            try write(id, pair, reader, &report)
        }
        try output.finish()
        return report
    }

    private func write(
        _ id: [UInt8], _ pair: Extremes, _ reader: StoreReader, _ report: inout Report
    ) throws(RetortError) {
        guard let best = try reader.record(RecordKey(id: id, sample: pair.best.sample)),
            let worst = try reader.record(RecordKey(id: id, sample: pair.worst.sample)),
            let chosen = try? renderer.parser.parse(best.line).root,
            let rejected = try? renderer.parser.parse(worst.line).root
        else { return }
        let line: [UInt8]
        do throws(LeftOut) { line = try renderer.pair(ExportedRecord(chosen), ExportedRecord(rejected)) } catch {
            report.leftOut[error, default: 0] += 1
            return
        }
        var clean: [UInt8] = []
        JSONString.appendReplacingLoneSurrogates(line[...], to: &clean)
        try output.line(clean)
        report.written += 1
    }
}

extension ExportRenderer {
    /// TRL's conversational pairs, or the lines of OpenAI's preference fine-tuning
    /// (https://platform.openai.com/docs/guides/direct-preference-optimization). Throws the reason why there is no
    /// line.
    package func pair(_ chosen: ExportedRecord, _ rejected: ExportedRecord) throws(LeftOut) -> [UInt8] {
        guard chosen.response.count > 2, rejected.response.count > 2 else { throw .unanswered }
        var prompt = JSONList()
        for turn in try chosen.turns(with: parser) {
            guard turn.exact.isEmpty else { throw .notText }
            guard turn.calls == nil else { throw .toolCalls }
            prompt.append(Self.turn(turn.role, turn.text)[...])
        }
        func answer(_ record: ExportedRecord) -> [UInt8] {
            var list = JSONList()
            list.append(Self.turn("assistant", output(record))[...])
            return list.finished
        }
        var line = JSONLine()
        if withIDs { line.member("id", chosen.id) }
        switch target {
        case .trl:
            line.member("prompt", prompt.finished)
            line.member("chosen", answer(chosen))
            line.member("rejected", answer(rejected))
        case .openai:
            var input = JSONLine()
            input.member("messages", prompt.finished)
            line.member("input", input.finished)
            line.member("preferred_output", answer(chosen))
            line.member("non_preferred_output", answer(rejected))
        }
        return line.finished
    }

    private static func turn(_ role: String, _ content: ArraySlice<UInt8>) -> [UInt8] {
        var turn = JSONLine()
        turn.text("role", role)
        turn.member("content", content)
        return turn.finished
    }
}
