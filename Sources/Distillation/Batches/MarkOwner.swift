package import Basics
package import SegmentStore

/// Whose the store's mark is: a note of the store says it. Where batches have written it last, the journal of batches says
/// exactly what of it is uncertain, and what is above that was set aside for requests that have their records. Otherwise it
/// counts as it is.
package enum MarkOwner: String {
    case batches, requests

    private static let note = "mark_of"

    package static func of(_ store: RecordStore) -> MarkOwner? {
        store.manifest.notes?[note].flatMap(MarkOwner.init)
    }

    /// Durable when it returns. Call it before the mark is written.
    package func take(_ store: RecordStore) throws(RetortError) {
        // Most stores never see a batch, and need no note.
        guard self == .batches || Self.of(store) == .batches else { return }
        try store.note(Self.note, rawValue)
    }
}
