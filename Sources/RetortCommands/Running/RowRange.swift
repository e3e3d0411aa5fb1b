import Basics
import PromptSource

/// The rows of an input that a run takes: all of them, or some from the start on.
struct RowRange: Sendable, Hashable {
    /// The first row taken, and the first behind those that are; nil: to the end.
    private(set) var start: UInt64 = 0
    private(set) var end: UInt64?

    init(skip: Int? = nil, limit: Int? = nil) {
        start = UInt64(max(0, skip ?? 0))
        end = limit.map { start + UInt64(max(0, $0)) }
    }

    var isWhole: Bool { start == 0 && end == nil }

    /// How many of `rows` rows are taken.
    func count(of rows: UInt64) -> UInt64 {
        let end = min(end ?? .max, rows)
        return end > start ? end - start : 0
    }
}

/// Reads the rows of a range.
final class RangedRows {
    private let reader: RowReader
    private let range: RowRange
    /// Whether the input's end has been seen, not only the range's.
    private(set) var isAtEnd = false

    init(_ input: InputSet, from landmark: Landmark = .start, _ range: RowRange = RowRange()) {
        reader = RowReader(input, from: landmark)
        self.range = range
    }

    var landmark: Landmark { reader.landmark }

    /// Rows of the range that were read.
    var rows: UInt64 { range.count(of: reader.landmark.row) }

    /// The next row; nil behind the last of the range.
    func next() throws(RetortError) -> Row? {
        while range.end.map({ reader.landmark.row < $0 }) ?? true {
            guard let row = try reader.next() else {
                isAtEnd = true
                return nil
            }
            if row.number >= range.start { return row }
        }
        return nil
    }
}
