package import Basics
import Dataset
package import SegmentStore

/// Reads records of a store that a run writes: by a snapshot that is replaced when a record is newer. One thread.
package struct RecordFetcher {
    package let root: String
    private var reader: StoreReader?

    package init(_ root: String) { self.root = root }

    /// The record that counts for an outcome's key; nil when there is none.
    package mutating func record(_ hash: Hash128) throws(RetortError) -> StoredRecord? {
        if let reader, let entry = try? reader.lookup(hash), let record = try? reader.record(entry) { return record }
        let fresh = try renewed()
        guard let entry = try fresh.lookup(hash) else { return nil }
        return try fresh.record(entry)
    }

    /// The same where the entry is known. A segment that has been begun since the reader was opened is found; what is in
    /// a journal only is not.
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
