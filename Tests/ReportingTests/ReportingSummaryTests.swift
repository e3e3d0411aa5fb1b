import Basics
import JSONText
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Reporting

@Suite struct ReportingSummaryTests {
    private static let start: Int64 = 1_700_000_000

    /// 200 answers over 200 seconds, one in ten after a retry; 6 failures; 294 of 500 pending.
    private func filled() throws -> ReportingStore {
        let store = try ReportingStore(rows: 500)
        try store.append(
            (0..<200).map { number in
                store.answer(
                    "a-\(number)", at: Self.start + Int64(number), latency: 10 * (number + 1), completion: number + 1,
                    finish: number % 50 == 0 ? "length" : "stop", response: number == 7 ? "" : "text",
                    attempts: number % 10 == 0 ? 2 : 1, more: #","cost_usd":0.25"#)
            })
        try store.append(
            (0..<5).map { number in
                store.failure(
                    "f-\(number)", at: Self.start + 50, message: "HTTP 500: request \(number) failed",
                    more: #","cost_usd":0.5"#)
            })
        try store.append([store.failure("t", "timeout", at: Self.start + 60, status: 0, message: "no answer in time")])
        return store
    }

    @Test func countsWhatTheStoreHolds() throws {
        let store = try filled()
        let summary = try store.summary()
        #expect(summary.state == .running)
        #expect(summary.done == 200)
        #expect(summary.failed == 6)
        #expect(summary.pending == 294)
        #expect(summary.activeSeconds == 200)
        #expect(summary.donePerSecond == 1)
        #expect(summary.remainingSeconds == 294)
        #expect(summary.cost == 52.5)
        #expect(summary.digest.failedCost == 2.5)
        #expect(summary.digest.truncated == 4)
        #expect(summary.digest.empty == 1)
        #expect(summary.digest.attemptsOfDone[1...2] == [180, 20])
        #expect(summary.digest.attemptsOfFailed[5] == 6)
        #expect(summary.digest.latency.maximum == 2000)
        #expect(summary.failures.map(\.name) == ["server", "timeout"])
        #expect(summary.failures[0].digest.sorted.map(\.count) == [5])
        #expect(summary.digest.volumes[.responses]?.records == 200)
        #expect(summary.columns.stretches.flatMap(\.columns).reduce(0) { $0 + $1.failed } == 6)
    }

    @Test func aClosedStoreIsIncompleteOrComplete() throws {
        let store = try filled()
        try store.store.close()
        #expect(try store.summary().state == .incomplete)
        let whole = try ReportingStore(rows: 1)
        try whole.append([whole.answer("only")])
        try whole.store.close()
        let summary = try whole.summary()
        #expect(summary.state == .complete)
        #expect(summary.files[.responses]?.segments == 1)
        #expect(summary.files[.responses]?.journalBytes == 0)
        #expect(summary.ratio(.responses) ?? 0 > 0)
    }

    @Test func aSuccessAfterAFailureLeavesNoFailure() throws {
        let store = try ReportingStore(rows: 1)
        try store.append([store.failure("x")])
        try store.append([store.answer("x")])
        let summary = try store.summary()
        #expect(summary.failed == 0)
        #expect(summary.failures.isEmpty)
        #expect(summary.pending == 0)
    }

    @Test func anEmptyStoreHasAReport() throws {
        let store = try ReportingStore()
        try store.store.close()
        let summary = try store.summary()
        #expect(summary.state == .empty)
        #expect(summary.pending == nil)
        let json = try JSONParser().parse(SummaryJSON(summary).text).root
        #expect(json["progress"]?["pending"]?.kind == .null)
        #expect(json["latency_ms"]?["p50"]?.kind == .null)
        #expect(json["cost_usd"]?["total"]?.kind == .null)
        #expect(SummaryText(summary).text.contains("no item has an outcome yet"))
        #expect(ReportPage(summary).text.hasSuffix("</html>\n"))
    }

    @Test func failuresAloneHaveAReport() throws {
        let store = try ReportingStore(rows: 3)
        try store.append((0..<3).map { store.failure("f-\($0)", "auth", status: 401, message: "no key") })
        let summary = try store.summary()
        #expect(summary.donePerSecond == 0)
        #expect(summary.remainingSeconds == nil)
        #expect(SummaryText(summary).text.contains("3 x no key"))
        #expect(ReportPage(summary).text.contains("3 with HTTP 401"))
    }

    /// Programs read these: a removed name or a changed type breaks them.
    @Test func theMembersOfTheSummaryAreThese() throws {
        let root = try JSONParser().parse(SummaryJSON(try filled().summary()).text).root
        func names(_ value: JSONValue?) -> [String] { value?.members.map { $0.key.string ?? "" } ?? [] }
        #expect(
            names(root) == [
                "format", "version", "generated", "store", "state", "writer", "last_run", "changes", "progress", "job",
                "pace",
                "latency_ms", "first_token_ms",
                "tokens", "answers", "cost_usd", "spent", "attempts", "finish_reasons", "models", "endpoints",
                "failures", "judged", "storage", "timeline", "damage", "exports", "unreadable", "untimed",
                "quantile_error",
            ])
        #expect(names(root["progress"]) == ["items", "done", "failed", "pending"])
        #expect(
            names(root["latency_ms"]) == ["count", "sum", "mean", "min", "max", "p50", "p90", "p95", "p99", "bars"])
        #expect(names(root["cost_usd"]) == ["records", "total", "failed", "per_record", "remaining"])
        #expect(names(root["failures"]?.elements.first) == ["class", "count", "http_statuses", "kinds", "other_kinds"])
        #expect(
            names(root["timeline"]?["columns"]?.elements.first) == [
                "start", "seconds", "done", "failed", "failed_by_class", "prompt_tokens", "completion_tokens",
                "latency_ms_mean", "cost_usd",
            ])
        #expect(root["generated"]?.int == 1_800_000_000)
        #expect(root["latency_ms"]?["sum"]?.int == 201_000)
        #expect(root["latency_ms"]?["p50"]?.int == 1003)
        let median = root["cost_usd"]?["per_record"]?["p50"]?.double ?? 0
        #expect(abs(median - 0.25) <= 0.25 * LogHistogram.relativeErrorMax)
        #expect(root["attempts"]?.elements.allSatisfy { $0["done"]?.kind == .number } == true)
        let bars = root["latency_ms"]?["bars"]?.elements.compactMap { $0["count"]?.int } ?? []
        #expect(bars.reduce(0, +) == 200)
    }

    @Test func longTextsAreCutAndKindsAreTold() {
        var digest = FailureDigest()
        for number in 0..<100 {
            digest.add(status: 500, message: "request \(number) took \(number)ms, id ab\(number)cd") {
                FailureDigest.Example(
                    id: "i", sample: 0, attempts: 1, status: 500, created: 0, message: "first \(number)", body: "")
            }
        }
        #expect(digest.sorted.count == 1)
        #expect(digest.sorted[0].example.message == "first 0")
        #expect(FailureDigest.pattern("id req_ab12 at 7s") == "id req_# at #")
        #expect(FailureDigest.pattern("key deadbeef is bad, not good") == "key # is bad, not good")
        digest.add(status: 503, message: "request 1 took 1ms, id ab1cd") {
            FailureDigest.Example(id: "i", sample: 0, attempts: 1, status: 503, created: 0, message: "", body: "")
        }
        #expect(digest.sorted.map(\.count) == [100, 1], "another status is another kind")
        var names = NameCounts()
        for number in 0..<100 { names.add("n\(number)") }
        names.add("n1")
        #expect(names.total == 101)
        #expect(names.others == 100 - NameCounts.namesMax)
        #expect(names.sorted[0] == ("n1", 2))
    }
}
