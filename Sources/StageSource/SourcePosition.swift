public import SegmentStore

/// How far a store has been read as an input: a position in each lane, and the number of rows before it.
public struct SourcePosition: Sendable, Hashable {
    public var responses: LanePosition
    public var failures: LanePosition
    /// Rows returned before it.
    public var rows: UInt64

    public init(
        responses: LanePosition = .start, failures: LanePosition = .start, rows: UInt64 = 0
    ) {
        self.responses = responses
        self.failures = failures
        self.rows = rows
    }

    public static let start = SourcePosition()

    subscript(lane: Lane) -> LanePosition {
        get { lane == .failures ? failures : responses }
        set { if lane == .failures { failures = newValue } else { responses = newValue } }
    }

    /// Five decimal numbers with spaces between them.
    public var text: String {
        let numbers: [UInt64] = [
            UInt64(responses.segment), UInt64(clamping: responses.offset), UInt64(failures.segment),
            UInt64(clamping: failures.offset), rows,
        ]
        return numbers.map { String($0) }.joined(separator: " ")
    }

    /// Nil for a text that `text` did not produce.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 5 else { return nil }
        let numbers = parts.compactMap { UInt64($0) }
        guard numbers.count == 5, let first = UInt32(exactly: numbers[0]), let second = UInt32(exactly: numbers[2]),
            numbers[1] <= UInt64(StoreLimits.segmentBytesMax), numbers[3] <= UInt64(StoreLimits.segmentBytesMax),
            numbers[4] <= StoreLimits.rowsMax
        else { return nil }
        self.init(
            responses: LanePosition(segment: first, offset: Int(numbers[1])),
            failures: LanePosition(segment: second, offset: Int(numbers[3])), rows: numbers[4])
    }
}
