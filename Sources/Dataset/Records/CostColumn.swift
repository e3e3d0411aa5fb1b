package import Basics
import JSONText
package import SegmentStore

/// Keeps one type for `cost_usd` within a store.
///
/// The cost is null if the price is not known. Readers take a column's type from the first records they see (Polars
/// from 100, Arrow from the first megabyte): if all of those are null, a later number is an error. A store that begins
/// with that many unknown costs therefore keeps nulls for good, and later known costs are written to `other`.
package final class CostColumn: Sendable {
    /// Where a record has its cost.
    package enum Form: Hashable { case member, besides }

    /// The state machine: a value.
    package struct State: Sendable, Hashable {
        /// The number of records, and their bytes, from which the strictest reader takes its types.
        package static let recordsMax = 100
        package static let bytesMax = 1 << 20

        package private(set) var hasNumber = false
        private var records = 0
        private var bytes = 0

        package var isOfNulls: Bool { !hasNumber && (records >= Self.recordsMax || bytes >= Self.bytesMax) }

        /// Notes the next record of the store: whether its cost is known, and its size.
        package mutating func form(isKnown: Bool, bytes size: Int) -> Form {
            if hasNumber { return .member }
            if isOfNulls { return .besides }
            hasNumber = isKnown
            records += 1
            bytes += size
            return .member
        }
    }

    private let state: Locked<State>

    package init(_ state: State = State()) { self.state = Locked(state) }

    /// Initialised from the first records of the store at `root`.
    package convenience init(of root: String, options: StoreOptions = StoreAccess.options) throws(RetortError) {
        var state = State()
        let parser = JSONParser()
        let enough = RetortError(.interrupted, "enough records")
        do throws(RetortError) {
            let reader = try StoreReader(root, options: options)
            defer { _ = reader }
            try reader.forEach(.responses) { record throws(RetortError) in
                guard !state.hasNumber, !state.isOfNulls else { throw enough }
                guard let root = try? parser.parse(record.line).root else { return }
                let isNumber = RecordView(root).member(.cost)?.kind == .number
                _ = state.form(isKnown: isNumber, bytes: record.line.count)
            }
        } catch {
            if error != enough { throw error }
        }
        self.init(state)
    }

    /// Where the next record of the store has its cost; `bytes` is its size.
    package func form(of cost: Int?, bytes: Int) -> Form {
        state.withLock { $0.form(isKnown: cost != nil, bytes: bytes) }
    }

    /// Whether known costs go to `other`.
    package var isOfNulls: Bool { state.withLock { $0.isOfNulls } }
}
