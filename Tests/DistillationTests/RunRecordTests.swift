import Basics
import Glibc
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct RunRecordTests {
    private var record: RunRecord {
        var record = RunRecord()
        (record.pid, record.started, record.updated, record.total) = (Int(getpid()), 1_700_000_000, 1_700_000_010, 2000)
        (record.done, record.failed, record.pending, record.inFlight, record.waiting) = (500, 10, 1490, 15, 6)
        (record.itemsPerSecond, record.remainingSeconds, record.nextRetrySeconds) = (82.5, 18.25, 3)
        (record.retries, record.cost) = (["rate_limited": 4, "server": 2], 0.0125)
        (record.paused, record.lastError, record.reason) = ("rate limit", "HTTP 500: \"no\"\n", "")
        record.settings = ["concurrency": "64", "base_url": "http://h/v1"]
        record.concurrency = 16
        return record
    }

    @Test func whatIsWrittenIsRead() throws {
        let folder = try Folder()
        let file = RunRecordFile(in: folder.path)
        #expect(file.read() == nil)
        file.write(record)
        #expect(file.read() == record)
        var other = record
        (other.state, other.reason, other.total) = (.stopped, "interrupted", nil)
        file.write(other)
        #expect(file.read() == other)
    }

    @Test func longTextsAreCut() throws {
        let folder = try Folder()
        var long = record
        long.lastError = String(repeating: "é\u{1}", count: 100_000)
        long.settings["base_url"] = String(repeating: "x", count: 1 << 20)
        RunRecordFile(in: folder.path).write(long)
        let read = try #require(RunRecordFile(in: folder.path).read())
        #expect(read.lastError.unicodeScalars.count == RunRecord.textScalarsMax + 1)
        #expect(long.json.count < RunRecordFile.bytesMax / 4)
    }

    @Test(arguments: [
        "", "{", "[]", "null", #"{"format":"other","state":"running"}"#, #"{"format":"retort progress","state":"odd"}"#,
        #"{"format":1}"#, "\u{0}",
    ])
    func otherFilesAreNone(text: String) throws {
        let folder = try Folder()
        try folder.write(RunRecordFile.name, text)
        #expect(RunRecordFile(in: folder.path).read() == nil)
    }

    @Test func nonsenseIsBroughtWithinBounds() throws {
        let text = """
            {"format":"retort progress","state":"running","done":-5,"total":9223372036854775807,"failed":1e400,
            "pid":"x","pending":[1],"rate_per_s":1e999,"remaining_s":-1,"elapsed_s":1e300,"retries":{"a":-1,"b":"c"},
            "settings":{"a":1,"b":"two"},"reason":null,"started":99999999999999999999}
            """
        let record = try #require(RunRecord(Array(text.utf8)))
        #expect(record.done == 0 && record.total == 1 << 53 && record.failed == 0 && record.pending == nil)
        #expect(record.retries == ["a": 0] && record.settings == ["b": "two"] && record.remainingSeconds == 0)
        #expect(record.itemsPerSecond == 0 && record.elapsedSeconds == Double(1 << 53))
    }

    /// Neither may block a command or be used in place of the file.
    @Test func pipesAndDirectoriesAreNone() throws {
        let folder = try Folder()
        let path = "\(folder.path)/\(RunRecordFile.name)"
        #expect(mkfifo(path, 0o600) == 0)
        #expect(RunRecordFile(in: folder.path).read() == nil)
        unlink(path)
        #expect(mkdir(path, 0o700) == 0)
        #expect(RunRecordFile(in: folder.path).read() == nil)
        RunRecordFile(in: folder.path).write(record)
        #expect(RunRecordFile(in: folder.path).read() == nil)
    }

    /// A link in the file's place is not written through.
    @Test func linksAreNotFollowed() throws {
        let folder = try Folder()
        let victim = try folder.write("victim", "precious")
        #expect(symlink(victim, "\(folder.path)/\(RunRecordFile.name).\(getpid()).tmp") == 0)
        #expect(symlink(victim, "\(folder.path)/\(RunRecordFile.name)") == 0)
        RunRecordFile(in: folder.path).write(record)
        #expect(RunRecordFile(in: folder.path).read() == record)
        var bytes = [UInt8](repeating: 0, count: 16)
        let file = try #require(fopen(victim, "r"))
        defer { fclose(file) }
        #expect(fread(&bytes, 1, 16, file) == 8)
    }
}

@Suite struct StoreStatusTests {
    private func status(_ change: (inout RunRecord) -> Void, closing: Bool = true) throws -> StoreStatus {
        let store = try ReportingStore(rows: 4)
        if closing { try store.store.close() }
        var record = RunRecord()
        (record.pid, record.total, record.done, record.pending) = (Int(getpid()), 4, 0, 4)
        (record.itemsPerSecond, record.remainingSeconds, record.inFlight, record.waiting) = (82.9, 5, 3, 2)
        record.settings = ["concurrency": "64", "base_url": "http://h/v1"]
        record.concurrency = 16
        change(&record)
        RunRecordFile(in: store.root).write(record)
        return try StoreStatus(store.root)
    }

    @Test func aRunThatWritesTellsOfItsPace() throws {
        let status = try status({ _ in }, closing: false)
        let text = status.lines.joined(separator: "\n")
        #expect(status.state == .running && status.pending == 4)
        #expect(text.contains("state      running: 0 of 4 items\n"))
        #expect(text.contains("pace       82.9 items/s, ETA 5s; 3 in flight, 2 waiting to retry"))
        #expect(text.contains("settings   concurrency=64 (now 16)\n") && text.contains("server     http://h/v1\n"))
    }

    @Test func howItEndedIsTold() throws {
        #expect(try status { $0.state = .ended }.state == .ended)
        let stopped = try status { ($0.state, $0.reason) = (.stopped, "interrupted") }
        #expect(stopped.lines[0] == "state      stopped at 0 of 4 items: interrupted")
        let killed = try status { $0.updated = 0 }
        #expect(
            killed.state == .killed && killed.lines[0].hasPrefix("state      killed at 0 of 4 items; its last sign"))
        #expect(!killed.lines.contains { $0.hasPrefix("pace") })
    }

    @Test func anotherProcessesRecordIsNotTheWriters() throws {
        let status = try status({ ($0.pid, $0.state) = (1, .ended) }, closing: false)
        #expect(status.state == .running && status.run == nil)
    }

    @Test func severalStoresStandSideBySide() throws {
        let one = try status { $0.state = .ended }
        let other = try status { $0.settings["concurrency"] = "8" }
        let lines = StatusComparison([one, other]).lines
        #expect(lines.contains { $0.hasPrefix("state") && $0.contains("ended") && $0.contains("killed") })
        #expect(lines.contains { $0.hasPrefix("concurrency") && $0.contains("64") && $0.hasSuffix("8") })
        #expect(lines.allSatisfy { !$0.hasSuffix(" ") })
    }
}

@Suite struct RunRecordProgressTests {
    private func noted(_ change: (inout Progress) -> Void) -> RunRecord {
        var progress = Progress()
        (progress.itemsPerSecond, progress.concurrency, progress.concurrencyMax) = (10, 12, 64)
        progress.answered = 100
        change(&progress)
        var record = RunRecord()
        record.note(progress, RunStanding(retried: 200, progress))
        return record
    }

    @Test func itSaysWhatTheGeneratorKnows() {
        let record = noted {
            ($0.lastError, $0.empty, $0.truncated) = ("HTTP 500: no", 2, 3)
            $0.lastRetryIn = .seconds(90)
        }
        #expect(record.lastError == "HTTP 500: no" && record.empty == 2 && record.truncated == 3)
        #expect(record.concurrency == 12 && record.concurrencyMax == 64)
        #expect(record.remainingSeconds == 90)
        #expect(noted { _ in }.remainingSeconds == 10)
    }

    @Test func anOutageHasNoTimeLeft() {
        let record = noted { ($0.hold, $0.outageLeft) = (.serverDown, .seconds(30)) }
        #expect(record.remainingSeconds == nil && record.outageLeftSeconds == 30)
        #expect(RunRecord(record.json)?.outageLeftSeconds == 30)
    }

    @Test func theNoteShowsTheWindowAndTheLastError() {
        var progress = Progress()
        (progress.concurrency, progress.concurrencyMax, progress.lastError) = (12, 64, "HTTP 500: a\u{1B}b")
        #expect(RunDisplay.note(progress).hasPrefix("window 12 of 64; last error: HTTP 500: a"))
        #expect(!RunDisplay.note(progress).contains("\u{1B}"))
        progress.concurrency = 64
        progress.lastError = nil
        #expect(RunDisplay.note(progress).isEmpty)
    }
}
