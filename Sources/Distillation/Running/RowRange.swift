package import Basics
package import PromptSource
import SegmentStore
package import StageSource

/// The rows of an input that a run takes: all, or a range.
package struct RowRange: Sendable, Hashable {
    /// The first row, and the first one after the range; nil: to the end.
    package private(set) var start: UInt64 = 0
    package private(set) var end: UInt64?
    /// If the input is a store: which of its records are rows.
    package var selection = SourceSelection.answers

    /// Individual rows, in order; empty: all of the range.
    package var picked: [UInt64] = [] {
        didSet {
            guard let first = picked.first, let last = picked.last else { return }
            (start, end) = (first, last + 1)
        }
    }

    package init(skip: Int? = nil, limit: Int? = nil) {
        start = UInt64(max(0, skip ?? 0))
        end = limit.map { start + UInt64(max(0, $0)) }
    }

    /// Whether the range covers all rows.
    package var isWhole: Bool { start == 0 && end == nil }

    fileprivate func takes(_ row: UInt64) -> Bool { row >= start && (picked.isEmpty || picked.contains(row)) }

    /// How many of `rows` rows are taken.
    package func count(of rows: UInt64) -> UInt64 {
        if !picked.isEmpty { return UInt64(picked.count { $0 < rows }) }
        let end = min(end ?? .max, rows)
        return end > start ? end - start : 0
    }
}

/// Reads the rows of a range, from files or from a store.
package final class RangedRows {
    private let input: InputSet
    private let range: RowRange
    private var files: RowReader
    /// The records of a store; nil before the first is read, and for files.
    private var records: (any SourceRows)?
    private let position: SourcePosition
    private let watch: SourceWatch?
    private let watches: [String: SourceWatch]
    /// Whether the end of the input was reached, not only that of the range.
    package private(set) var isAtEnd = false

    /// - Parameters:
    ///   - position: where reading begins in a store.
    ///   - watch: says when a store being written gets no more records; nil: only its current records are read.
    ///   - watches: those of all joined stores, by name.
    package init(
        _ input: InputSet, from landmark: Landmark = .start, _ range: RowRange = RowRange(),
        position: SourcePosition = .start, watch: SourceWatch? = nil, watches: [String: SourceWatch] = [:]
    ) {
        self.watches = watches
        self.input = input
        self.range = range
        self.position = position
        self.watch = watch
        files = RowReader(input, from: landmark)
    }

    /// The landmark of the next row. For a store it contains only the number of rows before it.
    package var landmark: Landmark {
        guard input.isStore else { return files.landmark }
        return Landmark(file: 0, byteOffset: 0, line: 1, row: records?.rows ?? position.rows)
    }

    /// Rows of the range that were read.
    package var rows: UInt64 { range.count(of: landmark.row) }

    /// Whether the next row may take long to arrive.
    package var mayWait: Bool { input.isStore ? watch != nil && records?.hasNext != true : !input.isRepeatable }

    /// The position before the last returned row, if the input is a store and one was passed since the last call.
    package func takePassed() -> SourcePosition? { records?.takePassed() }

    /// Whether parts of the store cannot be read.
    package var isDamaged: Bool { records?.isDamaged ?? false }

    /// The next row; nil at the end of the range.
    package func next() throws(RetortError) -> Row? {
        while range.end.map({ landmark.row < $0 }) ?? true {
            guard let row = try read() else {
                isAtEnd = watch?.isCancelled != true
                return nil
            }
            if range.takes(landmark.row - 1) { return row }
        }
        return nil
    }

    /// In a matrix without left-out rows, rows before the next picked one are skipped at no cost.
    private func passRows() {
        guard input.rowCount != nil, let next = range.picked.first(where: { $0 >= landmark.row }), next > landmark.row
        else {
            return
        }
        files = RowReader(input, from: Landmark(file: 0, byteOffset: next, line: next + 1, row: next))
    }

    private func read() throws(RetortError) -> Row? {
        guard input.isStore else {
            passRows()
            return try files.next()
        }
        if records == nil {
            records = try range.selection.rows(
                of: input.files[0].path, from: position, watch: watch, watches: watches)
        }
        return try records?.next()
    }
}
