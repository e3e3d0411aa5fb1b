import Basics
import PromptSource
import RunTestSupport
import SegmentStore
import StageSource
import Testing

@testable import Dataset
@testable import Distillation

/// Which rows of an input a run takes, and which are held back until one can be sent.
@Suite struct InputRangeTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func taken(_ range: RowRange, of count: Int) throws -> (ids: [Int], rows: RangedRows) {
        let text = (0..<count).map { #"{"id":"\#($0)","prompt":"x"}"# + "\n" }.joined()
        let input = try InputSet.resolve([try folder.write("in.jsonl", text)], format: nil)
        let rows = RangedRows(input, range)
        var numbers: [Int] = []
        while let row = try rows.next() { numbers.append(Int(row.number)) }
        return (numbers, rows)
    }

    @Test(
        arguments: [
            (nil, nil, 0..<6), (2, nil, 2..<6), (nil, 3, 0..<3), (2, 3, 2..<5), (5, 9, 5..<6), (6, 1, 6..<6),
            (9, nil, 6..<6),
        ] as [(Int?, Int?, Range<Int>)])
    func skipAndLimitTakeAPart(skip: Int?, limit: Int?, expected: Range<Int>) throws {
        let range = RowRange(skip: skip, limit: limit)
        let (ids, rows) = try taken(range, of: 6)
        #expect(ids == Array(expected))
        #expect(rows.rows == UInt64(expected.count) && range.count(of: 6) == UInt64(expected.count))
        #expect(range.isWhole == (skip == nil && limit == nil))
        // Reaching the limit does not show where the input ends.
        #expect(rows.isAtEnd == (limit == nil || (skip ?? 0) + limit! > 6))
    }

    @Test func rowsThatWerePickedAreTakenInOrder() throws {
        var range = RowRange()
        range.picked = [1, 4]
        let (ids, rows) = try taken(range, of: 6)
        #expect(ids == [1, 4] && rows.rows == 2 && !range.isWhole)
        #expect(range.count(of: 3) == 1)
    }

    // MARK: Rows of a stream

    private func row(_ number: UInt64, _ text: String) -> Row {
        Row(number: number, file: 0, line: number + 1, byteOffset: 0, content: .json(Array(text.utf8)))
    }

    private func parser() throws -> PromptParser {
        PromptParser(try InputSet.resolve([try folder.write("stream.jsonl", "")], format: nil))
    }

    private let bad = RetortError(.badInput, "no prompt", at: "standard input:1")

    @Test func badRowsAreHeldUntilOneCanBeSent() throws {
        var gate = BadRowGate(isOpen: false)
        for number in 0..<3 { #expect(try gate.take([], bad, row(UInt64(number), "{}"), try parser()).isEmpty) }
        #expect(gate.isHolding)
        #expect(gate.open().count == 3)
        #expect(!gate.isHolding)
        // From then on each is recorded at once.
        #expect(try gate.take([], bad, row(3, "{}"), try parser()).count == 1)
        #expect(try gate.end().isEmpty)
    }

    @Test func aStreamOfWhichNoRowCanBeSentIsRefused() throws {
        var gate = BadRowGate(isOpen: false)
        for number in 0..<UInt64(RowTrial.rowsMax - 1) {
            #expect(try gate.take([], bad, row(number, "{}"), try parser()).isEmpty)
        }
        let last = row(UInt64(RowTrial.rowsMax), "{}")
        #expect(throws: RetortError.self) { _ = try gate.take([], bad, last, try parser()) }
    }

    @Test func rowsThatAreBadForSeveralReasonsAreNoMistakeInAll() throws {
        var gate = BadRowGate(isOpen: false)
        _ = try gate.take([], bad, row(0, "{}"), try parser())
        _ = try gate.take([], RetortError(.badInput, "messages is empty"), row(1, "{}"), try parser())
        #expect(try gate.end().count == 2)
    }

    // MARK: Rows on disk

    @Test func manyRowsAreReadFromOneSnapshot() throws {
        let plant = try Plant(in: folder)
        let input = try plant.input((0..<50).map { #"{"id":"q\#($0)","prompt":"x"}"# + "\n" }.joined())
        let planner = RowPlanner(
            plant.settings, input: input, store: plant.store, issued: plant.issued, codec: plant.codec,
            standing: try InputStanding.begin(input, plant.store))
        let reader = RowReader(input)
        func answerNext(_ count: Int) throws {
            for _ in 0..<count {
                guard let row = try reader.next(), case .items(let items) = try planner.plan(row) else { return }
                try plant.answer(items)
            }
        }
        try answerNext(40)
        var opened = 0
        let rows = RecordedRows(plant.store) { (store) throws(RetortError) in
            opened += 1
            return try StoreReader(store.root, options: StoreAccess.options)
        }
        for number in 0..<40 { #expect(try rows.row(of: RecordKey("q\(number)")) == UInt64(number)) }
        #expect(opened == 1)
        // A record newer than the snapshot is found with a new one.
        try answerNext(10)
        #expect(try rows.row(of: RecordKey("q45")) == 45 && rows.row(of: RecordKey("q49")) == 49)
        #expect(opened == 2)
        try plant.store.close()
    }
}
