package import Basics
import Dataset
import JSONText
import ModelAPI
package import PromptSource
package import SegmentStore

/// Compares rows with a store. Nothing is issued or counted.
extension RowPlanner {
    /// The outcomes of a row's items that belong to another request than the current one, and whether one belongs to
    /// it. Rows must be passed in order, so that those without an id get their names.
    package func comparison(
        of row: Row, withoutIDs: Bool
    ) throws(RetortError) -> (changed: [IndexEntry], same: [Hash128]) {
        let understood: Understood
        do throws(RetortError) {
            understood = try understand(row)
        } catch {
            if error.code != .badInput || settings.isStrict && withoutIDs { throw error }
            return ([], [])
        }
        let (prompt, request) = understood
        let id: [UInt8]
        if let own = prompt.explicitID {
            id = own
        } else {
            // Generated ids depend on the prompt; the rest of the request may differ.
            guard withoutIDs else { return ([], []) }
            id = try generatedID(prompt, of: row)
        }
        let fingerprint = scheme.fingerprint(request, settings.builder, with: splitter)
        var (changed, same): ([IndexEntry], [Hash128]) = ([], [])
        for sample in 0..<UInt32(settings.samples) {
            let hash = RecordKey(id: id, sample: sample).hash
            guard let entry = try store.lookup(hash), entry.recordStatus != badInput else { continue }
            let isSame = scheme.matches(entry.fingerprint, fingerprint, request, settings.builder, with: splitter)
            if isSame { same.append(hash) } else { changed.append(entry) }
        }
        if !changed.isEmpty, try isKnownDuplicate(id, row) { return ([], []) }
        return (changed, same)
    }

    /// Whether a row's request differs from the one answered under its id.
    package func hasChanged(_ row: Row) throws(RetortError) -> Bool {
        try !comparison(of: row, withoutIDs: false).changed.isEmpty
    }
}

/// The items of an input whose requests differ from those answered under their ids. If two rows have one id, the row
/// with the answered request decides: the other one is a duplicate, not a change.
package struct ChangedItems {
    /// Maximum items that are remembered; beyond it, duplicates are not detected.
    package static let rememberedMax = 1 << 20

    package private(set) var entries: [Hash128: IndexEntry] = [:]
    /// The first row of each, for a message.
    private var places: [Hash128: String] = [:]
    package private(set) var isFull = false
    package private(set) var count = 0

    package private(set) var firstPlace = ""

    /// Reads the input, twice if there are differences. `overflow` receives items that are too many to remember.
    package init(
        _ input: InputSet, _ range: RowRange, planner: () -> RowPlanner, withoutIDs: Bool,
        overflow: (IndexEntry) throws(RetortError) -> Void
    ) throws(RetortError) {
        let first = planner()
        let rows = RangedRows(input, range)
        while let row = try rows.next() {
            let changed = try first.comparison(of: row, withoutIDs: withoutIDs).changed
            guard !changed.isEmpty else { continue }
            if firstPlace.isEmpty { firstPlace = input.place(of: row) }
            count += 1
            for entry in changed {
                if entries.count < Self.rememberedMax {
                    entries[entry.hash] = entry
                    if places.count < 1000 { places[entry.hash] = input.place(of: row) }
                } else {
                    isFull = true
                    try overflow(entry)
                }
            }
        }
        guard !entries.isEmpty, !isFull else { return }
        let second = planner()
        let again = RangedRows(input, range)
        let before = entries.count
        while let row = try again.next() {
            for hash in try second.comparison(of: row, withoutIDs: withoutIDs).same where entries[hash] != nil {
                entries[hash] = nil
                places[hash] = nil
            }
        }
        guard entries.count < before else { return }
        count = entries.count
        firstPlace = places.values.min() ?? firstPlace
    }
}
