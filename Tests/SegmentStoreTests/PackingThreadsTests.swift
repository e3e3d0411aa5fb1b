import Basics
import TestSupport
import Testing

@testable import SegmentStore

@Suite struct PackingThreadsTests {
    private func raw(_ number: Int) -> [UInt8] {
        Array((0..<300).map { "{\"n\":\(number * $0 % 997)}\n" }.joined().utf8)
    }

    private func threads(_ threadsMax: Int) -> PackingThreads {
        PackingThreads(threadsMax: threadsMax, givesWay: false) { BlockCodec(level: 6, writesChecks: true) }
    }

    @Test func everyBlockIsCompressedAsTheCodecDoesIt() {
        let threads = threads(3)
        defer { threads.stop() }
        let codec = BlockCodec(level: 6, writesChecks: true)
        for round in 0..<5 {
            let jobs = (0..<60).map { threads.submit(raw(round * 60 + $0)) }
            for job in jobs {
                let packed = job.result(codec)
                #expect(packed.member == codec.packed(job.raw).member)
                // A second question, after a full disk, compresses nothing.
                #expect(job.result(codec).checksum == packed.checksum)
            }
        }
        #expect((1...3).contains(threads.count))
    }

    @Test func aSingleBlockIsLeftToTheSealer() {
        let threads = threads(3)
        let codec = BlockCodec(level: 6, writesChecks: true)
        for number in 0..<20 { #expect(threads.submit(raw(number)).result(codec).rawBytes == raw(number).count) }
        #expect(threads.count == 0)
        threads.stop()
    }

    @Test func afterItsEndTheSealerCompressesWhatIsLeft() {
        let threads = threads(2)
        let codec = BlockCodec(level: 6, writesChecks: true)
        let jobs = (0..<20).map { threads.submit(raw($0)) }
        threads.stop()
        let late = threads.submit(raw(20))
        for job in jobs + [late] { #expect(job.result(codec).member == codec.packed(job.raw).member) }
    }

    @Test(arguments: [0, 1, 4])
    func theStoreIsTheSame(threadsMax: Int) throws {
        let files = SimulatedFileSystem(seed: 9)
        var options = StoreFixture.options(files, block: 4000, segment: 60_000)
        options.usesThread = true
        options.packingThreadsMax = threadsMax
        let store = try StoreFixture.create(options)
        for start in stride(from: 0, to: 3000, by: 500) {
            _ = try store.append((start..<start + 500).map { StoreFixture.record($0) })
        }
        try store.close()
        let lines = try StoreFixture.lines(.responses, options)
        #expect(lines.count == 3000)
        for number in 0..<3000 {
            let record = StoreFixture.record(number)
            #expect(lines[record.key.description] == StoreFixture.line(record))
        }
    }
}
