import Basics
import Gzip
import TestSupport
import Testing

@Suite struct GzipReaderTests {
    /// A member with every optional header field: FTEXT, FHCRC, FEXTRA, FNAME, FCOMMENT.
    private func memberWithEveryField(_ raw: [UInt8]) -> [UInt8] {
        var member: [UInt8] = [0x1F, 0x8B, 8, 0x1F, 1, 2, 3, 4, 0, 255]
        member += [6, 0, 0x52, 0x54, 2, 0, 9, 9]
        member += Array("name".utf8) + [0] + Array("a comment".utf8) + [0]
        let headerChecksum = member.withUnsafeBytes { CRC32.checksum($0) }
        member += [UInt8(truncatingIfNeeded: headerChecksum), UInt8(truncatingIfNeeded: headerChecksum >> 8)]
        raw.withUnsafeBytes { DeflateCompressor(level: 9).compress($0, into: &member) }
        for word in [raw.withUnsafeBytes { CRC32.checksum($0) }, UInt32(raw.count)] {
            member += (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        return member
    }

    @Test func roundTripsBySeed() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("gzip round trips: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<30 {
            let raws = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                sampleBytes(count: Int.random(in: 0...50_000, using: &random), seed: random.next())
            }
            let file = try raws.flatMap { try gzipped($0, level: Int.random(in: 1...9, using: &random)) }
            let reading = gunzipped(
                file, chunk: Int.random(in: 1...9_000, using: &random), room: Int.random(in: 1...9_000, using: &random))
            #expect(reading.error == nil, "seed \(seed)")
            #expect(reading.bytes == raws.flatMap { $0 }, "seed \(seed)")
            #expect(reading.compressedOffset == UInt64(file.count), "seed \(seed)")
        }
    }

    @Test func understandsEveryHeaderField() throws {
        let raw = sampleBytes(count: 5_000, seed: 1)
        let file = memberWithEveryField(raw) + memberWithEveryField([]) + memberWithEveryField(raw)
        #expect(try shell("zcat < input > output", input: file) == raw + raw)
        for chunk in [1, 3, 1 << 20] {
            let reading = gunzipped(file, chunk: chunk)
            #expect(reading.error == nil)
            #expect(reading.bytes == raw + raw)
        }
    }

    @Test(arguments: [1, 6, 9]) func readsWhatGzipWrites(level: Int) throws {
        let raw = sampleBytes(count: 1_000_000, seed: UInt64(level))
        let reading = gunzipped(try shell("gzip -\(level) < input > output", input: raw), room: 1 << 20)
        #expect(reading.error == nil)
        #expect(reading.bytes == raw)
    }

    @Test func zerosBehindTheLastMemberArePadding() throws {
        let raw = sampleBytes(count: 1_000, seed: 5)
        for zeros in [1, 2, 511, 600_000] {
            let reading = gunzipped(try gzipped(raw) + [UInt8](repeating: 0, count: zeros))
            #expect(reading.error == nil)
            #expect(reading.bytes == raw)
        }
    }

    @Test func anythingElseBehindAMemberIsAnError() throws {
        let raw = sampleBytes(count: 1_000, seed: 5)
        let member = try gzipped(raw)
        for tail in [[0x41], [0x8B, 0x1F], [0, 0, 0, 7], [0x1F, 0x8C, 8]] as [[UInt8]] {
            let reading = gunzipped(member + tail)
            #expect(reading.bytes == raw)
            #expect(reading.error?.code == .damagedData)
        }
    }

    @Test func whatIsNotGzipIsNamedSo() {
        #expect(gunzipped(Array("plain text".utf8)).error?.message == "not gzip data")
        #expect(gunzipped([]).error?.message == "the gzip file is empty")
    }

    @Test func everyCutGivesTheBytesBeforeItAndThenTheError() throws {
        let first = sampleBytes(count: 300, seed: 1)
        let second = sampleBytes(count: 300, seed: 2)
        let firstMember = try gzipped(first)
        let file = try firstMember + gzipped(second)
        var longest = 0
        for cut in 0..<file.count {
            let reading = gunzipped(Array(file[..<cut]), chunk: 17, room: 64)
            #expect((first + second).starts(with: reading.bytes), "cut at \(cut)")
            #expect(reading.bytes.count >= longest, "a longer file gives no fewer bytes, cut at \(cut)")
            longest = reading.bytes.count
            if cut == firstMember.count {
                #expect(reading.error == nil, "a cut between members cannot be seen")
                #expect(reading.bytes == first)
                continue
            }
            if cut > firstMember.count { #expect(reading.bytes.count >= first.count) }
            let error = try #require(reading.error, "cut at \(cut)")
            #expect(error.code == .damagedData && error.place == "sample.gz")
            #expect(reading.compressedOffset == UInt64(cut))
            #expect(error.cause?.contains("compressed byte \(cut), decompressed byte \(reading.bytes.count)") == true)
        }
        #expect(longest == 600)
    }

    @Test func noFlippedBitPassesUnseen() throws {
        let first = sampleBytes(count: 200, seed: 1)
        let second = sampleBytes(count: 200, seed: 2)
        let firstMember = try gzipped(first)
        let file = try firstMember + gzipped(second)
        // Nothing depends on MTIME, XFL, OS and FTEXT, nor on the padding bits in the last byte of a deflate stream.
        func mayBeFree(_ byte: Int, _ bit: Int) -> Bool {
            let member = byte < firstMember.count ? 0..<firstMember.count : firstMember.count..<file.count
            let offset = byte - member.lowerBound
            return (4...9).contains(offset) || (offset == 3 && bit == 0) || byte == member.upperBound - 9
        }
        for byte in file.indices {
            for bit in 0..<8 {
                var damaged = file
                damaged[byte] ^= 1 << UInt8(bit)
                let reading = gunzipped(damaged)
                if reading.error == nil {
                    #expect(mayBeFree(byte, bit), "bit \(bit) of byte \(byte)")
                    #expect(reading.bytes == first + second, "bit \(bit) of byte \(byte)")
                } else if byte >= firstMember.count {
                    #expect(reading.bytes.starts(with: first))
                }
            }
        }
    }

    @Test func theSourcesErrorComesThroughAndStays() {
        let broken = RetortError(.io, "the disk is gone")
        let reader = GzipReader(name: "x") { (_) throws(RetortError) in throw broken }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
        defer { buffer.deallocate() }
        for _ in 0..<2 { #expect(throws: broken) { try reader.read(into: buffer) } }
    }
}
