import Basics
import JSONText
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Reporting

@Suite struct RequestEditsTests {
    private func apply(drops: [String] = [], renames: [String] = [], to body: String) throws -> String? {
        let edits = try #require(try RequestEdits(drops: drops, renames: renames))
        return edits.applied(to: Array(body.utf8), with: JSONParser()).map { LivingFixture.text($0) }
    }

    @Test(
        arguments: [
            (["max_tokens"], [], #"{"model":"m"}"#),
            ([], ["max_tokens=max_completion_tokens"], #"{"model":"m","max_completion_tokens":5.0}"#),
            (["model_x"], ["a=b"], #"{"model":"m","max_tokens":5.0}"#),
            ([], ["max_tokens=model"], nil),
        ] as [([String], [String], String?)])
    func theRestStaysAsWritten(drops: [String], renames: [String], expected: String?) throws {
        guard let expected else {
            #expect(throws: RetortError.self) { try RequestEdits(drops: drops, renames: renames) }
            return
        }
        #expect(try apply(drops: drops, renames: renames, to: #"{ "model":"m", "max_tokens" : 5.0 }"#) == expected)
    }

    @Test func aMemberOfTheNewNameKeepsItsValue() throws {
        #expect(try apply(renames: ["a=b"], to: #"{"a":1,"b":2}"#) == #"{"b":2}"#)
        #expect(try apply(renames: ["a=b"], to: #"{"\u0061":1}"#) == #"{"b":1}"#)
        #expect(try apply(renames: ["a=b"], to: "[1]") == nil)
    }

    @Test(
        arguments: [
            ([""], []), ([], ["a"]), ([], ["a="]), ([], ["=b"]), ([], ["a=b=c"]), (["messages"], []), (["prompt"], []),
            (["a", "a"], []), (["a"], ["a=b"]), ([], ["a=b", "a=c"]),
        ] as [([String], [String])])
    func whatCannotBeIsRefused(drops: [String], renames: [String]) {
        #expect(throws: RetortError.self) { try RequestEdits(drops: drops, renames: renames) }
    }

    @Test func anUnknownNameIsRefusedWithThoseThereAre() throws {
        let edits = try #require(try RequestEdits(drops: ["nosuch"], renames: []))
        let error = #expect(throws: RetortError.self) {
            try edits.check(against: ["model", "messages", "temperature", "max_tokens"])
        }
        #expect(error?.message == "no failed request has a member nosuch")
        #expect(error?.remedy == "There are: max_tokens, temperature.")
        #expect(throws: Never.self) { try edits.check(against: ["nosuch"]) }
        #expect(try RequestEdits(drops: [], renames: []) == nil)
    }

    @Test func theStoreKeepsWhatWasChanged() throws {
        let store = try ReportingStore()
        try RequestEdits(drops: ["a"], renames: ["b=c"])?.write(to: store.store)
        try RequestEdits(drops: ["a", "d"], renames: [])?.write(to: store.store)
        #expect(RequestEdits.note(in: store.store.manifest) == "drop a; rename b=c; drop d")
        try store.append([store.answer("x")])
        #expect(try StoreStatus(store.root).lines.contains { $0.contains("drop a; rename b=c; drop d") })
        #expect(SummaryText(try store.summary()).text.contains("drop a; rename b=c; drop d"))
    }
}
