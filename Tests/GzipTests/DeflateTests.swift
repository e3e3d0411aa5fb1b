import Basics
import Gzip
import Testing

@Suite struct DeflateTests {
    private func deflated(_ bytes: [UInt8], level: Int) -> [UInt8] {
        var output: [UInt8] = []
        bytes.withUnsafeBytes { DeflateCompressor(level: level).compress($0, into: &output) }
        return output
    }

    private func inflated(_ bytes: [UInt8], rawLength: Int) throws -> [UInt8] {
        try bytes.withUnsafeBytes { try DeflateDecompressor().decompress($0, rawLength: rawLength) }
    }

    @Test(arguments: DeflateCompressor.levels) func everyLevelRoundTrips(level: Int) throws {
        let raw = sampleBytes(count: 100_000, seed: UInt64(level))
        let stream = deflated(raw, level: level)
        #expect(stream.count < raw.count && stream.count <= Deflate.bound(raw.count))
        #expect(try inflated(stream, rawLength: raw.count) == raw)
    }

    @Test(arguments: [0, 1, 2, 63, 65_536, 300_000]) func everySizeRoundTrips(size: Int) throws {
        let raw = sampleBytes(count: size, seed: 7)
        #expect(try inflated(deflated(raw, level: 6), rawLength: size) == raw)
    }

    @Test func aCompressorIsReusedAndAppends() throws {
        let compressor = DeflateCompressor(level: 6)
        var output: [UInt8] = [1, 2, 3]
        var ends: [Int] = []
        let raws = (0..<20).map { sampleBytes(count: $0 * 1_000, seed: UInt64($0)) }
        for raw in raws {
            raw.withUnsafeBytes { compressor.compress($0, into: &output) }
            ends.append(output.count)
        }
        #expect(output.prefix(3) == [1, 2, 3])
        for (index, raw) in raws.enumerated() {
            let start = index == 0 ? 3 : ends[index - 1]
            #expect(try inflated(Array(output[start..<ends[index]]), rawLength: raw.count) == raw)
        }
    }

    @Test func aRunOfOneByteReachesTheGreatestExpansion() throws {
        let raw = [UInt8](repeating: 0, count: 10_000_000)
        let stream = deflated(raw, level: 12)
        #expect(raw.count / stream.count <= Deflate.expansionMax)
        #expect(try inflated(stream, rawLength: raw.count) == raw)
    }

    @Test(arguments: [-1, 0, 9_999, 10_001, Int.max]) func aWrongLengthIsDamage(length: Int) {
        let stream = deflated(sampleBytes(count: 10_000, seed: 1), level: 6)
        #expect { try inflated(stream, rawLength: length) } throws: { ($0 as? RetortError)?.code == .damagedData }
    }

    @Test func whatFollowsTheStreamIsDamage() {
        let stream = deflated(sampleBytes(count: 10_000, seed: 1), level: 6) + [0]
        #expect { try inflated(stream, rawLength: 10_000) } throws: { ($0 as? RetortError)?.code == .damagedData }
    }

    @Test func everyCutIsDamage() {
        let raw = sampleBytes(count: 500, seed: 3)
        let stream = deflated(raw, level: 6)
        for cut in 0..<stream.count {
            #expect(throws: RetortError.self, "cut at \(cut)") {
                try inflated(Array(stream[..<cut]), rawLength: raw.count)
            }
        }
    }

    @Test func checksumsMatchTheStandardsCheckValue() {
        // The check value of CRC-32/ISO-HDLC: the checksum of "123456789".
        let check: UInt32 = 0xCBF4_3926
        let digits = Array("123456789".utf8)
        #expect(digits.withUnsafeBytes { CRC32.checksum($0) } == check)
        let first = digits[..<4].withUnsafeBytes { CRC32.checksum($0) }
        #expect(digits[4...].withUnsafeBytes { CRC32.checksum($0, continuing: first) } == check)
        #expect(CRC32.checksum(UnsafeRawBufferPointer(start: nil, count: 0), continuing: check) == check)
        #expect(CRC32.checksum(UnsafeRawBufferPointer(start: nil, count: 0)) == 0)
    }
}
