import Basics
import JSONText
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Reporting

/// Absurd values from a server must not stop a report.
@Suite struct ReportingNonsenseTests {
    private func summary(_ build: (ReportingStore) -> [NewRecord]) throws -> StoreSummary {
        let store = try ReportingStore(rows: 1_000_000_000_000)
        try store.append(build(store))
        let summary = try store.summary()
        _ = SummaryText(summary).text
        _ = ReportPage(summary).text
        _ = try JSONParser().parse(SummaryJSON(summary).text)
        return summary
    }

    @Test func enormousNumbers() throws {
        let summary = try summary { store in
            [
                store.answer("a", at: .max, latency: .max, prompt: .max, completion: .max, more: #","cost_usd":1e300"#),
                store.answer("b", at: 1, latency: -5, prompt: .max, completion: .min, more: #","cost_usd":-1"#),
                store.answer("c", at: 253_402_300_799, latency: 0, prompt: 0, completion: 0, more: #","cost_usd":"x""#),
            ]
        }
        #expect(summary.digest.untimed == 1)
        #expect(summary.digest.latency.maximum == LogHistogram.numberMax)
        #expect(summary.columns.stretches.count == 2)
    }

    @Test func membersOfOtherTypes() throws {
        let members = #""prompt":1,"response":[],"usage":7,"model":{},"finish_reason":null,"created":"now""#
        let summary = try summary { store in
            var record = store.answer("a")
            record.members = Array(members.utf8)
            return [record]
        }
        #expect(summary.digest.unreadable == 0)
        #expect(summary.digest.untimed == 1)
        #expect(summary.digest.models.sorted.map(\.name) == [""])
    }

    @Test func longTexts() throws {
        let long = String(repeating: "é\u{1F600}", count: 100_000)
        let summary = try summary { store in [store.failure(long, message: long, body: long)] }
        let example = try #require(summary.failures.first?.digest.sorted.first?.example)
        #expect(example.message.unicodeScalars.count == FailureDigest.messageScalarsMax + 1)
        #expect(example.body.unicodeScalars.count == FailureDigest.bodyScalarsMax + 1)
        #expect(example.id.hasSuffix("…"))
        #expect(ReportPage(summary).text.utf8.count < 100_000)
    }

    @Test func damagedBlocksAreLeftOutAndListed() throws {
        let store = try ReportingStore(rows: 40)
        try store.append((0..<30).map { store.answer("a-\($0)") })
        try store.append([store.failure("f")])
        try store.store.close()
        try store.damage("responses/000001.jsonl.gz")
        let summary = try store.summary()
        #expect(summary.done == 30)
        #expect(summary.answersRead == 0)
        #expect(summary.failuresRead == 1)
        #expect(summary.damage.count == 1)
        #expect(SummaryText(summary).text.contains("responses segment 1, bytes 0-"))
        let page = ReportPage(summary).text
        #expect(page.contains("<h2>Damage</h2>"))
        #expect(!page.contains("<h2>Finish reasons</h2>"))
        let json = try JSONParser().parse(SummaryJSON(summary).text).root
        #expect(json["damage"]?.elements.first?["start"]?.int == 0)
    }
}
