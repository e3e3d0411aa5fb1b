import Basics
import Gzip
import TestSupport
import Testing

@testable import SegmentStore

/// What is recovered from a damaged block: never a line that was not in it.
@Suite struct BlockRescueTests {
    private static let lane = Lane.responses

    /// A store of one block, with or without line checksums, and the block's gzip member.
    private struct Sample {
        let files = SimulatedFileSystem(seed: 1)
        let raw: [UInt8]
        let member: [UInt8]
        let header: BlockHeader
        let reader: SegmentReader

        init(records: Int, width: Int, writesChecks: Bool) throws {
            var random = SeededGenerator(seed: 7)
            var raw: [UInt8] = []
            for number in 0..<records {
                let text = (0..<width).map { _ in "abcdefghijklmnop".randomElement(using: &random)! }
                raw += Array("{\"id\":\"\(number)\",\"text\":\"\(String(text))\"}\n".utf8)
            }
            self.raw = raw
            let blank = BlockHeader(
                lane: lane, records: records, memberBytes: 0, rawBytes: 0, previousBytes: 0, storeID: 9, segment: 1,
                offset: 0, firstSequence: 0, durableBytes: 0, payloadChecksum: 0)
            (member, header) = BlockCodec(level: 6, writesChecks: writesChecks).encode(raw, header: blank)
            let path = StoreLayout(root: "/store").segment(lane, 1)
            files.overwrite(path, with: member)
            reader = try SegmentReader(
                lane, 1, storeID: 9, layout: StoreLayout(root: "/store"), files: files)
        }

        func rescue(_ bytes: [UInt8], hashingLeft: Int = BlockRescue.hashingMax) -> BlockRescue.Found {
            var rescue = BlockRescue(reader, hashingLeft: hashingLeft)
            return rescue.rescue(bytes, at: 0)
        }

        /// The number of recovered records; each of them must be one of the block's.
        func kept(_ found: BlockRescue.Found, _ place: Comment) -> Int {
            switch found {
            case .nothing: return 0
            case .lines(let header, let lines):
                #expect(header.nextSequence == self.header.nextSequence, place)
                #expect(lines.last == 0x0A && raw.starts(with: lines), place)
                return lines.lineRanges.count
            case .whole(let header, let bytes):
                #expect(header == self.header && bytes == member, place)
                return header.records
            }
        }
    }

    /// Each bit of a block: with the flipped one corrected, everything is recovered.
    @Test(arguments: [true, false])
    func anyOneBitIsPutRight(writesChecks: Bool) throws {
        let sample = try Sample(records: 5, width: writesChecks ? 1000 : 60, writesChecks: writesChecks)
        #expect(sample.header.hasChecks == writesChecks)
        let step = writesChecks ? 13 : 1
        for bit in stride(from: 0, to: sample.member.count * 8, by: step) {
            var bytes = sample.member
            bytes[bit / 8] ^= 1 << (bit % 8)
            guard case .whole = sample.rescue(bytes) else {
                Issue.record("bit \(bit)")
                continue
            }
            #expect(sample.kept(sample.rescue(bytes), "bit \(bit)") == 5)
        }
    }

    /// Several bytes are lost: only the lines before them are proven and recovered.
    @Test func whatComesBeforeWiderDamageIsProven() throws {
        let sample = try Sample(records: 200, width: 300, writesChecks: true)
        var kept: [Int] = []
        for eighth in 0..<8 {
            let at =
                sample.header.payloadStart + (sample.header.payloadEnd - sample.header.payloadStart) * eighth / 8 + 20
            for pattern in [[UInt8](repeating: 0, count: 40), [0x55, 0xAA, 0x55], Array(sample.member[100..<140])] {
                var bytes = sample.member
                for (index, byte) in pattern.enumerated() {
                    bytes[at + index] = byte ^ (pattern.count == 3 ? bytes[at + index] : 0)
                }
                let count = sample.kept(sample.rescue(bytes, hashingLeft: 0), "at \(at)")
                if pattern.count == 3 { kept.append(count) }
            }
        }
        // One eighth more with each step.
        #expect(kept == kept.sorted() && kept[0] == 0)
        #expect(kept[7] >= 200 * 6 / 8)
    }

    /// Random damage of every kind, with seeds.
    @Test func randomDamageNeverGivesAWrongLine() throws {
        let samples = try [true, false].map { try Sample(records: 60, width: 200, writesChecks: $0) }
        for seed in 0..<300 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let sample = samples[Int(seed % 2)]
            var bytes = sample.member
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] ^= UInt8.random(in: 1...255, using: &random)
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + 3))
                case 2: bytes.replaceSubrange(at..<min(bytes.count, at + 9), with: [UInt8](repeating: 0, count: 9))
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            _ = sample.kept(sample.rescue(bytes, hashingLeft: 1 << 24), "seed \(seed)")
        }
    }

    @Test func aSearchEndsWithItsBudget() throws {
        let sample = try Sample(records: 5, width: 60, writesChecks: false)
        var bytes = sample.member
        bytes[sample.header.payloadStart] ^= 1
        guard case .nothing = sample.rescue(bytes, hashingLeft: 10) else {
            Issue.record("it was found")
            return
        }
    }

    @Test func checksAreSmall() throws {
        let sample = try Sample(records: 1000, width: 480, writesChecks: true)
        #expect(BlockChecks.bytes * 1000 < sample.member.count)
        let small = try Sample(records: 2, width: 60, writesChecks: true)
        #expect(!small.header.hasChecks)
    }

    /// A block of one long line has nothing before the damage; one of lines longer than a stretch has.
    @Test(arguments: [1, 2, 3, 9])
    func linesMayBeLong(records: Int) throws {
        let sample = try Sample(records: records, width: 20_000, writesChecks: true)
        var bytes = sample.member
        bytes[sample.header.payloadEnd - 100] ^= 0x55
        let kept = sample.kept(sample.rescue(bytes, hashingLeft: 0), "\(records)")
        #expect(kept <= records && (records < 3 || kept > 0))
    }

    @Test func partOfAStreamCanBeRead() {
        let raw = Array(String(repeating: "the same and the same, ", count: 500).utf8)
        var deflated: [UInt8] = []
        raw.withUnsafeBytes { DeflateCompressor(level: 6).compress($0, into: &deflated) }
        func read(_ bytes: [UInt8], _ count: Int) -> PartialInflate {
            bytes.withUnsafeBytes { PartialInflate($0, atMost: count) }
        }
        #expect(read(deflated, raw.count).bytes == raw)
        #expect(read(deflated, 100).bytes == Array(raw.prefix(100)))
        let cut = read(Array(deflated.prefix(deflated.count / 2)), raw.count)
        #expect(!cut.bytes.isEmpty && raw.starts(with: cut.bytes))
        #expect(read([], 10).bytes.isEmpty && read([0xFF, 0xFF], 10).bytes.isEmpty && read(deflated, -1).bytes.isEmpty)
    }
}
