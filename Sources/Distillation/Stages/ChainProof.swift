package import Basics
import CommandLine
package import Dataset
import Filtering
import JobFiles
import ModelAPI
import PromptSource
import SegmentStore
import StageSource

/// Whether every row that a stage should have received has one outcome there.
package struct ChainProof {
    package let stage: String
    package let from: String
    /// All stages whose records form its rows.
    package let sources: [String]
    /// Records of the source that are rows of the stage.
    package private(set) var rows = 0
    package private(set) var done = 0
    package private(set) var failed = 0
    /// Outcomes of the stage whose row the source no longer has.
    package private(set) var others = 0
    /// For a judge: verdicts that are not yet in the judged store.
    package private(set) var verdictsMissing: Int?

    /// Rows that have not reached the stage.
    package var pending: Int { rows - done - failed }

    /// Reads the source once, and the keys of the stage's records. Throws if a store cannot be read.
    package init(_ stage: PipelineLayout.Stage, from: String, in layout: PipelineLayout) throws(RetortError) {
        (self.stage, self.from, sources) = (stage.name, from, stage.sources?.names ?? [from])
        let own = try StoreReader(layout.path(of: stage.name), options: StoreAccess.options)
        let source = try Self.rows(stage, from: from, in: layout)
        let samples = own.manifest.samples
        while let row = try source.next() {
            for sample in 0..<UInt32(samples) {
                rows += 1
                switch try own.lookup(RecordKey(id: row.id ?? [], sample: sample))?.recordStatus {
                case nil: break
                case .ok: done += 1
                default: failed += 1
                }
            }
        }
        others = max(0, Int(clamping: own.counters.done + own.counters.failed) - done - failed)
        guard let judged = stage.judged, StoreAccess.isStore(layout.path(of: judged)) else { return }
        verdictsMissing = try VerdictDelivery.missing(
            stage.name, at: own.root, JudgeRule(passAt: stage.passAt),
            in: try StoreReader(layout.path(of: judged), options: StoreAccess.options))
    }

    /// The rows that the stage should receive.
    private static func rows(
        _ stage: PipelineLayout.Stage, from: String, in layout: PipelineLayout
    ) throws(RetortError) -> any SourceRows {
        let names = stage.sources?.names ?? [JobStage.family(of: from)]
        let condition =
            stage.condition.isEmpty
            ? nil : try WhereClause(stage.condition, fields: SourceSelection.fields + names)
        var selection = SourceSelection.answers
        if let sources = stage.sources {
            selection = sources.selection(where: condition, in: layout.root, of: layout.origins)
        } else if let condition {
            selection = SourceSelection(
                condition, of: JobStage.family(of: from), classesLeftOut: [FailureClass.badInput.rawValue])
            selection.wantsVerdicts = selection.asksForVerdicts
        }
        selection.generation = stage.generation
        return try selection.rows(of: layout.path(of: from), from: .start)
    }

    package var line: String {
        let names = sources.joined(separator: "'s and ")
        var text =
            "\(stage): \(Human.count(rows)) items of \(names)'s records = \(Human.count(done)) done + "
            + "\(Human.count(failed)) failed + \(Human.count(pending)) pending"
        if others > 0 { text += "; \(Human.plural(others, "outcome")) of records that \(from) no longer has" }
        if let count = verdictsMissing, count > 0 {
            text += "; \(Human.plural(count, "verdict")) that the next run brings"
        }
        return text
    }

    package var json: String {
        var object = JSONLine()
        object.text("stage", stage)
        object.text("from", from)
        for (name, count) in [
            ("rows", rows), ("done", done), ("failed", failed), ("pending", pending), ("others", others),
        ] { object.member(name, String(count)) }
        if let verdictsMissing { object.member("verdicts_missing", String(verdictsMissing)) }
        return String(decoding: object.finished, as: UTF8.self)
    }
}

extension PipelineLayout {
    /// The proof of each stage that has begun and reads from another one.
    package func chain() throws(RetortError) -> [ChainProof] {
        var proofs: [ChainProof] = []
        for stage in stages {
            guard let from = stage.from, StoreAccess.isStore(path(of: stage.name)),
                (stage.sources?.names ?? [from]).allSatisfy({ StoreAccess.isStore(path(of: $0)) })
            else { continue }
            proofs.append(try ChainProof(stage, from: from, in: self))
        }
        return proofs
    }
}
