package import Basics
import CommandLine
import Dataset
import Filtering
import ModelAPI
package import PromptSource
import SegmentStore
import StageSource

/// The input of a run: files, or a store whose records are the rows.
package enum RunInput {
    /// Throws as `InputSet.resolve` does, and `.usage` for a store together with other inputs.
    package static func resolve(_ settings: RunSettings) throws(RetortError) -> InputSet {
        if let matrix = settings.matrix { return InputSet(matrix.matrix, name: matrix.name) }
        for operand in settings.inputs where StoreAccess.isStore(operand) {
            guard settings.inputs.count == 1 else {
                throw RetortError(
                    .usage, "a store is named together with other inputs", at: operand,
                    remedy: "Give a store alone. `retort merge` makes one store of several.")
            }
            return try InputSet(files: [store(operand, settings)])
        }
        if let verifier = settings.rows.selection.verifier {
            throw RetortError(
                .usage, "--verdict-by \(verifier) needs a store as the input", at: settings.inputs.first,
                remedy: "Name the directory of a run whose answers were judged.")
        }
        if let condition = settings.rows.selection.condition {
            throw RetortError(
                .usage, "--where \(condition.text) needs a store as the input", at: settings.inputs.first,
                remedy: "Name the directory of a run, whose records it is to choose.")
        }
        if settings.continues {
            throw RetortError(
                .configuration, "--continue needs a store as the input", at: settings.inputs.first,
                remedy: "Name the directory of a run, whose answers are to be continued.")
        }
        return try InputSet.resolve(settings.inputs, format: settings.format)
    }

    private static func store(_ root: String, _ settings: RunSettings) throws(RetortError) -> InputFile {
        guard let manifest = try RecordStore.manifest(of: root) else {
            throw RetortError(.inputMissing, "no such store", at: root)
        }
        if settings.shard != nil || !settings.siblings.isEmpty {
            throw RetortError(
                .usage, "--shard and --siblings divide files, and the input is a store", at: root,
                remedy: "Give each shard's store to a run of its own, or `retort export` the store to a file first.")
        }
        if settings.format != nil {
            throw RetortError(
                .usage, "--format says how files are read, and the input is a store", at: root,
                remedy: "Leave --format out.")
        }
        if try RecordStore.manifest(of: settings.out)?.store == manifest.store {
            throw RetortError(
                .usage, "the input is the store that --out names", at: root,
                remedy: "Give --out another directory. `retort retry` sends a store's failures again.")
        }
        var text = "store \(manifest.store) \(manifest.revision ?? 0) \(settings.rows.selection.text)"
        for source in settings.rows.selection.join?.sources ?? [] {
            guard let other = try RecordStore.manifest(of: source.root) else {
                throw RetortError(.inputMissing, "no such store", at: source.root)
            }
            text += " \(other.store) \(other.revision ?? 0)"
        }
        return .store(root, identity: Array(text.utf8).withUnsafeBytes { ContentHash.hash128($0) })
    }
}

extension RowRange {
    /// The current number of rows in a store, without reading it; nil if that is unknown.
    package func total(of input: InputSet) -> UInt64? {
        guard selection.condition == nil, selection.join == nil, let file = input.files.first,
            let store = try? StoreReader(file.path, options: StoreAccess.options)
        else {
            return nil
        }
        let counters = store.counters
        var rows: UInt64 = 0
        for lane in selection.lanes {
            guard lane == .failures else {
                rows += counters.done
                continue
            }
            for (number, count) in counters.failedByClass.enumerated() {
                let name = store.failureClasses.name(UInt8(clamping: number))
                if !selection.classesLeftOut.contains(name) { rows += count }
            }
        }
        return self.count(of: rows)
    }
}
