package import Basics
package import SegmentStore

/// The kind of run that wrote the store's mark last, kept in a note of the store. If it was a run through batches, the
/// batch journal states the uncertain part exactly, and the rest of the mark was reserved for requests that have
/// records. In other stores the whole mark counts.
package enum MarkOwner: String {
    case batches, requests

    private static let note = "mark_of"

    package static func of(_ store: RecordStore) -> MarkOwner? {
        store.manifest.notes?[note].flatMap(MarkOwner.init)
    }

    /// Durable when it returns. Call it before the mark is written.
    package func take(_ store: RecordStore) throws(RetortError) {
        // Most stores never have a batch and need no note.
        guard self == .batches || Self.of(store) == .batches else { return }
        try store.note(Self.note, rawValue)
    }
}
