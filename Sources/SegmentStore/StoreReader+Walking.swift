public import Basics

/// The error that a store throws: a code, what is wrong, where, why, and what to do next.
public typealias StoreError = RetortError

extension StoreReader {
    /// Passes a lane's valid records to `body` in the order of writing, until it returns false. An error of `body` ends
    /// the walk and is rethrown; the reader remains usable.
    ///
    /// Throws `StoreError` for unreadable data. Damaged blocks are skipped; `forEach` reports them.
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
