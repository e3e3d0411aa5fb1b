import Basics
import CommandLine
import JSONText
import Testing

@Suite struct ProgressTextTests {
    private let busy = ProgressSnapshot(
        total: 1_000_000, done: 453_000, failed: 120, resumed: 200_000, inFlight: 256, retrying: 3, rate: 1234.4,
        promptTokens: 12_300_000, completionTokens: 45_600_000, tokenRate: 98_765, cost: 45.678,
        remaining: .seconds(3720), elapsed: .seconds(205))

    private func line(_ snapshot: ProgressSnapshot, _ width: Int) -> String {
        ProgressText.line(snapshot, width: width, palette: .plain)
    }

    @Test func aWideTerminalShowsEverything() {
        #expect(
            line(busy, 200)
                == "[#######---------] 453,120/1,000,000 (45.3%), 120 failed, 1,234 items/s, ETA 1h02m; 256 in flight, "
                + "3 waiting to retry, $45.68; tokens 12.3M in, 45.6M out, 98.8k/s; 200,000 from earlier runs")
    }

    @Test(arguments: [
        (
            120,
            "453,120/1,000,000 (45.3%), 120 failed, 1,234 items/s, ETA 1h02m; 256 in flight, 3 waiting to retry, $45.68"
        ),
        (80, "453,120/1,000,000 (45.3%), 120 failed, 1,234 items/s, ETA 1h02m, $45.68"),
        (60, "453,120/1,000,000 (45.3%), 120 failed, ETA 1h02m, $45.68"),
        (40, "453,120/1,000,000 (45.3%), 120 failed"),
        (20, "453,120/1,000,000"),
        (10, "453,120/…"),
    ])
    func whatMattersLeastGivesWay(width: Int, expected: String) {
        #expect(line(busy, width) == expected)
    }

    @Test func noWidthIsExceeded() {
        var snapshot = busy
        snapshot.note = "waiting for 日本語: retry in 12 s"
        snapshot.pausedReason = "the server answers 503 to everything"
        for width in 1...220 {
            #expect(CellWidth.of(line(snapshot, width)) <= max(1, width - 1), "width \(width)")
        }
    }

    @Test func theTailSaysWhatItWaitsFor() {
        let tail = ProgressSnapshot(
            total: 1000, done: 997, inFlight: 0, retrying: 3, rate: 0.2, remaining: .seconds(12),
            elapsed: .seconds(60), note: "waiting for 3: retry in 12 s (429)")
        #expect(
            line(tail, 140)
                == "[###############-] 997/1,000 (99.7%), 0.20 items/s, ETA 12s; 0 in flight, 3 waiting to retry; "
                + "waiting for 3: retry in 12 s (429)")
        #expect(line(tail, 66) == "997/1,000 (99.7%), ETA 12s; waiting for 3: retry in 12 s (429)")
    }

    @Test func aPauseIsSaid() {
        let paused = ProgressSnapshot(total: 10, done: 5, pausedReason: "no space left on the disk")
        #expect(
            line(paused, 110)
                == "[########--------] 5/10 (50.0%), paused: no space left on the disk, 0.00 items/s, ETA -; 0 in flight"
        )
    }

    @Test func withoutATotal() {
        #expect(line(ProgressSnapshot(done: 1234, rate: 10), 80) == "1,234 settled, 10.0 items/s; 0 in flight")
    }

    @Test func anEmptyJobIsComplete() {
        #expect(line(ProgressSnapshot(total: 0), 80) == "[################] 0/0")
    }

    @Test func foreignTextCannotMoveTheCursor() {
        let text = line(ProgressSnapshot(note: "a\r\n\u{1B}[2Jb", pausedReason: "\u{7}"), 80)
        #expect(!text.unicodeScalars.contains { $0.value < 32 })
    }

    @Test func coloursAddNoCells() {
        let colored = ProgressText.line(busy, width: 120, palette: .colored)
        #expect(colored.contains("\u{1B}[31m120 failed\u{1B}[0m"))
        #expect(colored.replacing(/\u{1B}\[[0-9]+m/, with: "") == line(busy, 120))
    }

    @Test func plainLinesHaveTheTimeAndNoBar() {
        #expect(
            ProgressText.plain(busy)
                == "[3m25s] 453,120/1,000,000 (45.3%), 120 failed, 1,234 items/s, ETA 1h02m; 256 in flight, "
                + "3 waiting to retry, $45.68; tokens 12.3M in, 45.6M out, 98.8k/s; 200,000 from earlier runs")
    }

    @Test func jsonLinesKeepTheirMembers() throws {
        var snapshot = busy
        snapshot.note = "a \"quoted\"\nnote"
        let members = try JSONParser().parse(ProgressText.json(snapshot)).root.members
        let empty = try JSONParser().parse(ProgressText.json(ProgressSnapshot(rate: .infinity))).root
        #expect(members.map(\.key.string) == empty.members.map(\.key.string))
        #expect(members.first { $0.key.string == "note" }?.value.string == snapshot.note)
        #expect(members.first { $0.key.string == "done" }?.value.int == 453_000)
        #expect(members.first { $0.key.string == "cost_usd" }?.value.double == 45.678)
        #expect(empty["total"]?.kind == .null)
        #expect(empty["rss_bytes"]?.kind == .null)
        #expect(empty["rate_per_s"]?.kind == .null)
        #expect(empty["paused"]?.string == "")
    }

    @Test func theProcesssOwnHealthIsShownWhileItRuns() throws {
        var snapshot = busy
        snapshot.health = RunHealth(
            requestRate: 1250, cpuShare: 0.305, residentBytes: 48 << 20, loopLag: .milliseconds(12))
        let root = try JSONParser().parse(ProgressText.json(snapshot)).root
        #expect(root["requests_per_s"]?.double == 1250)
        #expect(root["cpu_cores"]?.double == 0.305)
        #expect(root["rss_bytes"]?.int == 48 << 20)
        #expect(root["loop_lag_ms"]?.double == 12)
        #expect(ProgressText.plain(snapshot).contains("CPU 31%, RSS 48 MiB"))
        let done = ProgressSnapshot(total: 1, done: 1, health: snapshot.health)
        #expect(!ProgressText.plain(done).contains("CPU"))
    }
}
