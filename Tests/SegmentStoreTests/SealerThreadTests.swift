import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// The store with its thread, on a simulated disk that fills up and fails.
@Suite struct SealerThreadTests {
    let files = SimulatedFileSystem(seed: 3)
    var options: StoreOptions {
        var options = StoreFixture.options(files)
        options.usesThread = true
        return options
    }

    private func records(_ range: Range<Int>) -> [NewRecord] { range.map { StoreFixture.record($0) } }

    @Test func syncAndDrainWaitForTheirOwnRequest() throws {
        let store = try StoreFixture.create(options)
        for round in 0..<50 {
            _ = try store.append(records(round * 4..<round * 4 + 4))
            try store.sync()
            // What a sync has promised survives a power cut at this very moment.
            let dead = files.fork(seed: UInt64(round))
            dead.cutPower()
            var options = StoreFixture.options(dead)
            options.files = dead
            let again = try RecordStore.open(StoreFixture.root, options: options)
            #expect(again.counters.done == UInt64(round * 4 + 4))
            try again.close()
        }
        try store.close()
    }

    @Test func manyThreadsMaySyncAndAskWhileOneAppends() throws {
        let store = try StoreFixture.create(options)
        let promised = Locked(0)
        let done = Locked(false)
        let threads = (0..<3).map { _ in
            TestThread {
                while !done.withLock({ $0 }) {
                    let count = promised.withLock { $0 }
                    try? store.sync()
                    if count > 0 {
                        let entry = try? store.lookup(RecordKey("item-\(count - 1)"))
                        #expect(entry?.recordStatus == .ok)
                    }
                }
            }
        }
        for number in 0..<400 {
            _ = try store.append([StoreFixture.record(number)])
            promised.withLock { $0 = number + 1 }
        }
        done.withLock { $0 = true }
        for thread in threads { thread.join() }
        try store.close()
        #expect(try StoreFixture.lines(.responses, options).count == 400)
    }

    @Test func aFullDiskPausesAndGoesOn() throws {
        let store = try StoreFixture.create(options)
        _ = try store.append(records(0..<20))
        try store.sync()
        _ = try store.append(records(20..<60))
        files.fail(.sync, with: ENOSPC, repeats: true)
        #expect { try store.sync() } throws: { ($0 as? RetortError)?.code == .noSpace }
        #expect(store.trouble?.code == .noSpace)
        files.clearFaults()
        try store.sync()
        #expect(store.trouble == nil)
        _ = try store.append(records(0..<80))
        try store.close()
        #expect(try StoreFixture.lines(.responses, options).count == 80)
    }

    @Test func closingWhilePausedTriesOnceMore() throws {
        for hasRoom in [false, true] {
            files.overwriteAll()
            let store = try StoreFixture.create(options)
            _ = try store.append(records(0..<20))
            files.fail(.create, with: ENOSPC, repeats: true)
            files.fail(.write, with: ENOSPC, repeats: true)
            #expect(throws: RetortError.self) { try store.append(records(20..<90)) }
            _ = try? store.sync()
            if hasRoom { files.clearFaults() }
            if hasRoom {
                try store.close()
            } else {
                #expect(throws: RetortError.self) { try store.close() }
                files.clearFaults()
            }
            let again = try RecordStore.open(StoreFixture.root, options: options)
            #expect(again.counters.done == 20)
            #expect((again.recovery.recoveredRecords > 0) == !hasRoom)
            try again.close()
        }
    }

    @Test func aClosedStoreRefusesAndDoesNotHang() throws {
        for usesThread in [true, false] {
            files.overwriteAll()
            var options = options
            options.usesThread = usesThread
            let store = try StoreFixture.create(options)
            _ = try store.append(records(0..<3))
            try store.close()
            #expect(throws: Sealing.closed) { try store.append(records(3..<4)) }
            #expect(throws: Sealing.closed) { try store.sync() }
            #expect(throws: Sealing.closed) { try store.close() }
            #expect(throws: Sealing.closed) { try store.endInput(rows: 9) }
            #expect(try store.lookup(RecordKey("item-1"))?.recordStatus == .ok)
        }
    }

    @Test func aFailedSealerLetsGoOfWhoeverWaits() throws {
        var options = options
        options.blockRawBytes = 1 << 20
        let store = try StoreFixture.create(options)
        let relieved = Locked(0)
        store.onRelief { relieved.withLock { $0 += 1 } }
        _ = try store.append(records(100..<101))
        files.fail(.sync, with: EIO, repeats: true)
        #expect(try store.append(largeRecords(40)).isPressed)
        #expect { try store.sync() } throws: { ($0 as? RetortError)?.code == .io }
        #expect(store.trouble?.place?.hasPrefix(StoreFixture.root) == true)
        #expect(relieved.withLock { $0 } == 1)
        #expect { try store.append(records(101..<102)) } throws: { ($0 as? RetortError)?.code == .io }
        #expect(throws: RetortError.self) { try store.close() }
        files.clearFaults()
        let again = try RecordStore.open(StoreFixture.root, options: options)
        #expect(again.counters.done == 41)
        try again.close()
    }

    private func largeRecords(_ count: Int) -> [NewRecord] {
        let filler = [UInt8](repeating: 0x61, count: 1 << 20)
        return (0..<count).map { number in
            var record = StoreFixture.record(number)
            record.members = Array("\"n\":1,\"text\":\"".utf8) + filler + [0x22]
            return record
        }
    }

    @Test func pressureIsFollowedByRelief() throws {
        var options = options
        options.blockRawBytes = 1 << 20
        options.compressionLevel = 1
        let store = try StoreFixture.create(options)
        let relieved = Locked(0)
        store.onRelief { relieved.withLock { $0 += 1 } }
        #expect(try store.append(largeRecords(40)).isPressed)
        try store.close()
        #expect(relieved.withLock { $0 } == 1)
    }

    @Test func aStoreThatIsDroppedLeavesNoThreadBehind() throws {
        for _ in 0..<20 {
            var store: RecordStore? =
                files.snapshot.isEmpty
                ? try StoreFixture.create(options) : try RecordStore.open(StoreFixture.root, options: options)
            _ = try store!.append(records(0..<30))
            store = nil
            // The lock is released, and nothing writes after that.
            let before = files.calls
            let next = try RecordStore.open(StoreFixture.root, options: StoreFixture.options(files))
            #expect(next.counters.done == 30)
            #expect(before <= files.calls)
            try next.close()
        }
    }
}

extension SimulatedFileSystem {
    /// Empties the disk.
    func overwriteAll() {
        clearFaults()
        for path in snapshot.keys { overwrite(path, with: nil) }
        kill()
    }
}
