import Basics
import JSONText
import ModelAPI
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct FailedItemsTests {
    private let folder = LivingFixture.Folder()
    private static let asked = #""messages":[{"role":"user","content":"hi \u2028"}]"#
    private static let body = #"{"model":"old","max_tokens":9,"messages":[]}"#

    private func store(_ count: Int, badRows: Int = 0) throws {
        let members = LivingFixture.failureMembers(
            asked: Self.asked, path: "/chat/completions", body: Self.body, metadata: #"{"k":[1]}"#)
        let bad = LivingFixture.failureMembers(asked: #""prompt":"""#, path: "", body: "{}")
        try LivingFixture.makeStore(
            folder("store"), successes: [("ok", #""response":"r""#)],
            failures: (0..<count).map { ("f\($0)", "server", UInt32($0 + 1), members) }
                + (0..<badRows).map { ("bad\($0)", "bad_input", 0, bad) })
    }

    private func source(
        _ classes: Set<FailureClass> = Set(FailureClass.allCases), override: RequestOverride? = nil
    ) throws -> FailedItems {
        try FailedItems(of: folder("store"), classes: classes, override: override)
    }

    @Test func turnsRecordsBackIntoTheirRequests() async throws {
        try store(3)
        let source = try source()
        let items = try #require(try await source.next())
        #expect(items.map(\.context.key.description) == ["f0", "f1", "f2"])
        #expect(items.map(\.priorAttempts) == [1, 2, 3])
        let item = items[1]
        #expect(item.request.path == "/chat/completions")
        #expect(LivingFixture.text(item.request.body) == Self.body)
        #expect(
            LivingFixture.text(item.context.asked)
                == Self.asked + #","messages_json":"","prompt":"","suffix":"","tools":"""#)
        #expect(LivingFixture.text(item.context.metadata) == #"{"k":[1]}"#)
        #expect(item.context.fingerprint == 7)
        #expect(item.context.row == 2)
        #expect(item.estimatedTokens == TokenEstimate.tokens(of: item.request, completionTokensMax: 9))
        #expect(try await source.next() == nil)
    }

    @Test func handsOverInBatches() async throws {
        let count = FailedItems.batchItems + 3
        try store(count)
        let source = try source()
        #expect(source.count == count)
        var sizes: [Int] = []
        while let batch = try await source.next() { sizes.append(batch.count) }
        #expect(sizes == [FailedItems.batchItems, 3])
    }

    @Test func takesTheClassesAskedFor() throws {
        try store(3, badRows: 2)
        #expect(try source([.server, .timeout]).count == 3)
        #expect(try source([.badInput]).count == 2)
        #expect(try source([.timeout]).count == 0)
    }

    @Test func endsWhenCancelled() async throws {
        try store(2)
        let source = try source()
        source.cancel()
        #expect(try await source.next() == nil)
    }

    @Test func sendsTheOverrideAndKeepsTheRequestOfTheRecord() async throws {
        try store(1)
        let override = try RequestOverride(RequestParameters(model: "new"), endpoint: .chat)
        let source = try source(override: override)
        let item = try #require(try await source.next()?.first)
        #expect(LivingFixture.text(item.request.body) == #"{"model":"new","max_tokens":9,"messages":[]}"#)
        #expect(LivingFixture.text(item.context.request.body) == Self.body)
    }

    @Test func aRowThatWasNeverARequestIsRefused() async throws {
        try store(0, badRows: 1)
        let source = try source()
        await #expect(throws: RetortError.self) { try await source.next() }
    }
}
