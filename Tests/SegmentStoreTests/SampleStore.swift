import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// A small store with all features: several segments and runs in both lanes, failures that were settled and failures
/// that were repeated.
struct SampleStore {
    let files: SimulatedFileSystem
    var options: StoreOptions
    let root: String
    var records = 90

    init(seed: UInt64 = 1, root: String = StoreFixture.root) {
        self.init(on: SimulatedFileSystem(seed: seed), root: root)
    }

    init(on files: SimulatedFileSystem, root: String) {
        self.files = files
        self.root = root
        options = StoreFixture.options(files, block: 900, segment: 1500)
    }

    func create() throws -> RecordStore {
        let store = try RecordStore.create(
            root, job: ["model": "m"], failureClasses: StoreFixture.classes, tallies: ["n"], options: options)
        try store.beginInput(identity: Hash128(high: 5, low: 6), files: ["input"])
        return store
    }

    /// Every seventh item failed, some of these twice, some until they succeeded; the last five are pending.
    func fill(_ store: RecordStore, numbers: Range<Int>) throws {
        for number in numbers {
            let fails = number % 7 == 3
            _ = try store.append([StoreFixture.record(number, failing: fails ? UInt8(number % 3) : nil)])
            if fails && number % 2 == 0 { _ = try store.append([StoreFixture.record(number, failing: 2, attempts: 4)]) }
            if fails && number % 3 == 0 { _ = try store.append([StoreFixture.record(number, attempts: 5)]) }
        }
    }

    @discardableResult
    func make() throws -> Self {
        let store = try create()
        try fill(store, numbers: 0..<records)
        try store.endInput(rows: UInt64(records + 5))
        try store.close()
        return self
    }

    func verify(deep: Bool = true) throws -> VerificationReport {
        try StoreVerification.run(root, options: options, deep: deep)
    }

    /// The store's lines by lane and id, as a reader finds them.
    func lines() throws -> [Lane: [String: [UInt8]]] {
        var lines: [Lane: [String: [UInt8]]] = [:]
        let reader = try StoreReader(root, options: options)
        for lane in Lane.allCases {
            try reader.forEach(lane) { record throws(RetortError) in
                let id = record.head.key.description
                if lines[lane, default: [:]].updateValue(record.line, forKey: id) != nil {
                    throw RetortError(.damagedData, "\(id) was read twice")
                }
            }
        }
        return lines
    }

    var segments: [String] { files.snapshot.keys.filter { $0.hasPrefix(root) && $0.hasSuffix(".gz") }.sorted() }

    func path(_ name: String) -> String { root + "/" + name }

    func flip(_ path: String, at offset: Int, bit: UInt8 = 1) {
        var bytes = files.snapshot[path]!
        bytes[offset] ^= bit
        files.overwrite(path, with: bytes)
    }

    /// The headers of a segment's blocks, in order.
    func blocks(_ path: String) -> [BlockHeader] {
        let bytes = files.snapshot[path]!
        var headers: [BlockHeader] = []
        var offset = 0
        while offset < bytes.count, let header = bytes[offset...].withUnsafeBytes({ BlockHeader.decode($0) }) {
            headers.append(header)
            offset = header.end
        }
        return headers
    }
}
