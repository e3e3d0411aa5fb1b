import Basics
import Glibc
import SegmentStore

/// Rates of one store: appending, opening, looking up, reading, rebuilding the index. Lookups are counted by CPU time,
/// which other programs on the machine disturb less.
struct RateTable {
    let directory: String
    let records: Int
    private let batch = 64
    private static let journalBytesAtKill = 4 << 20

    func run() throws {
        let root = directory + "/store"
        print("\(records) records")
        let baseline = anonymousMegabytes()
        try append(to: root, dies: false)
        let killed = system("\(CommandLine.arguments[0]) fill \(records) \(directory)")
        precondition(killed != 0, "the child was not killed")
        row("anonymous memory after appending", "+\(decimal(anonymousMegabytes() - baseline)) MB")
        try open(root, "open, clean", "<= 5 ms")
        try open(directory + "/killed", "open, after a kill", "<= 200 ms")
        try lookups(root)
        try gets(root)
        try rebuild(root)
    }

    private func record(_ number: Int) -> NewRecord {
        NewRecord(
            key: RecordKey("q-\(number)"), status: .ok, attempts: 1, row: UInt64(number),
            fingerprint: UInt64(number) &* 0x9E37_79B9_7F4A_7C15,
            members: Array(#""response":"answer number \#(number) of a short run","finish_reason":"stop""#.utf8))
    }

    /// Appends everything to a store that is closed then, or dies with it.
    func append(to root: String, dies: Bool) throws {
        let store = try RecordStore.create(root, job: [:], failureClasses: [])
        let wall = wallSeconds()
        let cpu = processSeconds()
        var next = 0
        while next < records {
            let end = min(next + batch, records)
            let result = try store.append((next..<end).map(record))
            next = end
            if result.isPressed { try store.sync() }
        }
        if dies {
            // As at a run's pace, when the sealer keeps up.
            while try journalBytes(root) > Self.journalBytesAtKill { usleep(100_000) }
            kill(getpid(), SIGKILL)
        }
        let appended = wallSeconds()
        row("append", "\(Int(Double(records) / (appended - wall))) records/s")
        try store.close()
        row("close", "\(decimal((wallSeconds() - appended) * 1000)) ms")
        row("append and close, CPU", "\(decimal((processSeconds() - cpu) / Double(records) * 1e6)) us a record")
    }

    private func journalBytes(_ root: String) throws -> Int {
        var bytes = 0
        for name in try PosixFileSystem().entries(of: root + "/responses") where name.hasPrefix("journal-") {
            bytes += try PosixFileSystem().size(of: root + "/responses/" + name) ?? 0
        }
        return bytes
    }

    private func open(_ root: String, _ name: String, _ mark: String) throws {
        let start = wallSeconds()
        let cpu = processSeconds()
        let store = try RecordStore.open(root)
        let milliseconds = [wallSeconds() - start, processSeconds() - cpu].map { decimal($0 * 1000) }
        let recovered = store.recovery.recoveredRecords
        row(name, "\(milliseconds[0]) ms, CPU \(milliseconds[1]) ms, recovered \(recovered)", mark)
        try store.close()
    }

    func lookups(_ root: String) throws {
        let store = try RecordStore.open(root)
        let hashes = (0..<min(records, 500_000)).map { _ in RecordKey("q-\(Int.random(in: 0..<records))").hash }
        for pass in ["first", "hot"] {
            try rate("random lookups, one by one, \(pass)", hashes.count) {
                for hash in hashes where try store.lookup(hash) == nil { preconditionFailure("a record is missing") }
            }
        }
        try rate("random lookups, \(batch) at a time, hot", hashes.count, ">= 3") {
            for batch in batches(hashes) where try store.lookup(batch).contains(where: { $0 == nil }) {
                preconditionFailure("a record is missing")
            }
        }
        let misses = (0..<hashes.count).map { RecordKey("x-\($0)").hash }
        try rate("lookups of what is not there, one by one", misses.count) {
            for hash in misses where try store.lookup(hash) != nil { preconditionFailure("found what is not there") }
        }
        try rate("lookups of what is not there, \(batch) at a time", misses.count) {
            for batch in batches(misses) where try store.lookup(batch).contains(where: { $0 != nil }) {
                preconditionFailure("found what is not there")
            }
        }
        var bytes = 0
        for name in try PosixFileSystem().entries(of: root + "/index") where name.hasSuffix(".idx") {
            bytes += try PosixFileSystem().size(of: root + "/index/" + name) ?? 0
        }
        row("index", "\(decimal(Double(bytes) / Double(records))) B an entry", "<= 33")
        try store.close()
    }

    private func batches(_ hashes: [Hash128]) -> [[Hash128]] {
        stride(from: 0, to: hashes.count, by: batch).map { Array(hashes[$0..<min($0 + batch, hashes.count)]) }
    }

    private func rate(_ name: String, _ count: Int, _ mark: String = "", _ work: () throws -> Void) rethrows {
        let start = processSeconds()
        try work()
        row(name, "\(decimal(Double(count) / (processSeconds() - start) / 1e6)) M/s", mark)
    }

    private func gets(_ root: String) throws {
        let reader = try StoreReader(root)
        let count = min(records, 2000)
        let start = wallSeconds()
        for _ in 0..<count {
            let found = try reader.record(RecordKey("q-\(Int.random(in: 0..<records))"))
            precondition(found != nil, "a record is missing")
        }
        row("random gets", "\(Int(Double(count) / (wallSeconds() - start)))/s")
    }

    /// What opening does when files of the index are gone.
    private func rebuild(_ root: String) throws {
        for (name, suffixes) in [
            ("from hints", [".idx", "checkpoint"]), ("from segments", [".idx", "checkpoint", ".log"]),
        ] {
            for entry in try PosixFileSystem().entries(of: root + "/index")
            where suffixes.contains(where: { entry.hasSuffix($0) }) {
                try PosixFileSystem().remove(root + "/index/" + entry)
            }
            let start = wallSeconds()
            let cpu = processSeconds()
            let store = try RecordStore.open(root)
            let seconds = wallSeconds() - start
            precondition(store.counters.done == UInt64(records), "the new index is short")
            let rate = decimal(Double(records) / seconds / 1e6)
            row(
                "index made anew \(name)",
                "\(decimal(seconds)) s, \(rate) M/s, CPU \(decimal(processSeconds() - cpu)) s")
            try store.close()
        }
    }
}
