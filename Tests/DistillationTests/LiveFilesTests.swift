import Basics
import Glibc
import JSONText
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// A folder of the test's own, removed afterwards.
private func inFolder(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/retort-live-XXXXXX".utf8CString)
    let path = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer {
        for name in (try? PosixFileSystem().entries(of: path)) ?? [] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
    try body(path)
}

private func lines(_ path: String) throws -> [JSONValue] {
    try TextFile.read(path).split(separator: "\n").map { try JSONParser().parse(String($0)).root }
}

@Suite("Files of a live run")
struct LiveFilesTests {
    @Test("the log is JSON lines, rotates within bounds, and never has a secret")
    func eventLog() throws {
        try inFolder { folder in
            let path = "\(folder)/log"
            let secrets = Secrets(environment: ["OPENAI_API_KEY": "sk-secret-of-the-test"])
            let log = try EventLog(path, secrets: secrets, bytesMax: 400)
            for number in 0..<40 {
                let event = RunWatch.Event(time: number, kind: .hold, text: "sk-secret-of-the-test \"\(number)\"\n")
                log.write(event, RunRecord())
            }
            let names = try PosixFileSystem().entries(of: folder).sorted()
            #expect(names == ["log", "log.1", "log.2", "log.3"])
            for name in names {
                let text = try TextFile.read("\(folder)/\(name)")
                #expect(text.utf8.count <= 400 && !text.contains("sk-secret"))
            }
            let last = try #require(try lines(path).last)
            #expect(last["event"]?.string == "hold")
            #expect(last["time"]?.string == "1970-01-01T00:00:39Z")
            #expect(last["text"]?.string?.hasSuffix("\"39\"\n") == true)
        }
    }

    @Test("a log that cannot be opened is told before the run")
    func noLog() {
        #expect(throws: RetortError.self) { try EventLog("/nowhere/at/all", secrets: .none) }
    }

    @Test("changes are read back; what is none is passed over, and no file is followed")
    func changes() throws {
        try inFolder { folder in
            let log = ChangeLog(in: folder)
            #expect(log.read().isEmpty)
            log.append("paused")
            let file = open("\(folder)/\(ChangeLog.name)", O_WRONLY | O_APPEND)
            for rubbish in ["", "{", "[]", #"{"time":"x","change":1}"#] {
                let line = Array((rubbish + "\n").utf8)
                write(file, line, line.count)
            }
            close(file)
            log.append("resumed")
            #expect(log.read().map(\.text) == ["paused", "resumed"])
            unlink("\(folder)/\(ChangeLog.name)")
            symlink("\(folder)/elsewhere", "\(folder)/\(ChangeLog.name)")
            log.append("paused")
            #expect(access("\(folder)/elsewhere", F_OK) != 0)
        }
    }

    @Test("the user's command gets its words, each occasion once")
    func notifier() throws {
        try inFolder { folder in
            let warnings = Locked<[String]>([])
            let notifier = Notifier(
                .command("echo \"$RETORT_EVENT:$RETORT_STORE:$RETORT_TEXT\" >> \(folder)/told; exit 3"),
                store: "runs/a", limits: Notifier.Limits(), secrets: Secrets()
            ) { text in warnings.withLock { $0.append(text) } }
            var record = RunRecord()
            (record.state, record.done, record.failed) = (.ended, 5, 2)
            notifier.end(record)
            notifier.end(record)
            let told = try TextFile.read("\(folder)/told")
            #expect(told == "end:runs/a:ended; 5 done, 2 failed\n")
            #expect(warnings.withLock { $0 } == ["--notify: the command ended with status 3"])
        }
    }
}

@Suite("A run on a terminal")
struct TopScreenTests {
    @Test("fits the screen, whatever there is to say; the keys are always there")
    func fits() {
        var state = RunWatch.State()
        (state.record.total, state.record.done, state.record.failed) = (100, 60, 5)
        for number in 0..<50 {
            state.failures["class \(number)"] = RunWatch.Failures(count: number, id: "x", message: "y")
        }
        for height in [1, 3, 10, 200] {
            let lines = TopScreen(state: state, durations: LogHistogram(), title: "a", reply: "paused").lines(
                width: 80, height: height)
            #expect(lines.count <= max(2, height - 1))
            #expect(lines.last?.hasSuffix("paused") == true)
        }
        let all = TopScreen(state: state, durations: LogHistogram(), title: "a", reply: "").lines(
            width: 10, height: 200)
        #expect(all[1].contains("65 of 100 (65.0%), 5 failed"))
    }
}
