import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Misplaced journals, as a wrong restore leaves them: reported, not changed, and harmless to the others.
@Suite struct MisplacedJournalTests {
    /// Two segments are closed; twelve answers and six failures are in journals.
    private func killedStore(seed: UInt64 = 3) throws -> SampleStore {
        let sample = try SampleStore(seed: seed).make()
        let store = try RecordStore.open(sample.root, options: sample.roomy)
        for number in 200..<212 { _ = try store.append([StoreFixture.record(number)]) }
        for number in 300..<306 { _ = try store.append([StoreFixture.record(number, failing: 1)]) }
        sample.files.kill()
        return sample
    }

    private func journal(_ sample: SampleStore, _ lane: Lane) -> String {
        sample.files.snapshot.keys.first { $0.contains("/\(lane.directoryName)/journal-") }!
    }

    /// Reads, verifies and opens the store: every file in `left` is reported and unchanged, and the answers of `served`
    /// are there before and after.
    private func check(
        _ sample: SampleStore, left: [String], served: ClosedRange<Int>, _ what: Comment
    ) throws {
        let before = sample.files.snapshot
        for round in 0..<3 {
            let report = try sample.verify()
            #expect((report.problemCounts[.journal] ?? 0) >= left.count, what)
            let reader = try StoreReader(sample.root, options: sample.options)
            let names = Set(reader.damage.map(\.name))
            for path in left { #expect(names.contains(String(path.dropFirst(sample.root.count + 1))), what) }
            var found: Set<String> = []
            try reader.forEach(.responses) { found.insert($0.head.key.description) }
            for number in served {
                #expect(found.contains("item-\(number)"), what)
                #expect(
                    try reader.record(RecordKey("item-\(number)"))?.line
                        == StoreFixture.line(StoreFixture.record(number)), what)
            }
            let store = try RecordStore.open(sample.root, options: sample.options)
            #expect(store.recovery.damage.count >= left.count, what)
            _ = try store.append([StoreFixture.record(1000 + round), StoreFixture.record(1100 + round, failing: 0)])
            round == 0 ? sample.files.kill() : try store.close()
            for path in left {
                let isUntouched = sample.files.snapshot[path] == before[path]
                #expect(isUntouched, what)
            }
        }
        // A repair moves it to the quarantine, and then the store is clean.
        _ = try StoreRepair.run(sample.root, options: sample.options)
        #expect(try sample.verify().isClean, what)
        let kept = sample.files.snapshot.filter { $0.key.contains("/quarantine/") }.map(\.value)
        for path in left {
            let isKept = kept.contains(before[path]!)
            #expect(isKept, what)
        }
    }

    @Test func exchanged() throws {
        let sample = try killedStore()
        let (answers, failures) = (journal(sample, .responses), journal(sample, .failures))
        let bytes = sample.files.snapshot
        sample.files.overwrite(answers, with: bytes[failures])
        sample.files.overwrite(failures, with: bytes[answers])
        try check(sample, left: [answers, failures], served: 0...2, "exchanged")
    }

    @Test func failuresCopiedAmongTheResponses() throws {
        for number in [0, 50, 90, 5000] {
            let sample = try killedStore()
            let stray = StoreLayout(root: sample.root).journal(.responses, firstSequence: UInt64(number))
            let own = journal(sample, .responses)
            guard stray != own else { continue }
            sample.files.overwrite(stray, with: sample.files.snapshot[journal(sample, .failures)])
            try check(sample, left: [stray], served: 200...211, "copied to \(number)")
        }
    }

    @Test func failuresUnderTheNumberThatTheyHaveAmongTheResponses() throws {
        let sample = try killedStore()
        let failures = journal(sample, .failures)
        let stray = sample.path("responses/") + failures.split(separator: "/").last!
        sample.files.overwrite(stray, with: sample.files.snapshot[failures])
        try check(sample, left: [stray], served: 200...211, "same name")
    }

    @Test func ofAnotherStore() throws {
        let sample = try killedStore()
        for lines in [1, 5] {
            let other = try killedStore(seed: 4)
            let path = journal(other, .responses)
            let bytes = other.files.snapshot[path]!
            let content = Array(bytes[..<(bytes.lineRanges[lines - 1].upperBound + 1)])
            let machine = sample.fork()
            let stray = StoreLayout(root: sample.root).journal(.responses, firstSequence: 4000, copy: 2)
            machine.files.overwrite(stray, with: content)
            try check(machine, left: [stray], served: 200...211, "\(lines) lines of another store")
        }
    }

    @Test(arguments: [
        "journal-99999999999999999999.jsonl", "journal-18446744073709551615.jsonl", "journal-9223372036854775807.jsonl",
        "journal-7.jsonl", "journal-+000000000000007.jsonl", "journal-0000000000000007-0.jsonl", "journal-.jsonl",
        "journal-0000000000000007-99999999999999999999.jsonl", "journal-0000000000000007-1-1.jsonl", "journal--1.jsonl",
    ])
    func namesOutOfRange(_ name: String) throws {
        let sample = try killedStore()
        let stray = sample.path("responses/\(name)")
        sample.files.overwrite(stray, with: sample.files.snapshot[journal(sample, .responses)])
        try check(sample, left: [stray], served: 200...211, "\(name)")
    }

    /// Records were sent again while their journal was missing; the journal returns, and its later lines count.
    @Test func broughtBackAfterOthersHaveTheirNumbers() throws {
        for first in [200, 206, 400] {
            let sample = try killedStore()
            let own = journal(sample, .responses)
            let bytes = sample.files.snapshot[own]
            sample.files.overwrite(own, with: nil)
            let store = try RecordStore.open(sample.root, options: sample.options)
            for number in first..<first + 6 { _ = try store.append([StoreFixture.record(number)]) }
            try store.close()
            sample.files.overwrite(own, with: bytes)
            let report = try sample.verify()
            #expect(report.problemCounts[.counters] == nil, "from \(first): \(report.problems)")
            #expect(report.isClean == (first == 200), "from \(first)")
            let ids = Set(try sample.lines()[.responses]!.keys)
            for number in 206..<212 { #expect(ids.contains("item-\(number)"), "from \(first)") }
            let again = try RecordStore.open(sample.root, options: sample.options)
            try again.close()
            #expect(try sample.verify().problemCounts[.counters] == nil, "from \(first)")
            #expect(ids.isSubset(of: Set(try sample.lines()[.responses]!.keys)), "from \(first)")
        }
    }

    @Test func otherRecordsUnderTheSameNumbers() throws {
        let sample = try killedStore()
        let own = journal(sample, .responses)
        let storeID = try #require(try RecordStore.manifest(of: sample.root, files: sample.files)).storeID
        let first = try #require(StoreLayout.journalSequence(String(own.split(separator: "/").last!)))
        var bytes: [UInt8] = []
        for number in 0..<3 {
            StoreFixture.line(StoreFixture.record(400 + number)).withUnsafeBytes {
                JournalLine.append($0, storeID: storeID, sequence: first + UInt64(number), to: &bytes)
            }
        }
        let stray = StoreLayout(root: sample.root).journal(.responses, firstSequence: first, copy: 7)
        sample.files.overwrite(stray, with: bytes)
        // The file whose name comes first has the numbers.
        let reader = try StoreReader(sample.root, options: sample.options)
        #expect(reader.damage.count == 1)
        let left = reader.damage[0].path(StoreLayout(root: sample.root))
        #expect([own, stray].contains(left))
        try check(sample, left: [left], served: left == own ? 203...211 : 200...211, "two of a number")
    }

    @Test func aSecondSuccessOfAKeyIsNoSecondRecord() throws {
        let sample = try SampleStore(seed: 8).make()
        let storeID = try #require(try RecordStore.manifest(of: sample.root, files: sample.files)).storeID
        let counters = try StoreReader(sample.root, options: sample.options).counters
        var bytes: [UInt8] = []
        StoreFixture.line(StoreFixture.record(1)).withUnsafeBytes {
            JournalLine.append($0, storeID: storeID, sequence: 900, to: &bytes)
        }
        sample.files.overwrite(StoreLayout(root: sample.root).journal(.responses, firstSequence: 900), with: bytes)
        #expect(try StoreReader(sample.root, options: sample.options).counters == counters)
        let store = try RecordStore.open(sample.root, options: sample.options)
        #expect(store.counters.done == counters.done)
        try store.close()
        #expect(try sample.verify().isClean)
    }

    /// Whatever a file with a journal's name contains: reading it ends, and it is not taken for the result of a crash.
    @Test func filesThatAreNoJournals() throws {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 3 << 20)
        for content in [
            Array("hello\nworld\n".utf8), Array("hello".utf8), long, long + [0x0A], [0x0A, 0x0A, 0x7B, 0x0A],
        ] {
            let sample = try killedStore()
            let stray = StoreLayout(root: sample.root).journal(.responses, firstSequence: 6000)
            sample.files.overwrite(stray, with: content)
            try check(sample, left: [stray], served: 200...211, "\(content.count) bytes")
        }
    }

    @Test func aRepairKeepsTheGoodLinesOfADamagedJournal() throws {
        let sample = try killedStore()
        let path = journal(sample, .responses)
        let ranges = sample.files.snapshot[path]!.lineRanges
        sample.flip(path, at: ranges[3].lowerBound + 20)
        let flipped = sample.files.snapshot[path]!
        _ = try StoreRepair.run(sample.root, options: sample.options)
        #expect(try sample.verify().isClean)
        let reader = try StoreReader(sample.root, options: sample.options)
        #expect(reader.damage.isEmpty)
        for number in 200..<212 {
            #expect((try reader.record(RecordKey("item-\(number)")) != nil) == (number != 203), "\(number)")
        }
        for number in 300..<306 { #expect(try reader.record(RecordKey("item-\(number)")) != nil, "\(number)") }
        let isKept = sample.files.snapshot.contains { $0.key.contains("/quarantine/") && $0.value == flipped }
        #expect(isKept)
    }

    @Test func aFlippedBitLeavesTheFileWhereItIs() throws {
        let sample = try killedStore()
        let path = journal(sample, .responses)
        let ranges = sample.files.snapshot[path]!.lineRanges
        for offset in stride(from: 0, to: ranges[3].upperBound, by: 17) {
            let machine = sample.fork()
            if machine.files.snapshot[path]![offset] == 0x0A { continue }
            machine.flip(path, at: offset, bit: 1 << UInt8(offset % 7))
            let number = ranges.firstIndex { $0.upperBound >= offset }!
            let flipped = machine.files.snapshot[path]
            let store = try RecordStore.open(machine.root, options: machine.options)
            #expect(store.recovery.damage.map(\.file) == [String(path.split(separator: "/").last!)], "byte \(offset)")
            for other in 0..<12 where other != number {
                #expect(try store.lookup(RecordKey("item-\(200 + other)"))?.recordStatus == .ok, "byte \(offset)")
            }
            try store.close()
            #expect(machine.files.snapshot[path] == flipped, "byte \(offset)")
        }
    }
}

extension SampleStore {
    /// Options with which nothing leaves the journals.
    var roomy: StoreOptions { StoreFixture.options(files, block: 1 << 20, segment: 1 << 20, journal: 1 << 20) }

    /// The same store on another machine.
    func fork(seed: UInt64 = 1) -> SampleStore {
        var copy = SampleStore(on: files.fork(seed: seed), root: root)
        copy.records = records
        return copy
    }
}
