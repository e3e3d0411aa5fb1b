import JSONText
import SegmentStore
import Testing

@testable import Dataset
@testable import Reporting

@Suite("Two stores compared")
struct ComparedCountsTests {
    private func record(_ json: String) throws -> ComparedRecord {
        ComparedRecord(RecordView(try JSONParser().parse(json).root))
    }

    @Test("two spellings of one text are one answer; other texts, calls and classes are not")
    func sameness() throws {
        let plain = try record(#"{"status":"ok","response":"é/","latency_ms":3,"cost_usd":0.5}"#)
        let escaped = try record(#"{"status":"ok","response":"\u00e9\/"}"#)
        let other = try record(#"{"status":"ok","response":"e"}"#)
        let called = try record(#"{"status":"ok","response":"é/","tool_calls":"[1]"}"#)
        let failed = try record(#"{"status":"failed","class":"timeout"}"#)
        var counts = ComparedCounts()
        let key = RecordKey("k")
        #expect(counts.add(key, plain, escaped) == nil)
        #expect(counts.add(key, plain, other)?.change == .answer)
        #expect(counts.add(key, plain, called)?.change == .answer)
        #expect(counts.add(key, plain, failed)?.change == .failed)
        #expect(counts.add(key, failed, plain)?.change == .answered)
        #expect(counts.add(key, failed, failed) == nil)
        #expect(counts.add(key, plain, nil)?.change == .onlyA)
        #expect((counts.same, counts.changed, counts.failed, counts.answered, counts.onlyA) == (2, 2, 1, 1, 1))
        #expect(counts.bothAnswered == 3 && counts.sumsA.milliseconds == 9 && counts.sumsA.cost == 1_500_000_000)
    }

    @Test("nonsense in numbers does no harm")
    func nonsense() throws {
        let odd = try record(#"{"status":"ok","latency_ms":-5,"usage":{"completion_tokens":9223372036854775807}}"#)
        var counts = ComparedCounts()
        for _ in 0..<3 { _ = counts.add(RecordKey("k"), odd, odd) }
        #expect(counts.sumsA.completionTokens == .max && counts.sumsA.milliseconds == 0)
        #expect(!counts.lines(["a", "b"]).isEmpty)
    }
}
