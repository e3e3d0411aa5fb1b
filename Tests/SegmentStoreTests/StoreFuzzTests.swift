import Basics
import Foundation
import TestSupport
import Testing

@testable import SegmentStore

/// Stores with arbitrary changes: every command ends, and whatever it serves was once written.
///
/// `RETORT_FUZZ_MINUTES` runs it longer, `RETORT_FUZZ_SEED` repeats a run. The seed is printed before the first store,
/// since a trap prints nothing.
@Suite struct StoreFuzzTests {
    private static let storesMin = 60

    @Test func whateverAStoreHoldsItServesWhatWasWritten() throws {
        let run = FuzzRun()
        let seed = run.seedGiven ?? UInt64.random(in: 0...UInt64.max)
        print("RETORT_FUZZ_SEED=\(seed) (stores)")
        var random = SeededGenerator(seed: seed)
        let fuzzer = try StoreFuzzer()
        let watch = FuzzWatch()
        defer { watch.end() }
        var count = 0
        while count < Self.storesMin || !run.isOver {
            count += 1
            let machine = fuzzer.sample.fork(seed: random.next())
            var steps: [String] = []
            for _ in 0..<Int.random(in: 1...3, using: &random) { steps.append(try fuzzer.mutate(machine, &random)) }
            let name = "seed \(seed), store \(count), \(steps.joined(separator: "; "))"
            watch.begin(name)
            if let fault = try fuzzer.fault(in: machine, &random) {
                Issue.record("\(name): \(fault)")
                return
            }
        }
        // In `make test` other suites share the process and its memory.
        guard run.minutes > 0 else { return }
        print("\(count) stores, \(FuzzWatch.residentMegabytesMax) MB of memory at most")
        #expect(FuzzWatch.residentMegabytesMax < FuzzWatch.megabytesMax)
    }
}

/// Changes stores and checks their invariants.
struct StoreFuzzer {
    /// Closed segments, runs and a checkpoint, and journals left by a kill.
    let sample: SampleStore
    /// The files of another store with the same structure.
    private let foreign: [String: [UInt8]]
    private let written: Set<[UInt8]>
    /// The content of closed segments: a store that verifies clean serves all of it.
    private let sealed: [Lane: Set<String>]
    private let storeID: UInt64

    private static let extremes: [UInt64] = [
        0, 1, 255, 65_535, 65_536, 1 << 24, 1 << 31, 1 << 32 - 1, 1 << 32, 1 << 53, 1 << 62, 1 << 63 - 1, 1 << 63, .max,
    ]
    private static let numbers = [
        "0", "-1", "4294967295", "4294967296", "9223372036854775807", "18446744073709551615", "1e300", "\"x\"", "null",
        "[]", "{}", "true",
    ]

    init() throws {
        sample = try Self.killed(seed: 3)
        foreign = try Self.killed(seed: 4).files.snapshot
        storeID = try StoreManifest.load(StoreLayout(root: sample.root), files: sample.files).storeID
        sealed = try Self.sealed(in: sample)
        var lines: Set<[UInt8]> = []
        for number in Array(0..<90) + Array(200..<212) + Array(300..<306) + Self.added {
            for attempts: UInt32 in [1, 4, 5] {
                lines.insert(StoreFixture.line(StoreFixture.record(number, attempts: attempts)))
                for failing: UInt8 in 0..<3 {
                    let record = StoreFixture.record(number, failing: failing, attempts: attempts)
                    lines.insert(Self.unclassed(StoreFixture.line(record), number))
                }
            }
        }
        written = lines
    }

    /// Records appended after the changes. The manifest may have other names for failure classes then.
    private static let added = [1000, 1001]

    /// A line in the form for comparison: without the class for added records.
    private static func unclassed(_ line: [UInt8], _ number: Int?) -> [UInt8] {
        guard let number, added.contains(number) else { return line }
        let text = String(decoding: line, as: UTF8.self)
        return Array(text.replacing(/"class":"([^"\\]|\\.)*"/, with: "").utf8)
    }

    private static func killed(seed: UInt64) throws -> SampleStore {
        let sample = try SampleStore(seed: seed).make()
        let store = try RecordStore.open(sample.root, options: sample.roomy)
        for number in 200..<212 { _ = try store.append([StoreFixture.record(number)]) }
        for number in 300..<306 { _ = try store.append([StoreFixture.record(number, failing: 1)]) }
        sample.files.kill()
        return sample
    }

    /// The keys that are served without the journals.
    private static func sealed(in sample: SampleStore) throws -> [Lane: Set<String>] {
        let machine = sample.fork(seed: 1)
        for path in machine.files.snapshot.keys where path.contains("/journal-") {
            machine.files.overwrite(path, with: nil)
        }
        return try machine.lines().mapValues { Set($0.keys) }
    }

    // MARK: Changes

    /// Changes something, and returns a description.
    func mutate(_ machine: SampleStore, _ random: inout SeededGenerator) throws -> String {
        let paths = machine.files.snapshot.keys.filter { !$0.hasSuffix("LOCK") }.sorted()
        guard let path = paths.randomElement(using: &random), let bytes = machine.files.snapshot[path] else {
            return ""
        }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return damage(machine, path, bytes, &random)
        case 1, 2: return replace(machine, path, paths, &random)
        case 3: return manifest(machine, &random)
        case 4: return header(machine, &random)
        case 5: return index(machine, &random)
        case 6: return journal(machine, &random)
        default: return splice(machine, path, bytes, &random)
        }
    }

    /// Flipped bits, zeros, a shorter or longer file.
    private func damage(
        _ machine: SampleStore, _ path: String, _ bytes: [UInt8], _ random: inout SeededGenerator
    ) -> String {
        var bytes = bytes
        guard !bytes.isEmpty else { return "\(path) empty" }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...200, using: &random))
        let kind = Int.random(in: 0..<5, using: &random)
        switch kind {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: for index in place..<end { bytes[index] = 0 }
        case 2: bytes.removeLast(bytes.count - place)
        case 3: bytes += (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
        default: bytes.removeSubrange(place..<end)
        }
        machine.files.overwrite(path, with: bytes)
        return "damage \(kind) at \(place) of \(path)"
    }

    /// Replaces, exchanges, removes or renames a file.
    private func replace(
        _ machine: SampleStore, _ path: String, _ paths: [String], _ random: inout SeededGenerator
    ) -> String {
        let other = paths.randomElement(using: &random)!
        let (bytes, otherBytes) = (machine.files.snapshot[path]!, machine.files.snapshot[other]!)
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            machine.files.overwrite(path, with: nil)
            return "removed \(path)"
        case 1:
            machine.files.overwrite(path, with: otherBytes)
            machine.files.overwrite(other, with: bytes)
            return "exchanged \(path) and \(other)"
        case 2:
            machine.files.overwrite(path, with: foreign.sorted { $0.key < $1.key }.randomElement(using: &random)!.value)
            return "foreign content in \(path)"
        case 3:
            machine.files.overwrite(path, with: otherBytes)
            return "\(other) in the place of \(path)"
        default:
            let layout = StoreLayout(root: machine.root)
            let lane = Lane.allCases.randomElement(using: &random)!
            let number = Self.extremes.randomElement(using: &random)!
            let name =
                switch Int.random(in: 0..<3, using: &random) {
                case 0: "\(layout.directory(lane))/\(number).jsonl.gz"
                case 1: layout.journal(lane, firstSequence: number, copy: Int.random(in: 0...2, using: &random))
                default: layout.run(number)
                }
            machine.files.overwrite(name, with: bytes)
            return "\(path) as \(name)"
        }
    }

    /// Changes a number in the manifest.
    private func manifest(_ machine: SampleStore, _ random: inout SeededGenerator) -> String {
        let path = machine.path("retort.json")
        guard let bytes = machine.files.snapshot[path] else { return "no manifest" }
        var text = String(decoding: bytes, as: UTF8.self)
        let found = text.matches(of: /: [0-9]+/)
        guard let match = found.randomElement(using: &random) else { return "no number" }
        let value = Self.numbers.randomElement(using: &random)!
        let old = String(text[match.range])
        text.replaceSubrange(match.range, with: ": \(value)")
        machine.files.overwrite(path, with: Array(text.utf8))
        return "number\(old) of the manifest: \(value)"
    }

    /// Changes a field of a block's header, with a correct checksum.
    private func header(_ machine: SampleStore, _ random: inout SeededGenerator) -> String {
        let path = machine.segments.randomElement(using: &random)
        guard let path, let block = machine.blocks(path).randomElement(using: &random) else { return "no block" }
        var bytes = machine.files.snapshot[path]!
        // A header that was changed before may place the next block beyond the end of the file.
        guard block.offset + 80 <= bytes.count else { return "no block" }
        let place = Int.random(in: 10..<80, using: &random)
        let value = Self.extremes.randomElement(using: &random)!
        let count = [1, 2, 4, 8].randomElement(using: &random)!
        Forgery.put(value, count: count, at: block.offset + place, limit: block.offset + 80, in: &bytes)
        Forgery.seal(&bytes, block.offset..<(block.offset + 80))
        machine.files.overwrite(path, with: bytes)
        return "\(value) at \(place) of the header at \(block.offset) of \(path)"
    }

    /// Changes a number in the checkpoint or in a run, with correct checksums.
    private func index(_ machine: SampleStore, _ random: inout SeededGenerator) -> String {
        let files = machine.files.snapshot
        let value = Self.extremes.randomElement(using: &random)!
        let runs = files.keys.filter { $0.hasSuffix(".idx") && files[$0]!.count > 2 * RunFormat.pageBytes }.sorted()
        if Bool.random(using: &random), let path = runs.randomElement(using: &random) {
            let bytes = files[path]!
            let page = Int.random(in: 0..<(bytes.count / RunFormat.pageBytes), using: &random)
            let place = Int.random(in: 0..<RunFormat.checksumOffset, using: &random)
            machine.files.overwrite(path, with: Forgery.page(bytes, page, value, at: place))
            return "\(value) at \(place) of page \(page) of \(path)"
        }
        let path = machine.path("index/checkpoint")
        guard let bytes = files[path], bytes.count > 24 else { return "no checkpoint" }
        let place = Int.random(in: 4..<(bytes.count - 8), using: &random)
        machine.files.overwrite(path, with: Forgery.checkpoint(bytes, value, at: place))
        return "\(value) at \(place) of the checkpoint"
    }

    /// Writes a journal of existing records with correct checksums, in any lane, from any number.
    private func journal(_ machine: SampleStore, _ random: inout SeededGenerator) -> String {
        let lane = Lane.allCases.randomElement(using: &random)!
        let first =
            Bool.random(using: &random)
            ? UInt64.random(in: 0..<150, using: &random) : Self.extremes.randomElement(using: &random)!
        var bytes: [UInt8] = []
        for number in 0..<UInt64.random(in: 1...6, using: &random) {
            let failing: UInt8? = Bool.random(using: &random) ? nil : UInt8.random(in: 0..<3, using: &random)
            let record = StoreFixture.record(Int.random(in: 0..<90, using: &random), failing: failing)
            StoreFixture.line(record).withUnsafeBytes {
                JournalLine.append($0, storeID: storeID, sequence: first &+ number, to: &bytes)
            }
        }
        let copy = Int.random(in: 0...1, using: &random)
        let path = StoreLayout(root: machine.root).journal(lane, firstSequence: first, copy: copy)
        machine.files.overwrite(path, with: bytes)
        return "\(bytes.count) bytes of lines in \(path)"
    }

    /// Copies a part of a file into another one.
    private func splice(
        _ machine: SampleStore, _ path: String, _ bytes: [UInt8], _ random: inout SeededGenerator
    ) -> String {
        let sources = Bool.random(using: &random) ? foreign : machine.files.snapshot
        let source = sources.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }.randomElement(using: &random)!
        let start = Int.random(in: 0..<source.value.count, using: &random)
        let end = min(source.value.count, start + Int.random(in: 1...2000, using: &random))
        let place = Int.random(in: 0...bytes.count, using: &random)
        machine.files.overwrite(
            path, with: Array(bytes[..<place]) + Array(source.value[start..<end]) + Array(bytes[place...]))
        return "\(start)..<\(end) of \(source.key) at \(place) of \(path)"
    }

    // MARK: Invariants

    /// Uses the store as the commands do. Each step may throw a `RetortError`; what is served must have been written.
    func fault(in machine: SampleStore, _ random: inout SeededGenerator) throws -> String? {
        if let fault = read(machine) { return "before: \(fault)" }
        if let report = try? machine.verify(), report.isClean, let lost = lost(machine) {
            return "verified clean: \(lost)"
        }
        if let store = try? RecordStore.open(machine.root, options: machine.options) {
            for number in [5, 205, 303] { _ = try? store.lookup(RecordKey("item-\(number)")) }
            _ = try? store.append([StoreFixture.record(1000), StoreFixture.record(1001, failing: 1)])
            _ = store.knownDamage()
            if Bool.random(using: &random) { machine.files.kill() } else { try? store.close() }
        }
        if let fault = read(machine) { return "after a run: \(fault)" }
        if let fault = merge(machine) { return "merged: \(fault)" }
        let isRepaired = Bool.random(using: &random)
        if isRepaired {
            _ = try? StoreRepair.run(machine.root, options: machine.options)
        } else {
            let source = StoreReindex.Source.allCases.randomElement(using: &random)!
            _ = try? StoreReindex.run(machine.root, options: machine.options, from: source)
        }
        _ = try? machine.verify()
        return read(machine).map { (isRepaired ? "after a repair: " : "after a reindex: ") + $0 }
    }

    /// The content of closed segments that is not served any more.
    private func lost(_ machine: SampleStore) -> String? {
        guard let lines = try? machine.lines() else { return "it cannot be read" }
        for (lane, keys) in sealed {
            let missing = keys.filter { key in Lane.allCases.allSatisfy { lines[$0]?[key] == nil } }
            if let first = missing.min() { return "\(missing.count) of \(lane) are gone, \(first) among them" }
        }
        return nil
    }

    /// Merges it into a new store, which must not change it.
    private func merge(_ machine: SampleStore) -> String? {
        let before = machine.files.snapshot
        let target = machine.root + "-merged"
        _ = try? StoreMerge.run(
            [machine.root], into: target, options: machine.options, allowDifferentJobs: true)
        let isChanged = machine.files.snapshot.contains { !$0.key.hasPrefix(target) && before[$0.key] != $0.value }
        return isChanged ? "the merge has changed its source" : read(machine, at: target)
    }

    private func read(_ machine: SampleStore, at root: String? = nil) -> String? {
        guard let reader = try? StoreReader(root ?? machine.root, options: machine.options) else { return nil }
        var fault: String?
        func judge(_ record: StoredRecord, in lane: Lane?, key: String?) {
            let text = String(decoding: record.line, as: UTF8.self)
            let number = Int(record.head.key.description.dropFirst("item-".count))
            if !written.contains(Self.unclassed(record.line, number)) { fault = "served what was not written: \(text)" }
            if let lane, record.head.lane != lane { fault = "a record of the other lane: \(text)" }
            if let key, record.head.key.description != key { fault = "the record of another key than \(key): \(text)" }
        }
        _ = reader.knownDamage()
        for lane in Lane.allCases { try? reader.forEach(lane) { judge($0, in: lane, key: nil) } }
        for number in Array(0..<12) + [205, 211, 303, 1000, 1001] {
            let key = "item-\(number)"
            if let record = try? reader.record(RecordKey(key)) { judge(record, in: nil, key: key) }
        }
        return fault
    }
}
