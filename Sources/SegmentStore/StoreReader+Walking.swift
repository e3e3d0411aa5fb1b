public import Basics

/// What a store throws: a code, what is wrong, where, why, and what to do next.
public typealias StoreError = RetortError

extension StoreReader {
    /// Goes through the records of a lane that count, in the order of writing, until `body` gives false. What `body` throws ends
    /// it and is thrown as it is; the reader can be used further.
    ///
    /// Throws `StoreError` for what cannot be read. Damaged blocks are skipped; `forEach` tells of them.
    public func walk(_ lane: Lane, _ body: (StoredRecord) throws -> Bool) throws {
        var thrown: (any Error)?
        var isOver = false
        do throws(RetortError) {
            try forEach(lane) { record throws(RetortError) in
                do { isOver = try !body(record) } catch {
                    thrown = error
                    isOver = true
                }
                if isOver { throw RetortError(.interrupted, "the walk is over") }
            }
        } catch {
            if let thrown { throw thrown }
            if !isOver { throw error }
        }
    }
}
