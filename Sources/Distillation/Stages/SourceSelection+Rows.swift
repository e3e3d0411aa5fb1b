package import Basics
import Dataset
import JSONText
import Reporting
import SegmentStore
package import StageSource

extension SourceSelection {
    /// Opens the store, or the stores that make a row together. Throws `.usage` where verdicts are wanted and it does not say
    /// whose.
    package func rows(
        of root: String, from position: SourcePosition, watch: SourceWatch? = nil, watches: [String: SourceWatch] = [:]
    ) throws(RetortError) -> any SourceRows {
        if let join {
            return try JoinedRows(self, join, options: StoreAccess.options, watches: watches)
        }
        let rows = try StoreRows(root, self, from: position, options: StoreAccess.options, watch: watch)
        guard wantsVerdicts, let manifest = try RecordStore.manifest(of: root) else { return rows }
        // Where none has judged, there is nothing to look up: the row may have fields of these names.
        let isNeeded = verifier != nil || StoredVerdicts.verifiers(of: manifest).count > 1
        guard
            let name = try ExportSelection.Wish.verifier(named: verifier, needed: isNeeded, of: manifest, at: root)
        else { return rows }
        let verdicts = try StoredVerdicts(root)
        let parser = JSONParser()
        rows.verdict = { (record: StoredRecord) throws(RetortError) -> RowVerdict? in
            guard let root = try? parser.parse(record.line).root,
                let said = try verdicts.verdict(on: RecordView(root), record.head.key, by: name)
            else { return nil }
            return RowVerdict(pass: said.pass, score: said.score, feedback: said.feedback, details: said.details)
        }
        return rows
    }
}
