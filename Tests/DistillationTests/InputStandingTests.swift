import Basics
import PromptSource
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct InputStandingTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func rows(_ ids: String...) -> String {
        ids.map { #"{"id":"\#($0)","prompt":"ask \#($0)"}"# + "\n" }.joined()
    }

    /// Opens the store, runs the body, and closes it.
    private func visit<Value>(_ body: (Plant) throws -> Value) throws -> Value {
        let plant = try Plant(in: folder)
        let value = try body(plant)
        try plant.store.close()
        return value
    }

    private func name(_ standing: InputStanding) -> String {
        switch standing {
        case .sole: "sole"
        case .mixed(let isNew): isNew ? "mixed, new" : "mixed"
        case .settled(let rows): "settled \(rows)"
        }
    }

    private func begin(_ input: InputSet) throws -> String {
        try visit { plant in name(try InputStanding.begin(input, plant.store)) }
    }

    @Test func theFirstInputIsTheSoleOne() throws {
        let input = try visit { plant in
            let input = try plant.input(rows("a", "b"))
            try plant.answer([try plant.plan(input).items[0]])
            return input
        }
        #expect(try begin(input) == "sole")
        #expect(try begin(input) == "sole")
    }

    @Test func anotherInputIsNewOnceAndNeverSole() throws {
        let (first, second) = try visit { plant in
            let first = try plant.input(rows("a", "b"))
            try plant.answer(try plant.plan(first).items)
            return (first, try plant.input(rows("c"), name: "b.jsonl"))
        }
        #expect(try begin(second) == "mixed, new")
        #expect(try begin(second) == "mixed")
        #expect(try begin(first) == "mixed, new")
        #expect(try begin(second) == "mixed, new")
    }

    @Test func anInputThatIsRefusedStaysNew() throws {
        let second = try visit { plant in
            try plant.answer(try plant.plan(rows("a")).items)
            return try plant.input(rows("c"), name: "b.jsonl")
        }
        for _ in 0..<2 {
            let error = try visit { plant in
                failure {
                    _ = try InputStanding.begin(second, plant.store) { () throws(RetortError) in
                        throw RetortError(.configuration, "changed")
                    }
                }
            }
            #expect(error?.message == "changed")
        }
    }

    @Test func aSettledInputIsNotRead() throws {
        let second = try visit { plant in
            try plant.answer(try plant.plan(rows("a", "b")).items)
            return try plant.input(rows("a", "b", "c"), name: "b.jsonl")
        }
        try visit { plant in
            let standing = try InputStanding.begin(second, plant.store)
            try plant.answer(try plant.plan(second).items)
            try standing.settle(second, rows: 3, plant.store)
        }
        #expect(try begin(second) == "settled 3")
        try visit { plant in
            let standing = try InputStanding.begin(second, plant.store)
            #expect(try RowReader(second, from: standing.start(of: second, plant.store)).next() == nil)
            // A changed number of outcomes invalidates the note.
            let other = plant.planner(try plant.input(rows("z"), name: "z.jsonl"), .mixed(isNew: true))
            guard case .items(let items) = try other.plan(try #require(try RowReader(other.input).next())) else {
                return
            }
            try plant.answer(items)
        }
        #expect(try begin(second) == "mixed, new")
    }

    @Test func marksAreTold() {
        let identity = Hash128(high: 5, low: .max)
        for mark in [InputMark.sole, .mixed, .settled(outcomes: 123_456_789)] {
            #expect(InputMark(mark.mark(identity)) == mark)
            #expect(mark.mark(identity).high == 5)
        }
    }

    @Test func aStreamIsNeverTheSameInput() throws {
        let input = try InputSet.resolve(["-"], format: nil)
        #expect(!input.isRepeatable && input.identityHash != input.identityHash)
    }
}
