import Basics
import SegmentStore
import TestSupport
import Testing

@testable import StageSource

@Suite("How far a store was read")
struct SourcePositionTests {
    @Test("A position is kept as a text; other texts are none")
    func text() {
        let position = SourcePosition(
            responses: LanePosition(segment: 3, offset: 4711), failures: LanePosition(segment: 1, offset: 9), rows: 12)
        #expect(position.text == "3 4711 1 9 12")
        #expect(SourcePosition(position.text) == position)
        let others = [
            "", "1 2 3 4", "1 2 3 4 x", "1 2 3 4 5 6", "4294967296 0 0 0 0", "1 -1 0 0 0", "1  2 3 4 5",
        ]
        for text in others {
            #expect(SourcePosition(text) == nil, "\(text)")
        }
        #expect(SourcePosition("1 99999999999999999 0 0 0") == nil)
        #expect(SourcePosition("1 0 0 0 99999999999999999") == nil)
    }

    @Test("The trail stops before what is on its way, and only there", arguments: [1, 2, 3] as [UInt64])
    func trail(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var trail = PositionTrail()
        var out: [Hash128: UInt64] = [:]
        var rows: UInt64 = 0
        var passed: [UInt64] = []
        var last: UInt64 = 0
        for _ in 0..<3000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let hash = Hash128(high: seed, low: rows)
                out[hash] = rows
                trail.handOut([hash])
                rows += 1
            case 5..<7:
                trail.pass(SourcePosition(rows: rows))
                passed.append(rows)
            case 7..<9: for hash in out.keys.shuffled(using: &random).prefix(4) { out[hash] = nil }
            default:
                let found = trail.advance { out[$0] != nil }
                let first = out.values.min() ?? rows
                let expected = passed.last { $0 <= first } ?? 0
                if let found { last = found.rows }
                #expect(last == expected)
            }
        }
    }
}
