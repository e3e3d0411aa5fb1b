import Basics
import JSONText
import ModelAPI
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct SendingOrderTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// Rows with these prompts, in the order in which they are sent.
    private func sent(_ order: SendingOrder, _ prompts: [String], _ flags: String...) throws -> [[String]] {
        let plant = try Plant(flags: flags, in: folder)
        let rows = prompts.enumerated().map { #"{"id":"\#($0.offset)","prompt":"\#($0.element)"}"# + "\n" }.joined()
        let items = try plant.plan(rows).items
        return order.sorted(items, with: JSONParser()).map { $0.map(\.context.key.description) }
    }

    @Test func rowsThatBeginAlikeFollowEachOther() throws {
        let prompts = ["long text B: one", "long text A: one", "long text B: two", "long text A", "long text B: one"]
        #expect(try sent(.prefix, prompts) == [["3"], ["1"], ["0"], ["4"], ["2"]])
        #expect(try sent(.input, prompts) == [["0"], ["1"], ["2"], ["3"], ["4"]])
    }

    @Test func samplesOfARowStayInTheirOrder() throws {
        #expect(try sent(.prefix, ["b", "a"], "--samples", "2") == [["1"], ["1#1"], ["0"], ["0#1"]])
    }

    @Test func rowsOfOneRequestStayTogether() throws {
        let prompts = ["d", "c", "b", "a"]
        #expect(try sent(.prefix, prompts, "--items-per-request", "2") == [["2", "3"], ["0", "1"]])
    }
}
