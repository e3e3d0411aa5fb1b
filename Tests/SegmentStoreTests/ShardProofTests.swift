import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Three shards of an input of 60 rows, two samples each, and what a merge of them proves.
@Suite struct ShardProofTests {
    private let files = SimulatedFileSystem(seed: 3)
    private var options: StoreOptions { StoreFixture.options(files, block: 900, segment: 1500) }
    private static let rows = 60

    private func shard(
        _ number: Int, _ rows: [Int], samples: [UInt32] = [0, 1], named: String = "item", input: UInt64 = 5,
        content: String = "ab", whole: Int? = ShardProofTests.rows
    ) throws -> String {
        let root = "/shard-\(number)-\(named)-\(rows.count)"
        let store = try RecordStore.create(
            root, job: [:], failureClasses: StoreFixture.classes, tallies: ["n"], samples: 2, options: options)
        try store.beginInput(
            identity: Hash128(high: input, low: UInt64(number) << 2), files: ["rows.jsonl"],
            part: StoreManifest.Part(shard: Shard(number, of: 3)!, content: content))
        for row in rows {
            for sample in samples {
                var record = StoreFixture.record(row, failing: row % 7 == 3 ? 1 : nil)
                record.key = RecordKey("\(named)-\(row)", sample: sample)
                _ = try store.append([record])
            }
        }
        if let whole { try store.endInput(rows: UInt64(rows.count), of: UInt64(whole), elsewhere: 0) }
        try store.close()
        return root
    }

    private func prove(_ roots: [String], itemsPerPass: UInt64? = nil) throws -> ShardProof? {
        let whole = ShardProof.Whole(try roots.compactMap { try RecordStore.manifest(of: $0, files: files) })
        _ = try StoreMerge.run(roots, into: "/merged", options: options)
        return try whole.map {
            try ShardProof.run("/merged", whole: $0, options: options, itemsPerPass: itemsPerPass)
        }
    }

    private func parts() -> [[Int]] { (1...3).map { number in (0..<Self.rows).filter { $0 % 3 == number - 1 } } }

    @Test(arguments: [nil, 64, 7, 1] as [UInt64?])
    func allShardsAreTheWhole(itemsPerPass: UInt64?) throws {
        let roots = try parts().enumerated().map { try shard($0.offset + 1, $0.element) }
        let proof = try #require(try prove(roots, itemsPerPass: itemsPerPass))
        #expect(proof.holds && proof.items == 120 && proof.proven == 120 && proof.missingRows.isEmpty)
    }

    @Test(arguments: [nil, 64] as [UInt64?])
    func whatIsMissingIsNamed(itemsPerPass: UInt64?) throws {
        let (first, second, third) = (parts()[0], parts()[1], parts()[2])
        let roots = [
            try shard(1, first), try shard(2, second.filter { $0 != 31 }), try shard(3, third, samples: [1]),
        ]
        let proof = try #require(try prove(roots, itemsPerPass: itemsPerPass))
        #expect(!proof.holds && proof.missing == 2 + 20 && proof.doubled == 0)
        #expect(proof.missingRows.prefix(2) == [2, 5] && proof.missingRows.count == ShardProof.rowsShownMax)
    }

    @Test func rowsWithTwoOutcomesAreNamed() throws {
        let roots = try parts().enumerated().map { try shard($0.offset + 1, $0.element) }
        let twice = try shard(1, [12, 15], named: "again")
        let proof = try #require(try prove(roots + [twice]))
        #expect(!proof.holds && proof.missing == 0 && proof.doubled == 4 && proof.doubledRows == [12, 12, 15, 15])
    }

    @Test func rowsOfNoneOrOfAnotherInputAreStrangers() throws {
        let roots = try parts().enumerated().map { try shard($0.offset + 1, $0.element) }
        let beyond = try shard(2, [60, 1 << 40 - 1], named: "beyond")
        let proof = try #require(try prove(roots + [beyond]))
        #expect(!proof.holds && proof.missing == 0 && proof.strangers == 4)
    }

    @Test func shardsOfDifferentInputsProveNothing() throws {
        #expect(try prove([try shard(1, parts()[0]), try shard(2, parts()[1], content: "cd")]) == nil)
    }

    @Test func shardsThatNeverReadTheirInputProveNothing() throws {
        #expect(try prove([try shard(1, parts()[0], whole: nil), try shard(2, parts()[1], whole: nil)]) == nil)
    }

    @Test func anInputOfAbsurdSizeIsRefused() throws {
        let roots = [try shard(1, [1], whole: 1 << 40)]
        let error = #expect(throws: RetortError.self) { try prove(roots, itemsPerPass: 1 << 20) }
        #expect(error?.code == .badInput)
    }

    @Test func blocksAreListedWithTheirBytes() throws {
        let reader = try StoreReader(try shard(1, parts()[0]), options: options)
        var places: [BlockPlace] = []
        try reader.forEachBlock { (place, bytes) throws(RetortError) in
            places.append(place)
            #expect(try reader.bytes(at: place) == Array(bytes))
        }
        #expect(places.count > 2 && places.reduce(0) { $0 + $1.records } == 40)
        #expect(Set(places.map(\.lane)).count == 2)
        var beyond = places[0]
        beyond.offset = 1 << 30
        #expect(try reader.bytes(at: beyond).isEmpty)
        beyond.offset = -1
        #expect(throws: RetortError.self) { try reader.bytes(at: beyond) }
    }
}
