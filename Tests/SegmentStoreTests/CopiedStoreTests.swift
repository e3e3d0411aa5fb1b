import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Copies made file by file while a run was writing, as by `cp -r`: each file is from a different moment.
@Suite struct CopiedStoreTests {
    private static let records = 70

    /// The content of the disk at each call of a run.
    private func film(_ options: StoreOptions, _ files: SimulatedFileSystem) throws -> [[String: [UInt8]]] {
        let film = Locked<[[String: [UInt8]]]>([])
        files.observe { machine in film.withLock { $0.append(machine.snapshot) } }
        let store = try StoreFixture.create(options)
        for number in 0..<Self.records {
            _ = try store.append([StoreFixture.record(number, failing: number % 6 == 1 ? 0 : nil)])
            if number % 8 == 7 { try store.sync() }
        }
        try store.close()
        files.observe(nil)
        return film.withLock { $0 }.filter { $0[StoreLayout(root: StoreFixture.root).manifest] != nil }
    }

    /// The files in some order, each copied a few calls after the previous one.
    private func copy(_ film: [[String: [UInt8]]], from start: Int, step: Int, order: [String]) throws
        -> SimulatedFileSystem
    {
        let machine = SimulatedFileSystem(seed: 1)
        for name in ["responses", "failures", "index"] { try machine.createDirectory(StoreFixture.root + "/" + name) }
        var moment = start
        for part in order {
            for path in film[min(moment, film.count - 1)].keys.sorted() where path.contains(part) {
                guard let bytes = film[min(moment, film.count - 1)][path] else { continue }
                machine.overwrite(path, with: bytes)
                moment += step
            }
        }
        return machine
    }

    @Test(arguments: [1, 4, 15], [0, 1, 2, 3])
    func aCopyOpensOrSaysWhatToDo(step: Int, turn: Int) throws {
        let files = SimulatedFileSystem(seed: 1)
        let film = try film(StoreFixture.options(files, delta: 12), files)
        let parts = ["/responses/", "/failures/", "/index/", "/retort.json"]
        let order = Array(parts[turn...] + parts[..<turn])
        var opened = 0
        for start in stride(from: 0, to: film.count, by: 3) {
            let machine = try copy(film, from: start, step: step, order: order)
            let options = StoreFixture.options(machine, delta: 12)
            do throws(RetortError) {
                let store = try RecordStore.open(StoreFixture.root, options: options)
                for number in 0..<Self.records where number % 6 != 1 {
                    _ = try store.append([StoreFixture.record(number)])
                }
                try store.close()
                opened += 1
            } catch {
                #expect(error.code == .damagedData && error.remedy?.contains("copy") == true, "\(start): \(error)")
                continue
            }
            let lines = try StoreFixture.lines(.responses, options)
            #expect(lines.count == Self.records - 12, "start \(start)")
            for number in 0..<Self.records where number % 6 != 1 {
                #expect(lines["item-\(number)"] == StoreFixture.line(StoreFixture.record(number)), "start \(start)")
            }
        }
        #expect(opened > 20)
    }
}
