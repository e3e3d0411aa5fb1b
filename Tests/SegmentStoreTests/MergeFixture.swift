import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Several small stores in one file system, and the expected result of their merge.
struct MergeFixture {
    static let target = "/merged"

    let files: SimulatedFileSystem
    let options: StoreOptions
    var roots: [String] = []

    init(on files: SimulatedFileSystem = SimulatedFileSystem(seed: 1)) {
        self.files = files
        options = StoreFixture.options(files, block: 900, segment: 1500)
    }

    /// The same stores, byte for byte, on another machine.
    func copy(seed: UInt64) -> MergeFixture {
        var copy = MergeFixture(on: files.fork(seed: seed))
        copy.roots = roots
        return copy
    }

    /// A store of items, of which those in `failing` failed. The body names the store.
    mutating func add(
        _ numbers: some Sequence<Int>, failing: Set<Int> = [], model: String = "m",
        classes: [String] = StoreFixture.classes, closes: Bool = true
    ) throws {
        let root = "/source-\(roots.count)"
        let store = try RecordStore.create(
            root, job: ["model": model], failureClasses: classes, tallies: ["n"], options: options)
        try store.beginInput(identity: Hash128(high: 5, low: 6), files: ["input"])
        for number in numbers {
            var record = StoreFixture.record(number, failing: failing.contains(number) ? UInt8(number % 3) : nil)
            record.members += Array(",\"store\":\(roots.count)".utf8)
            _ = try store.append([record])
        }
        if closes { try store.close() } else { files.kill() }
        roots.append(root)
    }

    func merge(allowDifferentJobs: Bool = false) throws -> MergeReport {
        try StoreMerge.run(
            roots, into: Self.target, options: options, allowDifferentJobs: allowDifferentJobs)
    }

    func lines(_ root: String) throws -> [Lane: [String: [UInt8]]] {
        var store = SampleStore(on: files, root: root)
        store.options = options
        return try store.lines()
    }

    /// A success has precedence over a failure; then the order decides.
    func expected() throws -> [Lane: [String: [UInt8]]] {
        var merged: [Lane: [String: [UInt8]]] = [.responses: [:], .failures: [:]]
        let sources = try roots.map { try lines($0) }
        for source in sources {
            merged[.responses]!.merge(source[.responses] ?? [:]) { first, _ in first }
        }
        for source in sources {
            for (id, line) in source[.failures] ?? [:] where merged[.responses]![id] == nil {
                if merged[.failures]![id] == nil { merged[.failures]![id] = line }
            }
        }
        return merged
    }

    /// Merges, and checks what must hold after any merge.
    @discardableResult
    func checkedMerge() throws -> MergeReport {
        let expected = try expected()
        let report = try merge()
        try check(against: expected)
        #expect(Int(report.counters.done) == expected[.responses]!.count)
        #expect(Int(report.counters.failed) == expected[.failures]!.count)
        #expect(report.sources.reduce(0) { $0 + $1.taken } == expected[.responses]!.count)
        #expect(report.sources.reduce(0) { $0 + $1.failed } == expected[.failures]!.count)
        #expect(!files.snapshot.keys.contains { $0.contains("tmp-merge") || $0.contains("/lists") })
        return report
    }

    func check(against expected: [Lane: [String: [UInt8]]]) throws {
        let found = try lines(Self.target)
        for lane in Lane.allCases { #expect(found[lane] ?? [:] == expected[lane] ?? [:]) }
        let report = try StoreVerification.run(Self.target, options: options, deep: true)
        #expect(report.problems == [])
        #expect(report.records == expected.values.reduce(0) { $0 + $1.count })
        #expect(report.unfinishedBytes == 0)
    }

    var merged: [String: [UInt8]] { files.snapshot.filter { $0.key.hasPrefix(Self.target + "/") } }
}
