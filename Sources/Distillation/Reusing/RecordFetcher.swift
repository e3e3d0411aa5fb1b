package import Basics
import Dataset
package import SegmentStore

/// Reads records of a store that a run is writing: from a snapshot that is replaced when a record is newer. One thread.
package struct RecordFetcher {
    package let root: String
    private var reader: StoreReader?

    package init(_ root: String) { self.root = root }

    /// The valid record under an outcome's key; nil if there is none.
    package mutating func record(_ hash: Hash128) throws(RetortError) -> StoredRecord? {
        if let reader, let entry = try? reader.lookup(hash), let record = try? reader.record(entry) { return record }
        let fresh = try renewed()
        guard let entry = try fresh.lookup(hash) else { return nil }
        return try fresh.record(entry)
    }

    /// The record of an index entry. Finds segments begun after the reader was opened, but no record that is only in a
    /// journal.
    package mutating func record(_ entry: IndexEntry) throws(RetortError) -> StoredRecord? {
        if let record = try? reader?.record(entry) { return record }
        return try record(entry.hash)
    }

    private mutating func renewed() throws(RetortError) -> StoreReader {
        reader = nil
        let fresh = try StoreReader(root, options: StoreAccess.options)
        reader = fresh
        return fresh
    }
}
