import Basics

/// How much of a lane the sorted runs cover.
struct Coverage: Sendable, Hashable {
    /// Blocks of earlier segments, and of this one below `offset`, are in the runs.
    var segment: UInt32 = 1
    var offset = 0
    /// The sequence number of the first record not covered.
    var nextSequence: UInt64 = 0
    /// Where in the segment's hint log the first group not covered begins.
    var hintBytes = 0
    /// The size of the last covered block of the segment; 0 when there is none.
    var previousBytes = 0
}

/// The state of the index at one moment: `index/checkpoint`, replaced as a whole. It may be lost, but is never wrong.
struct Checkpoint: Sendable {
    static let magic: [UInt8] = Array("RTCP".utf8)
    /// Version 1 knew two lanes.
    static let version: UInt32 = 2

    var storeID: UInt64
    var nextRunNumber: UInt64 = 1
    var coverage: [Lane: Coverage] = [:]
    var runs: [Lane: [UInt64]] = [:]
    var counters = StoreCounters()
    var input = InputProgress()

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(storeID)
        writer.append(nextRunNumber)
        for lane in Lane.allCases {
            let coverage = coverage[lane] ?? Coverage()
            writer.append(coverage.segment)
            writer.append(UInt64(coverage.offset))
            writer.append(coverage.nextSequence)
            writer.append(UInt64(coverage.hintBytes))
            writer.append(UInt32(coverage.previousBytes))
            let runs = runs[lane] ?? []
            writer.append(UInt32(runs.count))
            for run in runs { writer.append(run) }
        }
        counters.encode(into: &writer)
        input.encode(into: &writer)
        writer.append(writer.bytes.withUnsafeBytes { ContentHash.hash64($0) })
        return writer.bytes
    }

    /// Nil if the bytes are truncated, damaged, of another store or version, or invalid: the index is then rebuilt.
    static func decode(_ bytes: [UInt8], storeID: UInt64) -> Checkpoint? {
        bytes.withUnsafeBytes { buffer in
            guard isWhole(buffer) else { return nil }
            var reader = ByteReader(buffer.slice(4, buffer.count - 12))
            guard reader.read(UInt32.self) == version, reader.read(UInt64.self) == storeID else { return nil }
            return decodeBody(&reader, storeID: storeID)
        }
    }

    private static func isWhole(_ buffer: UnsafeRawBufferPointer) -> Bool {
        buffer.count > 16 && buffer.prefix(4).elementsEqual(magic)
            && buffer.load(littleEndianAt: buffer.count - 8, as: UInt64.self)
                == ContentHash.hash64(buffer.slice(0, buffer.count - 8))
    }

    /// Whether the bytes are a complete checkpoint of an earlier version, which is unusable but not damaged.
    static func isEarlier(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { isWhole($0) && $0.load(littleEndianAt: 4, as: UInt32.self) < version }
    }

    private static func decodeBody(_ reader: inout ByteReader, storeID: UInt64) -> Checkpoint? {
        var checkpoint = Checkpoint(storeID: storeID)
        guard let nextRunNumber = reader.read(upTo: StoreLimits.sequencesMax) else { return nil }
        checkpoint.nextRunNumber = nextRunNumber
        for lane in Lane.allCases {
            guard let coverage = decodeCoverage(&reader), let runs = decodeRuns(&reader, below: nextRunNumber) else {
                return nil
            }
            checkpoint.coverage[lane] = coverage
            checkpoint.runs[lane] = runs
        }
        guard let counters = StoreCounters.decode(&reader), let input = InputProgress.decode(&reader), reader.isAtEnd
        else {
            return nil
        }
        checkpoint.counters = counters
        checkpoint.input = input
        return checkpoint
    }

    private static func decodeCoverage(_ reader: inout ByteReader) -> Coverage? {
        let segmentBytesMax = UInt64(StoreLimits.segmentBytesMax)
        guard let segment = reader.read(UInt32.self), StoreLayout.isSegment(segment),
            let offset = reader.read(upTo: segmentBytesMax), let sequence = reader.read(upTo: StoreLimits.sequencesMax),
            let hintBytes = reader.read(upTo: StoreLimits.sequencesMax), let previous = reader.read(UInt32.self),
            UInt64(previous) <= offset
        else { return nil }
        return Coverage(
            segment: segment, offset: Int(offset), nextSequence: sequence, hintBytes: Int(hintBytes),
            previousBytes: Int(previous))
    }

    /// A run number that is not assigned yet, or is named twice, is invalid.
    private static func decodeRuns(_ reader: inout ByteReader, below next: UInt64) -> [UInt64]? {
        guard let count = reader.read(UInt32.self), count <= StoreLimits.runsMax else { return nil }
        var runs: [UInt64] = []
        for _ in 0..<count {
            guard let run = reader.read(UInt64.self), run < next, !runs.contains(run) else { return nil }
            runs.append(run)
        }
        return runs
    }
}
