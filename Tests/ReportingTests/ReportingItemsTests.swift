import Basics
import CommandLine
import JSONText
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Reporting

@Suite struct ReportingItemsTests {
    private func filled() throws -> ReportingStore {
        let store = try ReportingStore(rows: 3)
        try store.append([
            store.answer("a", latency: 1234, prompt: 7, completion: 30, more: #","cost_usd":0.25"#),
            store.answer("b\u{1B}[2J"), store.failure("f", "timeout", attempts: 4),
        ])
        return store
    }

    @Test func aLineForEachItem() throws {
        let store = try filled()
        var lines: [JSONValue] = []
        try ItemLines.forEach(of: store.root) { item throws(RetortError) in
            if let root = try? JSONParser().parse(item.json).root { lines.append(root) }
        }
        #expect(lines.map { $0["id"]?.string } == ["a", "b\u{1B}[2J", "f"])
        #expect(lines.map { $0["status"]?.string } == ["ok", "ok", "failed"])
        #expect(lines.map { $0["class"]?.string } == ["", "", "timeout"])
        #expect(lines.map { $0["attempts"]?.int } == [1, 1, 4])
        #expect(lines[0]["seconds"]?.double == 1.234 && lines[0]["tokens"]?.int == 37)
        #expect(lines[0]["cost_usd"]?.double == 0.25 && lines[1]["cost_usd"]?.kind == .null)
    }

    @Test func theTextEndsWithTheItems() throws {
        let store = try filled()
        let files = try ReportFiles(in: store.directory + "/r")
        let path = try files.write(try store.summary(), listsItems: true)[0]
        let text = try PosixFileSystem().text(path)
        let items = text.split(separator: "\n").suffix(4)
        #expect(items.first == ItemLine.heading[...])
        #expect(items.last?.hasPrefix("f ") == true && items.last?.contains(" timeout ") == true)
        #expect(!text.contains("\u{1B}"))
        _ = try files.write(try store.summary())
        #expect(!(try PosixFileSystem().text(path)).contains("tokens out"))
    }

    @Test func exportsAreShownEverywhere() throws {
        let store = try filled()
        ExportNotes.add(
            ExportNote(
                time: 1_700_000_000, format: "sharegpt", output: "<x>.jsonl", options: "--min-chars 9", written: 1,
                leftOut: ["shorter than --min-chars": 1]), to: store.root)
        let summary = try store.summary()
        #expect(SummaryText(summary).text.contains("1 record as sharegpt to <x>.jsonl (--min-chars 9)"))
        #expect(SummaryText(summary).text.contains("left out: 1 shorter than --min-chars"))
        #expect(ReportPage(summary).text.contains("&lt;x&gt;.jsonl"))
        let exports = try JSONParser().parse(SummaryJSON(summary).text).root["exports"]
        #expect(exports?.firstElement?["left_out"]?["shorter than --min-chars"]?.int == 1)
        let status = try StoreStatus(store.root)
        #expect(status.lines.contains { $0.hasPrefix("exports ") })
        #expect(try JSONParser().parse(status.json()).root["exports"]?.firstElement?["written"]?.int == 1)
    }

    @Test func theSummaryEventIsOneLine() throws {
        let store = try filled()
        let text = SummaryEvent.text(
            of: store.root, command: "run", headline: "Finished.", exitCode: .incomplete,
            counters: store.store.counters,
            spending: Spending()
        )
        #expect(!text.contains("\n"))
        let root = try JSONParser().parse(text).root
        #expect(root["event"]?.string == "summary" && root["exit_code"]?.int == 75)
        #expect(root["failed_by_class"]?["timeout"]?.int == 1 && root["progress"]?["done"]?.int == 2)
        let names = Set(root.members.compactMap(\.key.string))
        guard case .object(let members) = SummaryJSON(try store.summary()).tree else { return }
        #expect(names.isSuperset(of: members.map(\.name)))
    }
}

extension PosixFileSystem {
    fileprivate func text(_ path: String) throws -> String {
        let file = try open(path, .read)
        var bytes = [UInt8](repeating: 0, count: try file.size())
        _ = try bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
