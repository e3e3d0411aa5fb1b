import Basics
import CommandLine
import Filtering
import ModelAPI
import PromptSource
import SegmentStore
import StageSource

/// Whether every row that a stage should have met has one outcome there.
struct ChainProof {
    let stage: String
    let from: String
    /// Records of the source that are rows of the stage.
    private(set) var rows = 0
    private(set) var done = 0
    private(set) var failed = 0
    /// Outcomes of the stage whose row is none of the source any more.
    private(set) var others = 0

    /// Rows that have not reached the stage yet.
    var pending: Int { rows - done - failed }

    /// Reads the source once, and the keys of the stage's records. Throws what keeps a store from being read.
    init(_ stage: PipelineLayout.Stage, from: String, in layout: PipelineLayout) throws(RetortError) {
        (self.stage, self.from) = (stage.name, from)
        let own = try StoreReader(layout.path(of: stage.name), options: StoreAccess.options)
        var selection = SourceSelection.answers
        if !stage.condition.isEmpty {
            let condition = try WhereClause(stage.condition, fields: SourceSelection.fields + [from])
            selection = SourceSelection(
                condition, of: from, classesLeftOut: [FailureClass.badInput.rawValue])
        }
        let source = try StoreRows(layout.path(of: from), selection, options: StoreAccess.options)
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
    }

    var line: String {
        var text =
            "\(stage): \(Human.count(rows)) items of \(from)'s records = \(Human.count(done)) done + "
            + "\(Human.count(failed)) failed + \(Human.count(pending)) pending"
        if others > 0 { text += "; \(StoreSummary.plural(others, "outcome")) of records that \(from) no longer has" }
        return text
    }

    var json: String {
        var object = JSONLine()
        object.text("stage", stage)
        object.text("from", from)
        for (name, count) in [
            ("rows", rows), ("done", done), ("failed", failed), ("pending", pending), ("others", others),
        ] { object.member(name, String(count)) }
        return String(decoding: object.finished, as: UTF8.self)
    }
}

extension PipelineLayout {
    /// The proof of each stage that reads from another one and has begun.
    func chain() throws(RetortError) -> [ChainProof] {
        var proofs: [ChainProof] = []
        for stage in stages {
            guard let from = stage.from, RunInput.isStore(path(of: stage.name)), RunInput.isStore(path(of: from)) else {
                continue
            }
            proofs.append(try ChainProof(stage, from: from, in: self))
        }
        return proofs
    }
}
