import Dataset
import Testing

@testable import RetortCommands

@Suite("Keys of `retort top`")
struct TopCommandTests {
    @Test("keys change the window by a quarter, and never to nothing")
    func keys() {
        var record = RunRecord()
        record.concurrencyMax = 64
        #expect(TopCommand.words(for: "+", record) == ["set", "concurrency=80"])
        #expect(TopCommand.words(for: "-", record) == ["set", "concurrency=51"])
        record.concurrencyMax = 1
        #expect(TopCommand.words(for: "+", record) == ["set", "concurrency=2"])
        #expect(TopCommand.words(for: "-", record) == ["set", "concurrency=1"])
        #expect(TopCommand.words(for: "x", record) == nil)
    }
}
