package import Basics
import Dataset
package import SegmentStore

/// The stores to export: one, or those of a stage's generations one after another.
package struct ExportedStores {
    package let readers: [StoreReader]

    package init(_ reader: StoreReader) { readers = [reader] }

    /// - Parameter operand: a store, or `OUT/NAME` of a stage with generations.
    package init(_ operand: String, takesAll: Bool) throws(RetortError) {
        let generations = try PipelineLayout.generations(of: operand)
        if takesAll, generations == nil {
            throw RetortError(
                .usage, "--generations is of a repeated stage", at: operand,
                remedy: "Name OUT/NAME of a stage with `repeat:`, or leave --generations out.")
        }
        let stores = generations ?? [operand]
        var readers: [StoreReader] = []
        for store in takesAll ? stores : stores.suffix(1) {
            readers.append(try StoreReader(store, options: StoreAccess.options))
        }
        self.readers = readers
    }

    /// The last one.
    package var newest: StoreReader { readers[readers.count - 1] }

    package func forEachAnswer(
        onDamage: (Damage) -> Void, _ body: (StoredRecord) throws(RetortError) -> Void
    ) throws(RetortError) {
        for reader in readers { try reader.forEach(.responses, onDamage: onDamage, body) }
    }
}
