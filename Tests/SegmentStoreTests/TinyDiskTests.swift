import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// A disk so small that the journal alone fills it.
@Suite struct TinyDiskTests {
    let files = SimulatedFileSystem(seed: 1)

    private func options(usesThread: Bool) -> StoreOptions {
        var options = StoreFixture.options(files, block: 8000, segment: 1 << 20, journal: 1 << 20, delta: 10_000)
        options.usesThread = usesThread
        return options
    }

    private func fill(_ store: RecordStore, from start: Int, to end: Int) -> Int {
        for number in start..<end {
            // The thread may be behind, and find the disk full for another reason.
            try? store.sync()
            do throws(RetortError) {
                _ = try store.append([StoreFixture.record(number)])
            } catch {
                #expect(error.code == .noSpace)
                return number
            }
        }
        return end
    }

    @Test(arguments: [true, false])
    func journalsMakeRoomForThemselves(usesThread: Bool) throws {
        let store = try StoreFixture.create(options(usesThread: usesThread))
        files.limitSpace(toFurther: 60_000)
        let reached = fill(store, from: 0, to: 2000)
        // A journal line has about 200 bytes: 60,000 bytes would hold 300.
        #expect(reached > 600, "stopped at \(reached)")
        #expect(store.counters.done == UInt64(reached))
        // No more space: the position does not change, unless the thread was behind and makes room now.
        let still = fill(store, from: reached, to: 2000)
        #expect(usesThread ? still >= reached : still == reached)
        // Space for a block is enough: the block is written, and the whole journal is removed.
        files.limitSpace(toFurther: 5_000)
        let further = fill(store, from: still, to: 2000)
        #expect(further > still, "\(still), then \(further)")
        files.clearFaults()
        #expect(fill(store, from: further, to: 2000) == 2000)
        try store.close()
        #expect(try StoreFixture.lines(.responses, options(usesThread: false)).count == 2000)
    }

    /// Space for a batch's block, but not for its journal lines: what fits is written and sealed, then the rest.
    @Test func aBatchThatDoesNotFitTheJournalIsTakenInParts() throws {
        let store = try StoreFixture.create(options(usesThread: false))
        files.limitSpace(toFurther: 14_000)
        let batch = (0..<200).map { StoreFixture.record($0) }
        // More than is available, including the store's reserve.
        let lines = batch.reduce(0) { $0 + StoreFixture.line($1).count }
        #expect(lines > 14_000 + 8_000, "\(lines)")
        #expect(try store.append(batch).count == 200)
        #expect(store.counters.done == 200)
        // No space at all: nothing is lost, and the same batch may be offered again.
        files.limitSpace(toFurther: 0)
        let more = (200..<400).map { StoreFixture.record($0) }
        #expect(throws: RetortError.self) { try store.append(more) }
        files.clearFaults()
        let again = try store.append(more)
        #expect(again.count + again.duplicates == 200 && store.counters.done == 400)
        try store.close()
        #expect(try StoreFixture.lines(.responses, options(usesThread: false)).count == 400)
    }

    @Test func theErrorSaysWhatIsNeeded() throws {
        let store = try StoreFixture.create(options(usesThread: false))
        files.fail(.write, on: ".jsonl.gz", with: ENOSPC, repeats: true)
        _ = fill(store, from: 0, to: 100)
        #expect(store.trouble?.cause?.contains("the next block needs ") == true)
    }
}
