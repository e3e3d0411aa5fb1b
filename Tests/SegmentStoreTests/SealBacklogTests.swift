import Basics
import Testing

@testable import SegmentStore

@Suite struct SealBacklogTests {
    private func block(bytes: Int, records: Int) -> RawBlock {
        let hint = RecordHint(StoreFixture.record(1), hash: Hash128(high: 1, low: 1))
        return RawBlock(
            lane: .responses, firstSequence: 0, raw: [UInt8](repeating: 0, count: bytes),
            hints: [RecordHint](repeating: hint, count: records))
    }

    @Test(
        arguments: [
            (StoreLimits.sealQueueBytesMax / 4, 1), (1, StoreLimits.sealQueueRecordsMax / 4),
        ])
    func isLongByBytesOrByRecords(bytes: Int, records: Int) {
        var backlog = SealBacklog()
        let block = block(bytes: bytes, records: records)
        for _ in 0..<4 { backlog.add(block) }
        #expect(!backlog.isLong)
        backlog.add(block)
        #expect(backlog.isLong && !backlog.isShort)
        // Not short before half of it is used, so that appending does not stall repeatedly.
        for _ in 0..<3 {
            backlog.remove(block)
            #expect(!backlog.isLong && !backlog.isShort)
        }
        backlog.remove(block)
        #expect(backlog.isShort)
    }
}
