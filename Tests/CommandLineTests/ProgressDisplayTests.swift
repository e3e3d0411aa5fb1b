import Basics
import CommandLine
import Testing

@Suite struct ProgressDisplayTests {
    private let clear = "\r\u{1B}[K"

    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private func snapshot(_ done: Int) -> ProgressSnapshot { ProgressSnapshot(total: 100, done: done, rate: 1) }

    private func line(_ done: Int, width: Int = 80) -> String {
        ProgressText.line(snapshot(done), width: width, palette: .plain)
    }

    @Test func aTerminalIsRedrawnAtMostTenTimesASecond() {
        var display = ProgressDisplay(.line, width: 80, palette: .plain)
        var frames = 0
        for millisecond in 0..<2000 where !display.update(snapshot(millisecond), now: at(Int64(millisecond))).isEmpty {
            frames += 1
        }
        #expect(frames == 20)
    }

    @Test func itemsInPlaceOfTime() {
        var display = ProgressDisplay(.plain(every: .seconds(1)), width: 80, palette: .plain, itemsEvery: 10)
        var shown: [Int] = []
        for done in 5..<48 where !display.update(snapshot(done), now: at(Int64(done) * 5000)).isEmpty {
            shown.append(done)
        }
        #expect(shown == [15, 20, 30, 40])
        var line = ProgressDisplay(.line, width: 80, palette: .plain, itemsEvery: 10)
        #expect(!line.update(snapshot(1), now: at(0)).isEmpty, "a line is redrawn by time")
    }

    @Test func framesReplaceEachOther() {
        var display = ProgressDisplay(.line, width: 80, palette: .plain)
        #expect(display.update(snapshot(1), now: at(0)) == clear + line(1))
        #expect(display.update(snapshot(2), now: at(99)) == "")
        #expect(display.update(snapshot(2), now: at(100)) == clear + line(2))
        #expect(display.update(snapshot(2), now: at(300)) == "", "an unchanged line is not drawn again")
    }

    @Test func messagesStandAboveTheLine() {
        var display = ProgressDisplay(.line, width: 80, palette: .plain)
        #expect(display.message("before") == "before\n")
        _ = display.update(snapshot(1), now: at(0))
        #expect(display.message("during") == clear + "during\n" + line(1))
        #expect(display.finish(snapshot(3), now: at(1)) == clear + line(3) + "\n")
        #expect(display.message("after") == "after\n")
    }

    @Test func theLastFrameIsDrawnEvenIfUnchanged() {
        var display = ProgressDisplay(.line, width: 80, palette: .plain)
        _ = display.update(snapshot(1), now: at(0))
        #expect(display.finish(snapshot(1), now: at(1)) == clear + line(1) + "\n")
    }

    @Test func theWidthMayChange() {
        var display = ProgressDisplay(.line, width: 80, palette: .plain)
        _ = display.update(snapshot(1), now: at(0))
        display.width = 20
        #expect(display.update(snapshot(1), now: at(100)) == clear + line(1, width: 20))
    }

    @Test(arguments: [ProgressStyle.plain(every: .seconds(10)), .json(every: .seconds(10))])
    func logsComeEverySoOften(style: ProgressStyle) {
        var display = ProgressDisplay(style, width: 80, palette: .colored)
        var lines: [String] = []
        for second in 0..<35 {
            lines.append(display.update(snapshot(second), now: at(Int64(second) * 1000)))
        }
        #expect(lines.indices.filter { !lines[$0].isEmpty } == [10, 20, 30])
        #expect(lines.allSatisfy { $0.isEmpty || $0.hasSuffix("\n") && !$0.contains("\u{1B}") })
        #expect(display.message("word").hasSuffix("\n"))
        #expect(display.finish(snapshot(100), now: at(35_001)).hasSuffix("\n"))
    }

    @Test func silenceIsSilent() {
        var display = ProgressDisplay(.none, width: 80, palette: .plain)
        #expect(display.update(snapshot(1), now: at(0)) == "")
        #expect(display.finish(snapshot(1), now: at(1)) == "")
        #expect(display.message("word") == "word\n")
    }

    @Test func amongObjectsARemarkIsAnObject() throws {
        var display = ProgressDisplay(.json(every: .seconds(1)), width: 80, palette: .plain)
        #expect(display.message("bad \"row\"") == #"{"event":"message","text":"bad \"row\""}"# + "\n")
        var plain = ProgressDisplay(.plain(every: .seconds(1)), width: 80, palette: .plain)
        #expect(plain.message("bad row") == "bad row\n")
    }

    @Test func theModeBecomesAStyle() {
        let screen = Terminal(isTerminal: true)
        let log = Terminal(isTerminal: false)
        let every = Interval.seconds(10)
        #expect(ProgressStyle(.auto, terminal: screen, environment: [:]) == .line)
        #expect(ProgressStyle(.auto, terminal: screen, environment: ["TERM": "dumb"]) == .plain(every: every))
        #expect(ProgressStyle(.auto, terminal: log, environment: [:]) == .plain(every: every))
        #expect(ProgressStyle(.line, terminal: log, environment: [:]) == .line)
        #expect(ProgressStyle(.json, terminal: screen, environment: [:]) == .json(every: every))
        #expect(
            ProgressStyle(.plain, terminal: screen, environment: [:], every: .seconds(1)) == .plain(every: .seconds(1)))
        #expect(ProgressStyle(.none, terminal: screen, environment: [:]) == .none)
    }

    @Test func theReadyMadeOptionsFitTheirTypes() throws {
        let command = CommandSpec("go", summary: "go")
        let program = ProgramSpec(
            name: "p", version: "1", summary: "p", commands: [command], sharedOptions: [.color, .progress, .quiet])
        #expect(program.problems() == [])
        for mode in ProgressMode.allCases {
            guard case .run(let parsed) = try ArgumentParser(program).parse(["go", "--progress", mode.rawValue]) else {
                Issue.record("not a command to run")
                return
            }
            #expect(parsed.choice("progress", as: ProgressMode.self) == mode)
            #expect(parsed.choice("color", as: ColorChoice.self) == .auto)
        }
    }
}
