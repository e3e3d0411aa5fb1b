import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Values that no store writes, with correct checksums: rejected when they are decoded, with the field's name if a user
/// may have written it.
@Suite struct HostileFieldTests {
    // MARK: The manifest

    private static let oddFields: [(field: String, from: String, to: String)] = [
        ("samples", #""samples" : 1"#, #""samples" : 0"#),
        ("samples", #""samples" : 1"#, #""samples" : -1"#),
        ("samples", #""samples" : 1"#, #""samples" : 4000000000"#),
        ("samples", #""samples" : 1"#, #""samples" : 9223372036854775807"#),
        ("samples", #""samples" : 1"#, #""samples" : 1e300"#),
        ("samples", #""samples" : 1"#, #""samples" : "1""#),
        ("input.rows", #""rows" : 95"#, #""rows" : 9223372036854775807"#),
        ("input.rows", #""rows" : 95"#, #""rows" : 18446744073709551615"#),
        ("input.rows", #""rows" : 95"#, #""rows" : -1"#),
        ("input.since.responses", #""responses" : 0"#, #""responses" : 18446744073709551615"#),
        ("generation", #""generation" : "#, #""generation" : 922337203685477580"#),
        ("version", #""version" : 2"#, #""version" : -9223372036854775808"#),
        ("lanes", #""name" : "rounds""#, #""name" : "laps""#),
        ("lanes", #""role" : "history""#, #""role" : "opinion""#),
        ("store", #""store" : ""#, #""store" : "x"#),
        ("failure_classes", #""timeout""#, #""time\"out""#),
        ("failure_classes", #""timeout""#, (0..<65).map { "\"class\($0)\"" }.joined(separator: ",")),
        ("tallies", #""n""#, (0..<9).map { "\"tally\($0)\"" }.joined(separator: ",")),
        ("segments.", #""number" : 2"#, #""number" : 1"#),
        ("segments.", #""number" : 1,"#, #""number" : 0,"#),
        ("segments.", #""number" : 1,"#, #""number" : 4294967295,"#),
        ("number", #""number" : 1,"#, #""number" : 4294967296,"#),
        ("bytes", #""bytes" : "#, #""bytes" : -"#),
        ("bytes", #""bytes" : "#, #""bytes" : 99999999999"#),
        ("input.identity", #""identity" : "0"#, #""identity" : "x"#),
    ]

    @Test(arguments: oddFields) func oddFieldsOfTheManifest(
        _ odd: (field: String, from: String, to: String)
    ) throws {
        let sample = try SampleStore().make()
        let path = sample.path("retort.json")
        let text = String(decoding: sample.files.snapshot[path]!, as: UTF8.self)
        let changed = text.replacing(odd.from, with: odd.to, maxReplacements: odd.field == "segments." ? 9 : 1)
        try #require(changed != text, "\(odd)\n\(text)")
        sample.files.overwrite(path, with: Array(changed.utf8))
        let actions: [() throws -> Void] = [
            { _ = try StoreReader(sample.root, options: sample.options) },
            { _ = try RecordStore.open(sample.root, options: sample.options) },
            { _ = try StoreReindex.run(sample.root, options: sample.options) },
            { _ = try StoreRepair.run(sample.root, options: sample.options) },
        ]
        for action in actions {
            #expect {
                try action()
            } throws: { error in
                let error = error as? RetortError
                return error?.code == .damagedData && error?.description.contains(odd.field) == true
            }
        }
        #expect(try sample.verify().problemCounts == [.manifest: 1])
    }

    @Test func aSegmentListedSeventyTimes() throws {
        let sample = try SampleStore().make()
        let layout = StoreLayout(root: sample.root)
        var manifest = try StoreManifest.load(layout, files: sample.files)
        manifest.segments["responses"] = Array(repeating: manifest.segments["responses"]![0], count: 70)
        try manifest.save(layout, files: sample.files)
        #expect {
            try StoreReader(sample.root, options: sample.options)
        } throws: {
            ($0 as? RetortError)?.description.contains("segments.responses lists segment 1 more than once") == true
        }
    }

    // MARK: The checkpoint

    /// Each eight bytes of the checkpoint in turn are set to two extreme values, with a correct checksum.
    @Test func extremesInTheCheckpoint() throws {
        let sample = try SampleStore().make()
        let good = try sample.lines()
        let path = sample.path("index/checkpoint")
        let bytes = sample.files.snapshot[path]!
        for offset in stride(from: 16, to: bytes.count - 8, by: 4) {
            let values: [UInt64] = [.max, 1 << 63, 1 << 62, 1 << 53, 1 << 32 - 1, 0, 1]
            for value in [values[offset / 4 % 7], values[(offset / 4 + 3) % 7]] {
                let machine = sample.fork()
                machine.files.overwrite(path, with: Forgery.checkpoint(bytes, value, at: offset))
                try expectWhole(machine, good, "\(value) at byte \(offset) of the checkpoint")
            }
        }
    }

    /// Whatever the index says, the written records are served, by the reader and after the writer's recovery.
    private func expectWhole(
        _ sample: SampleStore, _ good: [Lane: [String: [UInt8]]], _ what: Comment
    ) throws {
        let segments = sample.files.snapshot.filter { $0.key.hasSuffix(".gz") }
        let reader = try StoreReader(sample.root, options: sample.options)
        let isServed = try StoreFixture.lines(.responses, reader) == good[.responses]
        #expect(isServed, what)
        if claimsMore(sample) {
            // If only the checkpoint shows that the store was longer, a writer must not overwrite that part.
            #expect(throws: RetortError.self, what) { try RecordStore.open(sample.root, options: sample.options) }
            let isUntouched = sample.files.snapshot.filter { $0.key.hasSuffix(".gz") } == segments
            return #expect(isUntouched, what)
        }
        let store = try RecordStore.open(sample.root, options: sample.options)
        for id in good[.responses]!.keys { #expect(try store.lookup(RecordKey(id))?.recordStatus == .ok, what) }
        try store.close()
        let isUntouched = sample.files.snapshot.filter { $0.key.hasSuffix(".gz") } == segments
        #expect(isUntouched, what)
    }

    /// Whether the checkpoint refers to bytes of a segment that do not exist.
    private func claimsMore(_ sample: SampleStore) -> Bool {
        let layout = StoreLayout(root: sample.root)
        guard let manifest = try? StoreManifest.load(layout, files: sample.files),
            let checkpoint = try? StoreImage.loadCheckpoint(layout, manifest, sample.files)
        else { return false }
        return Lane.allCases.contains { lane in
            guard let coverage = checkpoint.coverage[lane], coverage.offset > 0 else { return false }
            let size = sample.files.snapshot[layout.segment(lane, coverage.segment)]?.count ?? 0
            let last = UInt32(sample.count(lane))
            return size < coverage.offset && coverage.segment <= last + StoreLimits.segmentGapMax
        }
    }

    @Test func coverageThatEndsWithinABlock() throws {
        let sample = try SampleStore().make()
        let good = try sample.lines()
        let path = sample.path("index/checkpoint")
        let storeID = try #require(try RecordStore.manifest(of: sample.root, files: sample.files)).storeID
        let checkpoint = try #require(Checkpoint.decode(sample.files.snapshot[path]!, storeID: storeID))
        for lane in Lane.outcomes {
            for change in 0..<7 {
                var forged = checkpoint
                switch change {
                case 0: forged.coverage[lane]!.offset -= 1
                case 1: forged.coverage[lane]!.offset = 5
                case 2: forged.coverage[lane]!.nextSequence += 1
                case 3: forged.coverage[lane]!.nextSequence = 0
                case 4: forged.coverage[lane] = Coverage(segment: StoreLimits.segmentsMax, nextSequence: 7)
                case 5: forged.coverage[lane] = Coverage(segment: 2, nextSequence: 1 << 50)
                default: forged.coverage[lane]!.previousBytes = 0
                }
                let machine = sample.fork()
                machine.files.overwrite(path, with: forged.encoded())
                try expectWhole(machine, good, "change \(change) of the \(lane.directoryName)")
            }
        }
    }

    // MARK: Runs, hints, headers

    @Test func extremesInTheHeadOfARun() throws {
        let sample = try SampleStore().make()
        let good = try sample.lines()
        for path in sample.files.snapshot.keys.sorted() where path.hasSuffix(".idx") {
            let bytes = sample.files.snapshot[path]!
            for offset in stride(from: 4, to: 64, by: 4) {
                for value: UInt64 in [.max, 1 << 63, 1 << 62, 1 << 32, 0, 1] {
                    let machine = sample.fork()
                    machine.files.overwrite(path, with: Forgery.page(bytes, 0, value, at: offset))
                    try expectWhole(machine, good, "\(value) at byte \(offset) of \(path)")
                }
            }
        }
    }

    @Test func fencesAndEntriesOutOfOrder() throws {
        let sample = try SampleStore().make()
        var random = SeededGenerator(seed: 5)
        for path in sample.files.snapshot.keys.sorted() where path.hasSuffix(".idx") {
            let bytes = sample.files.snapshot[path]!
            for _ in 0..<60 {
                let machine = sample.fork()
                let value = UInt64.random(in: 0...UInt64.max, using: &random)
                let forged = Forgery.anywhere(inRun: bytes, value, using: &random)
                machine.files.overwrite(path, with: forged)
                // The index may be wrong about a record's location, but never returns another record; a deep
                // verification finds it.
                let reader = try StoreReader(machine.root, options: machine.options)
                for number in 0..<20 {
                    guard let record = try? reader.record(RecordKey("item-\(number)")) else { continue }
                    #expect(record.head.key == RecordKey("item-\(number)"))
                }
                // What a deep verification does not find does no harm.
                if try machine.verify().isClean {
                    for number in 0..<20 {
                        #expect(try reader.record(RecordKey("item-\(number)")) != nil, "\(path)")
                    }
                }
                try? RecordStore.open(machine.root, options: machine.options).close()
            }
        }
    }

    @Test func extremesInAHintLog() throws {
        let sample = try SampleStore().make()
        let good = try sample.lines()
        let path = sample.path("index/hints-responses-000001.log")
        let bytes = sample.files.snapshot[path]!
        for name in ["checkpoint"] { sample.files.overwrite(sample.path("index/\(name)"), with: nil) }
        let records = Int(bytes.withUnsafeBytes { $0.load(littleEndianAt: 6, as: UInt16.self) })
        let end = HintGroup.bytes(records: records)
        for offset in Array(stride(from: 4, to: 48, by: 2)) + [HintGroup.headBytes + 30, HintGroup.headBytes + 23] {
            for value: UInt64 in [.max, 1 << 63, 0xFFFF_FFFF, 0xFE] {
                let machine = sample.fork()
                var forged = bytes
                Forgery.put(value, count: 2, at: offset, in: &forged)
                let sum = forged[..<(end - 8)].withUnsafeBytes { ContentHash.hash64($0) }
                Forgery.put(sum, count: 8, at: end - 8, in: &forged)
                machine.files.overwrite(path, with: forged)
                try expectWhole(machine, good, "\(value) at byte \(offset)")
            }
        }
    }

    /// A block whose header has impossible values counts as damaged; the blocks around it are served.
    @Test func extremesInABlockHeader() throws {
        let sample = try SampleStore().make()
        let path = sample.path("responses/000001.jsonl.gz")
        let bytes = sample.files.snapshot[path]!
        let good = try sample.lines()[.responses]!.count
        for name in sample.files.snapshot.keys where name.contains("/index/") {
            sample.files.overwrite(name, with: nil)
        }
        let blocks = sample.blocks(path)
        try #require(blocks.count > 1)
        let victim = blocks[0]
        for offset in stride(from: 16, to: 80, by: 2) {
            for value: UInt64 in [.max, 1 << 63, 0, 1, 0x7FFF_FFFF] {
                let machine = sample.fork()
                var forged = bytes
                Forgery.put(value, count: 8, at: victim.offset + offset, limit: victim.offset + 80, in: &forged)
                let header = forged[victim.offset..<(victim.offset + 80)]
                Forgery.put(
                    header.withUnsafeBytes { ContentHash.hash64($0) }, count: 8, at: victim.offset + 80, in: &forged)
                machine.files.overwrite(path, with: forged)
                let what: Comment = "\(value) at byte \(offset)"
                let isClean = try machine.verify().isClean
                let store = try RecordStore.open(machine.root, options: machine.options)
                _ = try store.append([StoreFixture.record(2000)])
                try store.close()
                let lines = try machine.lines()[.responses]!
                #expect(lines["item-2000"] != nil, what)
                #expect(lines.count >= good - (isClean ? 0 : victim.records), what)
                for (id, line) in lines { #expect(line == StoreFixture.line(ofResponse: id), what) }
            }
        }
    }

    /// The lines of a block cannot be larger than its stream can expand to.
    @Test func aSmallBlockCannotAskForMuchMemory() throws {
        var header = BlockHeader(
            lane: .responses, records: 1, memberBytes: 200, rawBytes: 100 * StoreLimits.deflateRatioMax,
            previousBytes: 0,
            storeID: 1, segment: 1, offset: 0, firstSequence: 0, durableBytes: 0, payloadChecksum: 0)
        #expect(header.encoded().withUnsafeBytes { BlockHeader.decode($0) } != nil)
        header.rawBytes = Int(UInt32.max)
        #expect(header.encoded().withUnsafeBytes { BlockHeader.decode($0) } == nil)
        header.rawBytes = 110 * StoreLimits.deflateRatioMax
        #expect(header.encoded().withUnsafeBytes { BlockHeader.decode($0) } == nil)
    }

    @Test func runNamesOutOfRange() throws {
        let sample = try SampleStore().make()
        for name in ["run-18446744073709551615.idx", "run-9007199254740991.idx", "run-1.idx", "run-.idx"] {
            let machine = sample.fork()
            machine.files.overwrite(machine.path("index/checkpoint"), with: nil)
            machine.files.overwrite(machine.path("index/\(name)"), with: [1, 2, 3])
            try RecordStore.open(machine.root, options: machine.options).close()
            #expect(try machine.verify().isClean, "\(name)")
        }
    }
}

/// Writes values into files of a store and corrects their checksums.
enum Forgery {
    static func put(_ value: UInt64, count: Int, at offset: Int, limit: Int = .max, in bytes: inout [UInt8]) {
        for index in 0..<count where offset + index < min(bytes.count, limit) {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
    }

    /// The last eight bytes are the checksum of everything before.
    static func checkpoint(_ bytes: [UInt8], _ value: UInt64, at offset: Int) -> [UInt8] {
        var bytes = bytes
        put(value, count: 8, at: offset, limit: bytes.count - 8, in: &bytes)
        seal(&bytes, 0..<(bytes.count - 8))
        return bytes
    }

    static func page(_ bytes: [UInt8], _ page: Int, _ value: UInt64, at offset: Int) -> [UInt8] {
        var bytes = bytes
        let start = page * RunFormat.pageBytes
        put(value, count: 8, at: start + offset, limit: start + RunFormat.checksumOffset, in: &bytes)
        seal(&bytes, start..<(start + RunFormat.checksumOffset))
        return bytes
    }

    /// A position in the entries, the filter or the fences.
    static func anywhere(inRun bytes: [UInt8], _ value: UInt64, using random: inout SeededGenerator) -> [UInt8] {
        let pages = Int(bytes.withUnsafeBytes { $0.load(littleEndianAt: 32, as: UInt64.self) })
        let fences = bytes.count - 8 - 8 * pages
        let offset = Int.random(in: RunFormat.pageBytes..<(bytes.count - 8), using: &random)
        if offset < fences {
            let (page, place) = offset.quotientAndRemainder(dividingBy: RunFormat.pageBytes)
            return Self.page(bytes, page, value, at: place)
        }
        var bytes = bytes
        put(value, count: 8, at: offset, limit: bytes.count - 8, in: &bytes)
        seal(&bytes, fences..<(bytes.count - 8))
        return bytes
    }

    /// Writes the checksum of a range after it.
    static func seal(_ bytes: inout [UInt8], _ range: Range<Int>) {
        let sum = bytes[range].withUnsafeBytes { ContentHash.hash64($0) }
        put(sum, count: 8, at: range.upperBound, in: &bytes)
    }
}

extension StoreFixture {
    /// The line of a response in the sample store.
    static func line(ofResponse id: String) -> [UInt8] {
        let number = Int(id.dropFirst("item-".count))!
        return line(record(number, attempts: number % 7 == 3 && number < 90 ? 5 : 1))
    }
}
