import Basics
import Glibc
import SegmentStore

/// Rates of one store: appending, opening, looking up, reading, making the index anew. Lookups are counted by CPU
/// time, which other programs on the machine disturb less.
struct RateTable {
    let directory: String
    let records: Int
    private let batch = 64

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
            try store.sync()
            usleep(1_500_000)
            kill(getpid(), SIGKILL)
        }
        let appended = wallSeconds()
        row("append", "\(Int(Double(records) / (appended - wall))) records/s")
        try store.close()
        row("close", "\(decimal((wallSeconds() - appended) * 1000)) ms")
        row("append and close, CPU", "\(decimal((processSeconds() - cpu) / Double(records) * 1e6)) us a record")
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

    private func lookups(_ root: String) throws {
        let store = try RecordStore.open(root)
        let hashes = (0..<min(records, 500_000)).map { _ in RecordKey("q-\(Int.random(in: 0..<records))").hash }
        for pass in ["first", "hot"] {
            let start = processSeconds()
            var found = 0
            for hash in hashes where try store.lookup(hash) != nil { found += 1 }
            let seconds = processSeconds() - start
            precondition(found == hashes.count, "a record is missing")
            row("random lookups, \(pass)", "\(decimal(Double(found) / seconds / 1e6)) M/s", pass == "hot" ? ">= 3" : "")
        }
        let misses = (0..<hashes.count).map { RecordKey("x-\($0)").hash }
        let start = processSeconds()
        for hash in misses where try store.lookup(hash) != nil { preconditionFailure("found what is not there") }
        row("lookups of what is not there", "\(decimal(Double(misses.count) / (processSeconds() - start) / 1e6)) M/s")
        var bytes = 0
        for name in try PosixFileSystem().entries(of: root + "/index") where name.hasSuffix(".idx") {
            bytes += try PosixFileSystem().size(of: root + "/index/" + name) ?? 0
        }
        row("index", "\(decimal(Double(bytes) / Double(records))) B an entry", "<= 33")
        try store.close()
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
        for (name, suffixes) in [("from hints", [".idx", "checkpoint"]), ("from segments", [".idx", "checkpoint", ".log"])] {
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
            row("index made anew \(name)", "\(decimal(seconds)) s, \(rate) M/s, CPU \(decimal(processSeconds() - cpu)) s")
            try store.close()
        }
    }
}
