import Basics
import PromptSource
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// Samples added to a store later, and their number reduced again.
@Suite struct SamplesLaterTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private static let named = (0..<4).map { #"{"id":"q\#($0)","prompt":"\#($0)"}"# + "\n" }.joined()
    private static let nameless = (0..<6).map { #"{"prompt":"\#($0 / 2)"}"# + "\n" }.joined() + "{bad\n"

    /// A run with this many samples: raises the number, plans, records the answers in `answers`, and closes as told.
    /// Returns the planned items.
    @discardableResult
    private func run(
        _ text: String, samples: Int, answers: (Int) -> Bool = { _ in true }, fails: (Int) -> Bool = { _ in false },
        isKilled: Bool = false
    ) throws -> (planned: [String], findings: RowPlanner.Findings) {
        let path = folder.path + "/in.jsonl"
        // An unmodified file is the same input.
        if (try? PosixFileSystem().text(of: path)) != text { try folder.write("in.jsonl", text) }
        let settings = try settings(path, "--out", folder.path + "/out", "--simulate", "--samples", String(samples))
        let job = JobDescription(settings)
        if let manifest = try RecordStore.manifest(of: settings.out) {
            try job.check(against: manifest.job, at: settings.out, onChange: .refuse)
            try StoreSamples.raise(settings.out, to: samples, job: job.values)
        }
        let plant = try Plant("--samples", String(samples), in: folder)
        let input = try InputSet.resolve([path], format: nil)
        let planner = plant.planner(input, try InputStanding.begin(input, plant.store, samples: samples))
        var items: [Item<ItemContext>] = []
        let rows = RowReader(input)
        while let row = try rows.next() {
            switch try planner.plan(row) {
            case .items(let more): items += more
            case .badRow(let records, _): _ = try plant.store.append(records)
            case .otherShard: break
            }
        }
        try plant.answer(items.enumerated().filter { answers($0.offset) }.map(\.element))
        try plant.fail(items.enumerated().filter { fails($0.offset) }.map(\.element))
        if !isKilled {
            try plant.store.endInput(rows: rows.landmark.row)
            try plant.store.close()
        }
        return (items.map { "\($0.context.key)" }, planner.findings)
    }

    private func verify() throws -> VerificationReport {
        let report = try StoreVerification.run(folder.path + "/out", deep: true)
        #expect(report.problems == [])
        return report
    }

    private func plan(samples: Int) throws -> RunPlan {
        try RunPlan(
            try settings(
                folder.path + "/in.jsonl", "--out", folder.path + "/out", "--simulate", "--samples", String(samples)))
    }

    @Test func onlyTheNewOnesAreAsked() throws {
        #expect(try run(Self.named, samples: 1).planned == ["q0", "q1", "q2", "q3"])
        #expect(try plan(samples: 3).new == 8)
        let added = try run(Self.named, samples: 3)
        #expect(added.planned == (0..<4).flatMap { ["q\($0)#1", "q\($0)#2"] })
        #expect(added.findings.done == 4)
        #expect(try run(Self.named, samples: 3).planned == [])
        let report = try verify()
        #expect([report.inputs, report.done, report.pending] == [12, 12, 0])
    }

    /// Rows without ids, some of them identical, and one malformed row.
    @Test(arguments: [true, false])
    func ofRowsWithoutIds(isKilled: Bool) throws {
        let first = try run(Self.nameless, samples: 1, answers: { $0 != 2 }, isKilled: isKilled).planned
        #expect(first.count == 6)
        #expect(try plan(samples: 2).new == 7)
        let added = try run(Self.nameless, samples: 2).planned
        #expect(Set(added) == Set(first.map { $0 + "#1" } + [first[2]]))
        #expect(try run(Self.nameless, samples: 2).planned == [])
        let report = try verify()
        #expect([report.inputs, report.done, report.failed, report.pending] == [14, 12, 2, 0])
    }

    @Test func whatHasFailedIsLeftToRetry() throws {
        try run(Self.named, samples: 1, answers: { $0 != 1 }, fails: { $0 == 1 })
        let added = try run(Self.named, samples: 2)
        #expect(added.planned == ["q0#1", "q1#1", "q2#1", "q3#1"])
        #expect(added.findings.failed == 1)
        let report = try verify()
        #expect([report.inputs, report.done, report.failed] == [8, 7, 1])
    }

    /// Killed while samples are added, and resumed: answered samples are not sent again.
    @Test func aKillLosesNone() throws {
        try run(Self.nameless, samples: 1)
        let added = try run(Self.nameless, samples: 3, answers: { $0 % 3 == 0 }, isKilled: true).planned
        #expect(added.count == 12)
        #expect(try plan(samples: 3).new == 8)
        #expect(try run(Self.nameless, samples: 3).planned.count == 8)
        #expect(try verify().pending == 0)
    }

    /// A row without an id that has some of its samples continues under its name, also among identical rows.
    @Test(arguments: [true, false], 1...6)
    func aRowThatIsHalfDoneKeepsItsName(isKilled: Bool, step: Int) throws {
        let first = try run(Self.nameless, samples: 3, answers: { $0 % (step + 1) != step % 3 }, isKilled: isKilled)
            .planned
        #expect(first.count == 18)
        let missing = Set(first.enumerated().filter { $0.offset % (step + 1) == step % 3 }.map(\.element))
        let again = try run(Self.nameless, samples: 3).planned
        #expect(again.count == missing.count)
        // Identical rows may have exchanged their names: together they have all samples of all names.
        #expect(Set(again) == missing)
        // Read in order, as another input would be, nothing is left to send.
        #expect(try run(Self.nameless + #"{"id":"more","prompt":"m"}"# + "\n", samples: 3).planned.count == 3)
        #expect(try verify().pending == 0)
    }

    @Test func fewerAreAsGood() throws {
        try run(Self.named, samples: 3, answers: { $0 != 5 })
        let before = try #require(try RecordStore.manifest(of: folder.path + "/out"))
        let fewer = try plan(samples: 1)
        #expect([fewer.items, fewer.done, fewer.new] == [4, 4, 0])
        let reduced = try run(Self.named, samples: 1)
        #expect(reduced.planned == [] && reduced.findings.done == 4)
        let after = try #require(try RecordStore.manifest(of: folder.path + "/out"))
        #expect(after.samples == 3 && after.job == before.job && after.input == before.input)
        var report = try verify()
        #expect([report.inputs, report.done, report.pending] == [12, 11, 1])
        // The third run sends the sample that the second one omitted.
        #expect(try run(Self.named, samples: 3).planned == ["q1#2"])
        report = try verify()
        #expect([report.inputs, report.done, report.pending] == [12, 12, 0])
    }

    /// More rows with fewer samples: the other samples of the new rows are pending.
    @Test func fewerOfALongerInput() throws {
        try run(Self.named, samples: 2)
        let longer = Self.named + #"{"id":"q9","prompt":"9"}"# + "\n"
        #expect(try run(longer, samples: 1).planned == ["q9"])
        let report = try verify()
        #expect([report.inputs, report.done, report.pending] == [10, 9, 1])
        #expect(try run(longer, samples: 2).planned == ["q9#1"])
    }

    /// The summary of a run with fewer samples does not count the others as records of rows outside the input.
    @Test func theOthersAreOfNoOtherRows() {
        var counters = StoreCounters()
        counters.done = 12
        var reading = PlannedSource.Reading()
        reading.findings.done = 4
        reading.isComplete = true
        func foreign(_ storedSamples: Int) -> Int {
            RunStanding(
                Progress(), reading, counters, before: counters, input: .mixed(isNew: false), rows: 4, samples: 1,
                storedSamples: storedSamples
            ).foreign
        }
        #expect(foreign(3) == 0)
        #expect(foreign(1) == 8)
    }
}
