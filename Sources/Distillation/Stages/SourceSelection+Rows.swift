package import Basics
import Dataset
import JSONText
import Reporting
import SegmentStore
package import StageSource

extension SourceSelection {
    /// Opens the store, or the stores that together form a row. Throws `.usage` if verdicts are wanted and the verifier
    /// is ambiguous.
    package func rows(
        of root: String, from position: SourcePosition, watch: SourceWatch? = nil, watches: [String: SourceWatch] = [:]
    ) throws(RetortError) -> any SourceRows {
        if let join {
            return try JoinedRows(self, join, options: StoreAccess.options, watches: watches)
        }
        let rows = try StoreRows(root, self, from: position, options: StoreAccess.options, watch: watch)
        guard wantsVerdicts, let manifest = try RecordStore.manifest(of: root) else { return rows }
        // Without verdicts nothing is looked up: the row may have fields with these names.
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
