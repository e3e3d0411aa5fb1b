import Basics
import Gzip
import Testing

@Suite struct GzipWriterTests {
    @Test(arguments: GzipWriter.levels) func zcatReadsEveryLevel(level: Int) throws {
        let raw = sampleBytes(count: 400_000, seed: UInt64(level))
        #expect(try shell("zcat < input > output", input: gzipped(raw, level: level)) == raw)
    }

    @Test func manySmallWritesAreOneMember() throws {
        let raw = sampleBytes(count: 50_000, seed: 9)
        let output = Locked<[UInt8]>([])
        let writer = GzipWriter { piece in output.withLock { $0.append(contentsOf: piece) } }
        for start in stride(from: 0, to: raw.count, by: 77) {
            try writer.write(Array(raw[start..<min(start + 77, raw.count)]))
            try writer.write([])
        }
        try writer.finish()
        try writer.finish()
        let file = output.withLock { $0 }
        #expect(try file == gzipped(raw))
        #expect(gunzipped(file).bytes == raw)
    }

    @Test func nothingWrittenIsAnEmptyMember() throws {
        let file = try gzipped([])
        #expect(try shell("zcat < input > output", input: file).isEmpty)
        #expect(gunzipped(file).error == nil)
    }

    @Test func theHeaderHoldsNoTimeAndNoName() throws {
        let file = try gzipped(Array("abc".utf8))
        #expect(file.prefix(4) == [0x1F, 0x8B, 8, 0])
        #expect(file[4..<8].allSatisfy { $0 == 0 })
    }

    @Test func theSinksErrorComesThrough() {
        let full = RetortError(.noSpace, "no space left on the disk")
        let writer = GzipWriter { (_) throws(RetortError) in throw full }
        #expect(throws: full) {
            try writer.write(sampleBytes(count: 1_000_000, seed: 1))
            try writer.finish()
        }
    }
}
