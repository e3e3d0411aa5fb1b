import Basics
import Glibc
import TestSupport

@testable import SegmentStore

/// Shared by the store's tests: records whose content follows from their number, and stores with small limits.
enum StoreFixture {
    static let root = "/store"
    static let classes = ["timeout", "server", "bad_input"]

    static func options(
        _ files: any FileSystem, block: Int = 600, segment: Int = 3000, journal: Int = 900, delta: Int = 40
    ) -> StoreOptions {
        var options = StoreOptions()
        options.files = files
        options.usesThread = false
        options.compressionLevel = 1
        options.blockRawBytes = block
        options.segmentBytes = segment
        options.tuning = StoreTuning(
            journalBytes: journal, deltaEntriesMax: delta, runRatio: 3, runUnsyncedEntriesMax: 8)
        options.recount = { line in
            // The body states its own number, so that sums can be checked.
            line.withUnsafeBytes { buffer in
                let end = buffer.baseAddress! + buffer.count - 4
                var at = buffer.baseAddress!
                while at < end, let quote = memchr(at, 0x22, end - at) {
                    at = UnsafeRawPointer(quote)
                    if memcmp(at, "\"n\":", 4) == 0 { return Tallies([number(at + 4)]) }
                    at += 1
                }
                return Tallies()
            }
        }
        return options
    }

    private static func number(_ digits: UnsafeRawPointer) -> UInt64 {
        UInt64(strtoull(digits.assumingMemoryBound(to: CChar.self), nil, 10))
    }

    static func record(_ number: Int, failing: UInt8? = nil, attempts: UInt32 = 1) -> NewRecord {
        let filler = String(repeating: "abc \(number) ", count: number % 9)
        return NewRecord(
            key: RecordKey("item-\(number)"), status: failing.map { .failed(classIndex: $0) } ?? .ok,
            attempts: attempts, row: UInt64(number), fingerprint: UInt64(number) &* 7919,
            members: Array("\"n\":\(number),\"text\":\"\(filler)\"".utf8), tallies: Tallies([UInt64(number)]))
    }

    /// A paid answer to an item that is not an outcome.
    static func round(_ item: Int, _ number: UInt32, stating tally: Int) -> NewRecord {
        beside(RecordKey("item-\(item)", part: .round(number)), .round, item, tally)
    }

    static func verdict(_ item: Int, of verifier: String, stating tally: Int) -> NewRecord {
        beside(RecordKey("item-\(item)", part: .verdict(verifier)), .verdict, item, tally)
    }

    private static func beside(_ key: RecordKey, _ status: RecordStatus, _ item: Int, _ tally: Int) -> NewRecord {
        NewRecord(
            key: key, status: status, attempts: 1, row: UInt64(item), fingerprint: UInt64(tally),
            members: Array("\"n\":\(tally),\"text\":\"\(String(repeating: "x", count: tally % 50))\"".utf8),
            tallies: Tallies([UInt64(tally)]))
    }

    static func line(_ record: NewRecord) -> [UInt8] {
        var line: [UInt8] = []
        RecordHead.appendLine(of: record, classes: FailureClasses(classes), to: &line)
        return line
    }

    static func create(_ options: StoreOptions) throws(RetortError) -> RecordStore {
        try RecordStore.create(
            root, job: ["model": "m"], failureClasses: classes, tallies: ["n"], options: options)
    }

    /// The lines that a reader finds in a lane, by id.
    static func lines(_ lane: Lane, _ options: StoreOptions) throws -> [String: [UInt8]] {
        try lines(lane, StoreReader(root, options: options))
    }

    static func lines(_ lane: Lane, _ reader: StoreReader) throws -> [String: [UInt8]] {
        var lines: [String: [UInt8]] = [:]
        var duplicates = 0
        try reader.forEach(lane) { record throws(RetortError) in
            if lines.updateValue(record.line, forKey: record.head.key.description) != nil { duplicates += 1 }
        }
        if duplicates > 0 { throw RetortError(.damagedData, "\(duplicates) records were read twice") }
        return lines
    }

    /// Every line in the segments, in order, whether it is valid or superseded.
    static func rawLines(_ options: StoreOptions) throws -> [(Lane, [UInt8])] {
        let manifest = try StoreManifest.load(StoreLayout(root: root), files: options.files)
        let context = StoreContext(root: root, manifest: manifest, options: options)
        let codec = BlockCodec()
        var lines: [(Lane, [UInt8])] = []
        for lane in Lane.allCases {
            for number in try context.segmentNumbers(lane) {
                let reader = try context.segment(lane, number)
                let size = try reader.file.size()
                var walk = SegmentWalk(reader, from: 0, size: size, durableBytes: size, checksEveryPayload: true)
                scan: while true {
                    switch try walk.next() {
                    case .block(let header):
                        let block = try reader.block(header, codec: codec)
                        lines += block.lineRanges.map { (lane, Array(block.raw[$0])) }
                    case .end where size > 0: break scan
                    case let other: throw RetortError(.damagedData, "\(other) in \(reader.file.path)")
                    }
                }
            }
        }
        return lines
    }

    /// Where the blocks of a segment begin.
    static func rawBlockOffsets(_ content: [UInt8]) throws -> [Int] {
        var offsets: [Int] = []
        var at = 0
        while at < content.count, let header = content[at...].withUnsafeBytes({ BlockHeader.decode($0) }) {
            offsets.append(at)
            at += header.memberBytes
        }
        return offsets
    }
}
