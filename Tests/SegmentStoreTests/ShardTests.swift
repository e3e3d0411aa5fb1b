import Basics
import Testing

@testable import SegmentStore

@Suite struct ShardTests {
    @Test func numbersAndCountsAreBounded() {
        #expect(Shard(1, of: 1) != nil && Shard(Shard.countMax, of: Shard.countMax) != nil)
        for (number, count) in [(0, 4), (5, 4), (-1, 4), (1, 0), (1, Shard.countMax + 1), (Int.max, Int.max)] {
            #expect(Shard(number, of: count) == nil)
        }
    }

    @Test(arguments: [1, 2, 3, 7, 64, 1000, Shard.countMax])
    func eachHashFallsToOneShard(count: Int) {
        var random = SystemRandomNumberGenerator()
        for hash in [0, 1, .max, .max / 2, .max / 3] + (0..<200).map({ _ in random.next() as UInt64 }) {
            let number = Shard.number(of: hash, in: count)
            #expect((1...count).contains(number))
            #expect(Shard(number, of: count)!.contains(hash))
            if number > 1 { #expect(!Shard(number - 1, of: count)!.contains(hash)) }
        }
    }

    @Test func namesSpreadEvenly() {
        var counts = [Int](repeating: 0, count: 16)
        for number in 0..<16_000 {
            counts[Shard.number(of: Shard.hash(of: Array("row-\(number)".utf8)), in: 16) - 1] += 1
        }
        // Five standard deviations of a fair division.
        #expect(counts.allSatisfy { abs($0 - 1000) < 160 })
    }

    /// By testing every boundary of the finest division of both.
    @Test func overlapIsThatOfTheirStretches() {
        let fine = 420
        for (m, n) in [(1, 2), (2, 3), (3, 7), (4, 6), (7, 7)] {
            for a in 1...m {
                for b in 1...n {
                    let (first, second) = (Shard(a, of: m)!, Shard(b, of: n)!)
                    let shares = (0..<fine).contains { piece in
                        let hash = UInt64(piece) * (.max / UInt64(fine)) + 1000
                        return first.contains(hash) && second.contains(hash)
                    }
                    #expect(first.overlaps(second) == shares && second.overlaps(first) == shares)
                }
            }
        }
    }

    @Test func rowsOfOtherShardsHoldNoLandmarkBack() throws {
        let context = StoreContext(
            root: "/nowhere",
            manifest: StoreManifest(storeID: 7, job: [:], failureClasses: [], samples: 2), options: StoreOptions())
        var index = StoreIndex(context)
        index.setInput(identity: Hash128(high: 1, low: 4), since: [0, 0])
        index.noteLandmark(InputLandmark(row: 2, file: 0, byteOffset: 20, line: 3))
        index.noteRowOfAnotherShard(0)
        #expect(index.inputProgress().landmark == .start)
        index.noteRowOfAnotherShard(1)
        #expect(index.inputProgress().landmark.row == 2 && index.inputProgress().ledger.low == 4)
    }

    @Test func aManifestSaysWhatPartItIs() throws {
        var input = StoreManifest.Input(
            identity: "", files: [], rows: 10, part: StoreManifest.Part(shard: Shard(2, of: 3)!, content: "00"))
        #expect(input.items(samples: 2) == 20)
        input.part?.elsewhere = 3
        #expect(input.items(samples: 2) == 17)
        input.part?.elsewhere = 300
        #expect(input.items(samples: 2) == 0)
    }
}
