import Basics
import JSONText
import RunTestSupport
import SegmentStore
import Testing

@testable import Reporting

@Suite struct FolderTreeTests {
    private func text(_ path: String) throws -> String { try PosixFileSystem().text(of: path) }

    @Test func eachItemHasAFolderAndTheTopTellsOfAll() async throws {
        let fixture = try EvaluationFixture([
            ("a/1", 0, "Do this:\n```python\nprint('good')\n```\n"), ("a/1", 1, "only words"), ("b", 0, "broken"),
        ])
        _ = try await fixture.evaluate(WordVerifier())
        let path = fixture.folder("made/here")
        let tree = try FolderTree(path, verifier: "words", isCode: false)
        let items = try ItemReader(fixture.root, verifier: "words")
        try fixture.reader().forEach(.responses) { record throws(RetortError) in
            if let item = try items.item(record) { try tree.add(item) }
        }
        try tree.finish(fixture.root)
        #expect(LivingFixture.names(in: path) == ["REPORT.txt", "a%2F1", "a%2F1~1", "b", "summary.json"])
        let names = ["final_solution.py", "problem_statement.txt", "round_0", "session_history.json"]
        #expect(LivingFixture.names(in: "\(path)/a%2F1") == names)
        #expect(try text("\(path)/a%2F1/final_solution.py") == "print('good')\n")
        #expect(try text("\(path)/a%2F1/problem_statement.txt") == "ask")
        #expect(try text("\(path)/a%2F1~1/final_solution.txt") == "only words")
        let history = try JSONParser().parse(try text("\(path)/a%2F1/session_history.json")).root
        #expect(history.elements.compactMap { $0["role"]?.string } == ["user", "assistant"])
        let report = try text("\(path)/a%2F1/round_0/report_iteration.txt")
        let head = "round      0\nverdict    PASS, score 0.000\ntokens     10 in, 20 out\ncost       $0.25\n"
        #expect(report.hasPrefix(head))
        #expect(report.contains("\n\nread: Do this:"))
        #expect(LivingFixture.names(in: "\(path)/b/round_0") == ["code_iteration.txt", "report_iteration.txt"])
        let summary = try JSONParser().parse(try text("\(path)/summary.json")).root
        #expect(summary["items"]?.elements.map { $0["result"]?.string } == ["PASS", "FAIL", "-"])
        let totals = try #require(summary["totals"])
        #expect(totals["pass_at_1"]?.double == 0.5 && totals["judged"]?.int == 2 && totals["items"]?.int == 3)
        #expect(totals["cost_usd"]?.double == 0.75 && totals["mean_completion_tokens"]?.double == 20)
        let top = try text("\(path)/REPORT.txt")
        #expect(top.contains("Pass@1             50.0% (1 of 2)"))
        #expect(top.contains("\nb                                       -  accuracy -  rounds 1\n"))
    }

    @Test func aFolderWithFilesIsRefused() throws {
        let fixture = try EvaluationFixture([("a", 0, "good")])
        #expect(throws: RetortError.self) { try FolderTree(fixture.folder.path, verifier: nil, isCode: false) }
    }

    @Test func theTimeIsPutIntoTheName() {
        #expect(FolderTree.named("runs/{time}/x", 1_700_000_000) == "runs/20231114T221320Z/x")
        #expect(FolderTree.named("runs/x", 1_700_000_000) == "runs/x")
    }
}
