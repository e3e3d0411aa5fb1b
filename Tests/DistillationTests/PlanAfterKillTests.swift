import Basics
import PromptSource
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// A plan for the store of a killed run predicts what the resumed run finds, at the same cost.
@Suite struct PlanAfterKillTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// A store that was abandoned during a run, so that its outcomes are in journals.
    private func leaveUnfinished(_ text: String, answers: (Int) -> Bool, fails: (Int) -> Bool = { _ in false }) throws {
        let plant = try Plant(in: folder)
        let items = try plant.plan(text).items
        try plant.answer(items.enumerated().filter { answers($0.offset) }.map(\.element))
        try plant.fail(items.enumerated().filter { fails($0.offset) }.map(\.element))
    }

    private func plan(_ files: any FileSystem = PosixFileSystem()) throws -> RunPlan {
        var options = StoreAccess.options
        options.files = files
        return try RunPlan(
            try settings(folder.path + "/in.jsonl", "--out", folder.path + "/out", "--simulate"), options: options)
    }

    private func rows(_ count: Int, _ row: (Int) -> String) -> String { (0..<count).map { row($0) + "\n" }.joined() }

    /// Rows with and without ids, identical and different.
    private static let shapes: [@Sendable (Int) -> String] = [
        { #"{"id":"q\#($0)","prompt":"\#($0)"}"# }, { #"{"prompt":"\#($0)"}"# }, { #"{"prompt":"\#($0 / 3)"}"# },
        { _ in #"{"prompt":"always the same"}"# },
    ]

    @Test(arguments: 0..<4)
    func saysWhatTheResumingRunFinds(shape: Int) throws {
        let text = rows(60, Self.shapes[shape])
        try leaveUnfinished(text, answers: { $0 % 3 != 1 }, fails: { $0 % 9 == 1 })
        let plan = try plan()
        #expect([plan.items, plan.done, plan.failed, plan.new] == [60, 40, 7, 13])
        let resumed = try Plant(in: folder)
        #expect(try resumed.plan(text).items.count == 13)
        try resumed.store.close()
    }

    /// The store is opened once, however many rows are not in a checkpoint.
    @Test func opensTheStoreOnce() throws {
        var openings: [Int] = []
        for count in [10, 400] {
            try leaveUnfinished(rows(count, Self.shapes[0]), answers: { $0 % 2 == 0 })
            let files = CountingFileSystem("/retort.json")
            #expect(try plan(files).new == count / 2)
            openings.append(files.openings)
            LivingFixture.remove(folder.path + "/out")
        }
        #expect(openings[0] == openings[1])
        #expect(openings[0] < 6)
    }

    /// Another input, whose rows are all looked up.
    @Test func looksUpInTheSameSnapshot() throws {
        try leaveUnfinished(rows(300, Self.shapes[0]), answers: { $0 % 2 == 0 })
        try folder.write("in.jsonl", rows(310, Self.shapes[0]))
        let files = CountingFileSystem("/retort.json")
        let plan = try plan(files)
        #expect([plan.done, plan.new] == [150, 160])
        #expect(files.openings < 6)
    }
}
