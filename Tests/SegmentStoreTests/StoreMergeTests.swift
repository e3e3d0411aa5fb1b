import Basics
import TestSupport
import Testing

@testable import SegmentStore

@Suite struct StoreMergeTests {
    @Test func ofDisjointStoresCopiesEveryBlock() throws {
        var fixture = MergeFixture()
        for store in 0..<5 { try fixture.add(store * 40..<store * 40 + 40, failing: [store * 40 + 3, store * 40 + 9]) }
        let report = try fixture.checkedMerge()
        for source in report.sources {
            #expect(source.taken == 38)
            #expect(source.failed == 2)
            #expect(source.superseded == 0)
            #expect(source.blocksReencoded == 0)
            #expect(source.blocksCopied > 5)
        }
        #expect(report.bytes == report.sources.reduce(0) { $0 + $1.bytesCopied })
        // Sequence numbers have no gaps, and several segments have filled up.
        let segments = fixture.merged.keys.filter { $0.contains("responses/") }
        #expect(segments.count > 2)
        #expect(report.counters.tallies[0] == (0..<200).reduce(0, +))
    }

    @Test func ofOneStoreIsTheSameStore() throws {
        var fixture = MergeFixture()
        try fixture.add(0..<50, failing: [7])
        let report = try fixture.checkedMerge()
        #expect(report.sources[0].taken == 49)
        #expect(report.sources[0].blocksReencoded == 0)
    }

    @Test func leavesOutWhatASourceHasSupersededItself() throws {
        let sample = try SampleStore(root: "/source-0").make()
        var fixture = MergeFixture(on: sample.files)
        fixture.roots = ["/source-0"]
        let report = try fixture.checkedMerge()
        #expect(report.sources[0].superseded == 0)
        #expect(report.sources[0].blocksReencoded > 0)
    }

    @Test func ofOverlappingStoresTheFirstWins() throws {
        var fixture = MergeFixture()
        try fixture.add(0..<60, failing: [1, 30])
        try fixture.add(40..<100, failing: [41, 99])
        try fixture.add(stride(from: 0, to: 120, by: 2), failing: [44])
        let report = try fixture.checkedMerge()
        #expect(report.sources[1].superseded == 20)
        #expect(report.sources[2].superseded == 49)
        #expect(report.counters.failed == 2)
    }

    @Test func ofIdenticalStoresKeepsOne() throws {
        var fixture = MergeFixture()
        for _ in 0..<5 { try fixture.add(0..<50, failing: [5, 6, 7]) }
        let report = try fixture.checkedMerge()
        #expect(report.sources[0].taken == 47)
        #expect(report.sources[0].failed == 3)
        for source in report.sources.dropFirst() {
            #expect(source.taken + source.failed + source.blocksCopied + source.blocksReencoded == 0)
            #expect(source.superseded == 50)
        }
    }

    @Test func takesEmptyStores() throws {
        var fixture = MergeFixture()
        try fixture.add([])
        #expect(try fixture.checkedMerge().counters.done == 0)
        var more = MergeFixture()
        try more.add([])
        try more.add(0..<30, failing: [1])
        try more.add([])
        #expect(try more.checkedMerge().counters.done == 29)
    }

    @Test(arguments: [true, false])
    func aSuccessBeatsAFailureInEitherOrder(successFirst: Bool) throws {
        var fixture = MergeFixture()
        try fixture.add(0..<30, failing: successFirst ? [] : Set(0..<30))
        try fixture.add(0..<30, failing: successFirst ? Set(0..<30) : [])
        let report = try fixture.checkedMerge()
        #expect(report.counters.done == 30)
        #expect(report.counters.failed == 0)
        #expect(report.sources[successFirst ? 1 : 0].superseded == 30)
    }

    @Test func mendsAStoreThatWasKilled() throws {
        var fixture = MergeFixture()
        try fixture.add(0..<30, failing: [3], closes: false)
        try fixture.add(20..<50, closes: false)
        try fixture.checkedMerge()
    }

    @Test func theMergedStoreGoesOn() throws {
        var fixture = MergeFixture()
        try fixture.add(0..<30, failing: [3])
        try fixture.add(20..<50, failing: [4])
        try fixture.checkedMerge()
        let counters = try StoreReader(MergeFixture.target, options: fixture.options).counters
        let store = try RecordStore.open(MergeFixture.target, options: fixture.options)
        #expect(store.recovery.isClean)
        #expect(store.counters == counters)
        #expect(store.inputProgress.ledger.low == 0)
        #expect(try store.append([StoreFixture.record(7)]).duplicates == 1)
        for number in 50..<80 { #expect(try store.append([StoreFixture.record(number)]).count == 1) }
        #expect(try store.append([StoreFixture.record(3)]).count == 1)
        try store.close()
        let report = try StoreReindex.run(MergeFixture.target, options: fixture.options, from: .segments)
        #expect(report.counters.done == counters.done + 31)
        #expect(try StoreVerification.run(MergeFixture.target, options: fixture.options, deep: true).isClean)
    }

    @Test func refusesDifferentJobsUnlessToldToMixThem() throws {
        var fixture = MergeFixture()
        try fixture.add(0..<30, failing: [3, 4, 5])
        try fixture.add(20..<50, failing: [31, 32, 33], model: "other", classes: ["server", "quota", "timeout"])
        #expect {
            try fixture.merge()
        } throws: { error in
            let error = error as? RetortError
            return error?.code == .configuration
                && error?.cause?.contains("model is m in /source-0, other in /source-1") == true
        }
        #expect(fixture.merged.isEmpty)
        let expected = try fixture.expected()
        let report = try fixture.merge(allowDifferentJobs: true)
        try fixture.check(against: expected)
        let manifest = try #require(try RecordStore.manifest(of: MergeFixture.target, files: fixture.files))
        #expect(manifest.job == ["model": "m | other"])
        #expect(manifest.failureClasses == ["timeout", "server", "bad_input", "quota"])
        // timeout: 3 and 32 (the second store's third); server: 4 and 33; bad_input: 5; quota: 31.
        #expect(report.counters.failedByClass[..<4] == [2, 2, 1, 1])
    }

    @Test func refusesWhatItCannotMerge() throws {
        var fixture = MergeFixture()
        try fixture.add(0..<30)
        try fixture.add(20..<50)
        func code(_ sources: [String], into target: String = MergeFixture.target) -> RetortError.Code? {
            do throws(RetortError) {
                _ = try StoreMerge.run(sources, into: target, options: fixture.options)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code([]) == .usage)
        #expect(code(["/source-0", "/source-0"]) == .usage)
        #expect(code(["/nowhere"]) == .notFound)
        #expect(code(["/source-0"], into: "/source-1") == .configuration)
        let writer = try RecordStore.open("/source-1", options: fixture.options)
        #expect(code(fixture.roots) == .busy)
        try writer.close()
        let path = "/source-1/responses/000001.jsonl.gz"
        var bytes = fixture.files.snapshot[path]!
        bytes[BlockHeader.bytes + 1] ^= 1
        fixture.files.overwrite(path, with: bytes)
        #expect(code(fixture.roots) == .damagedData)
        #expect(!fixture.files.snapshot.keys.contains { $0.contains("merge") && !$0.hasSuffix("LOCK") })
        #expect(code(["/source-0"]) == nil)
    }

    /// Interrupted at each of its calls, the merge leaves a complete store or none; repeated, it writes the same bytes.
    @Test func survivesADeathAtEveryCall() throws {
        var original = MergeFixture()
        try original.add(0..<26, failing: [3])
        try original.add(18..<40, failing: [3, 39])
        let rehearsal = original.copy(seed: 0)
        _ = try rehearsal.merge()
        let expected = try rehearsal.lines(MergeFixture.target)
        let start = original.files.calls
        #expect(rehearsal.files.calls - start > 40)
        for call in start + 1...rehearsal.files.calls {
            for power in [false, true] {
                let fixture = original.copy(seed: UInt64(call))
                fixture.files.die(duringCall: call)
                _ = try? fixture.merge()
                power ? fixture.files.cutPower() : fixture.files.kill()
                let place: Comment = "call \(call - start), \(power ? "power cut" : "kill")"
                if fixture.merged.isEmpty { _ = try fixture.merge() }
                #expect(fixture.merged == rehearsal.merged, place)
                #expect(try fixture.lines(MergeFixture.target) == expected, place)
                #expect(!fixture.files.snapshot.keys.contains { $0.contains("tmp-merge") }, place)
            }
        }
    }
}
