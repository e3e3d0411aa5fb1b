import Basics
import PromptSource
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct RowPricesTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func check(_ text: String, _ flags: String..., name: String = "in.jsonl") throws {
        let path = try folder.write(name, text)
        let settings = try settings(
            [path, "--out", folder.path + "/out", "--model", "gpt-4o-mini", "--max-tokens", "9", "--simulate"] + flags)
        let input = try InputSet.resolve([path], format: nil)
        try RowPrices.check(input, settings, job: JobDescription(settings))
    }

    private static let good = #"{"id":"a","prompt":"p"}"# + "\n"

    @Test(arguments: [
        #"{"id":"b","prompt":"p","model":"zzz-9"}"#,
        #"{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"zzz-9","messages":[{"role":"user","content":"p"}],"max_tokens":5}}"#,
    ])
    func aModelWithoutAPriceIsNamedWithItsLine(row: String) throws {
        let error = #expect(throws: RetortError.self) { try check(Self.good + row + "\n", "--max-cost", "1") }
        #expect(error?.message == "--max-cost needs a price for zzz-9")
        #expect(error?.place?.hasSuffix("in.jsonl:2") == true)
        #expect(throws: Never.self) { try check(Self.good + row + "\n") }
    }

    @Test func aBatchRowWithoutABoundIsRefused() throws {
        let row =
            #"{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","messages":[{"role":"user","content":"p"}]}}"#
        let error = #expect(throws: RetortError.self) { try check(Self.good + row + "\n", "--max-cost", "1") }
        #expect(error?.message == "--max-cost needs a limit on answer length")
    }

    @Test func knownModelsAndBadRowsPass() throws {
        let rows = Self.good + "{\"id\":\"b\",\"prompt\":\"p\",\"model\":\"gpt-4o\"}\noops\n{\"model\":\"zzz\"}\n"
        #expect(throws: Never.self) { try check(rows, "--max-cost", "1") }
    }

    @Test func aTableWithoutAHeaderIsExplained() throws {
        let path = try folder.write("in.csv", "What is 2+2?,math\nWho is it?,people\n")
        for flags in [[], ["--template", try folder.write("t.txt", "Say {{question}}")]] {
            let settings = try settings([path, "--out", folder.path + "/out", "--simulate"] + flags)
            let input = try InputSet.resolve([path], format: nil)
            let error = #expect(throws: RetortError.self) {
                try RowTrial.check(input, settings, job: JobDescription(settings))
            }
            #expect(error?.remedy?.contains("names its columns") == true)
        }
    }
}
