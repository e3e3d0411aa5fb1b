import Basics
import JSONText
import ModelAPI
import PromptSource
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct RowPlannerTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func rows(_ ids: String...) -> String {
        ids.map { #"{"id":"\#($0)","prompt":"ask \#($0)"}"# + "\n" }.joined()
    }

    @Test func everyRowBecomesAnItem() throws {
        let plant = try Plant(in: folder)
        let planned = try plant.plan(#"{"id":"a","prompt":"x","level":3}"# + "\n" + #"{"id":7,"prompt":"y"}"# + "\n")
        #expect(planned.ids == ["a", "7"])
        let context = planned.items[0].context
        #expect(
            String(decoding: context.asked, as: UTF8.self)
                == #""messages":[{"role":"user","content":"x"}],"messages_json":"","prompt":"","suffix":"","tools":"""#)
        #expect(String(decoding: context.metadata, as: UTF8.self) == #"{"level":3}"#)
        #expect(
            context.fingerprint == plant.settings.builder.fingerprint(planned.items[0].request, with: JSONParser()))
        #expect(planned.items.map(\.context.row) == [0, 1])
    }

    @Test func samplesAreKeysOfTheirOwn() throws {
        let plant = try Plant("--samples", "3", in: folder)
        #expect(try plant.plan(rows("a", "b")).keys == ["a", "a#1", "a#2", "b", "b#1", "b#2"])
    }

    @Test func identicalRowsWithoutAnIdAreAllAsked() throws {
        let plant = try Plant(in: folder)
        let row = #"{"prompt":"tea"}"# + "\n"
        let ids = try plant.plan(row + row + #"{"prompt":"milk"}"# + "\n" + row).ids
        #expect(Set(ids).count == 4)
        #expect(ids[1] == ids[0] + "-1" && ids[3] == ids[0] + "-2")
        #expect(ids.allSatisfy { $0.prefix { $0 != "-" }.count == 16 })
    }

    @Test func whatIsOnDiskIsNotPlannedAgain() throws {
        let first = try Plant("--samples", "2", in: folder)
        let text = rows("a", "b", "c")
        let input = try first.input(text)
        let planned = try first.plan(input)
        try first.answer([planned.items[0], planned.items[2], planned.items[3]])
        try first.store.close()

        let second = try Plant("--samples", "2", in: folder)
        let again = try second.plan(try InputSet.resolve(input.files.map(\.path), format: nil))
        #expect(again.keys == ["a#1", "c", "c#1"])
        #expect(again.findings.done == 3)
    }

    @Test func namesOfIdenticalRowsStayTheirOwnAfterAKill() throws {
        let text = String(repeating: #"{"prompt":"tea"}"# + "\n", count: 5)
        let first = try Plant(in: folder)
        let input = try first.input(text)
        let planned = try first.plan(input)
        try first.answer([planned.items[1], planned.items[4]])
        try first.store.close()
        let second = try Plant(in: folder)
        let again = try second.plan(input)
        #expect(Set(again.ids + [planned.ids[1], planned.ids[4]]) == Set(planned.ids))
        #expect(again.items.count == 3)
    }

    @Test func anotherInputIsLookedUpRowByRow() throws {
        let first = try Plant(in: folder)
        let planned = try first.plan(rows("a", "b", "c"))
        try first.answer(Array(planned.items[..<2]))
        try first.fail([planned.items[2]])
        try first.store.close()

        // Also if the run that found the change ended before it had sent a request, however often.
        for _ in 0..<2 {
            let second = try Plant(in: folder)
            let again = try second.plan(try second.input(rows("new", "c", "b", "a"), name: "other.jsonl"))
            #expect(again.ids == ["new"])
            #expect(again.findings == .init(done: 2, failed: 1, new: 1))
            try second.store.close()
        }
    }

    @Test func identicalRowsOfAnotherInputKeepTheirNames() throws {
        let tea = #"{"prompt":"tea"}"# + "\n"
        let first = try Plant(in: folder)
        try first.answer(try first.plan(tea + tea).items)
        try first.store.close()
        let second = try Plant(in: folder)
        let again = try second.plan(try second.input(#"{"prompt":"milk"}"# + "\n" + tea + tea + tea, name: "b.jsonl"))
        #expect(again.items.count == 2)
        #expect(again.findings.done == 2)
        #expect(again.ids[1].hasSuffix("-2"))
    }

    @Test func changedRowsAreCountedAndRecognised() throws {
        let first = try Plant(in: folder)
        try first.answer(try first.plan(rows("a", "b")).items)
        try first.store.close()
        let second = try Plant(in: folder)
        let input = try second.input(#"{"id":"a","prompt":"other"}"# + "\n" + rows("b", "c"), name: "b.jsonl")
        let comparing = second.planner(input, .mixed(isNew: true))
        let reader = RowReader(input)
        var changed: [Bool] = []
        while let row = try reader.next() { changed.append(try comparing.hasChanged(row)) }
        #expect(changed == [true, false, false])
        #expect(comparing.findings == .init())
        let planned = try second.plan(input)
        #expect(planned.ids == ["c"])
        #expect(planned.findings.changed == 1)
    }

    @Test(arguments: [false, true]) func duplicatesNameBothLines(isAnswered: Bool) throws {
        let plant = try Plant(in: folder)
        let input = try plant.input(rows("a", "b", "a"))
        let planner = plant.planner(input, try InputStanding.begin(input, plant.store))
        let reader = RowReader(input)
        guard case .items(let first) = try planner.plan(try #require(try reader.next())) else { return }
        if isAnswered { try plant.answer(first) }
        _ = try planner.plan(try #require(try reader.next()))
        let third = try #require(try reader.next())
        guard case .badRow(let records, let error) = try planner.plan(third) else {
            Issue.record("the second row of an id is planned")
            return
        }
        let path = input.files[0].path
        #expect(error.code == .badInput)
        #expect(error.place == "\(path):3")
        #expect(error.message == #"duplicate id "a""# && error.cause == "already used at \(path):1")
        #expect(records.count == 1 && records[0].key != RecordKey("a"))
        #expect(planner.findings.duplicates == 1)
    }

    @Test func badRowsAreRecordedOnceWithWhatIsWrong() throws {
        let plant = try Plant("--samples", "2", in: folder)
        let text = "oops\n" + rows("a") + "oops\n" + #"{"id":"b","question":1}"# + "\n"
        let input = try plant.input(text)
        let planned = try plant.plan(input)
        #expect(planned.keys == ["a", "a#1"])
        #expect(planned.errors.map(\.place) == [1, 3, 4].map { "\(input.files[0].path):\($0)" + ($0 < 4 ? ":1" : "") })
        #expect(planned.bad.count == 6 && Set(planned.bad.map(\.key)).count == 6)
        #expect(planned.bad[4].key == RecordKey("b"))
        #expect(planned.findings.bad == 6)
        try plant.store.close()

        let second = try Plant("--samples", "2", in: folder)
        let again = try second.plan(try second.input("\noops\n" + text, name: "more.jsonl"))
        #expect(again.bad.count == 2, "one more row than before")
        #expect(again.findings.failed == 6)
    }

    @Test func aMendedRowIsAskedUnderItsId() throws {
        let plant = try Plant(in: folder)
        _ = try plant.plan(#"{"id":"b","question":1}"# + "\n")
        try plant.store.close()
        let second = try Plant(in: folder)
        let input = try second.input(rows("b"), name: "mended.jsonl")
        let again = try second.plan(input)
        #expect(again.ids == ["b"])
        try second.answer(again.items)
        #expect(second.store.counters.done == 1 && second.store.counters.failed == 0)
        try second.store.close()
        #expect(try Plant(in: folder).plan(input).items.isEmpty)
    }

    @Test func strictStopsAtABadRow() throws {
        let plant = try Plant("--strict", in: folder)
        #expect(failure { _ = try plant.plan(rows("a") + "oops\n") }?.code == .badInput)
    }

    @Test func rowsTheEndpointCannotTakeAreBadRows() throws {
        let plant = try Plant("--endpoint", "completions", in: folder)
        let planned = try plant.plan(#"{"id":"a","messages":[{"role":"user","content":"x"}]}"# + "\n" + rows("b"))
        #expect(planned.ids == ["b"] && planned.bad.map(\.key) == [RecordKey("a")])
        #expect(planned.errors[0].place?.hasSuffix("in.jsonl:1") == true)
    }
}
