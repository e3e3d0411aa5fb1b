import Basics
import Testing

@testable import CommandLine

@Suite("Progress of several parts")
struct ProgressBoardTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test("Each part has a line; a redraw takes the place of the lines, and messages go above them")
    func lines() {
        var board = ProgressBoard(["draft", "a"], .line, width: 60, palette: .plain)
        let first = board.update(0, ProgressSnapshot(total: 4, done: 1), now: at(0))
        #expect(first.hasPrefix("draft  1/4"))
        #expect(first.hasSuffix("\na      waiting"))
        let early = board.update(1, ProgressSnapshot(total: 4, done: 2), now: at(10))
        #expect(early.isEmpty)
        let second = board.update(1, ProgressSnapshot(total: 4, done: 3), now: at(200))
        #expect(second.hasPrefix("\u{1B}[1A\r\u{1B}[Jdraft"))
        #expect(second.contains("3/4"))
        let message = board.message("hello")
        #expect(message.hasPrefix("\u{1B}[1A\r\u{1B}[Jhello\ndraft"))
        let third = board.finish(0, ProgressSnapshot(total: 4, done: 4), now: at(300))
        #expect(!third.hasSuffix("\n"))
        let last = board.finish(1, ProgressSnapshot(total: 4, done: 4), now: at(400))
        #expect(last.hasSuffix("\n"))
        let bye = board.message("bye")
        #expect(bye == "bye\n")
    }

    @Test("Lines never wrap")
    func narrow() {
        var board = ProgressBoard(["draft", "a"], .line, width: 30, palette: .plain)
        let text = board.update(0, ProgressSnapshot(total: 4_000, done: 1, failed: 17, note: "a long note"), now: at(0))
        for line in text.split(separator: "\n") { #expect(CellWidth.of(String(line)) < 30) }
    }

    @Test("In a log each part has its line, in JSON its name")
    func logs() {
        var plain = ProgressBoard(["a", "b"], .plain(every: .seconds(1)), width: 80, palette: .plain)
        let early = plain.update(0, ProgressSnapshot(done: 1), now: at(0))
        #expect(early.isEmpty)
        let both = plain.update(1, ProgressSnapshot(done: 2), now: at(1500))
        #expect(both.split(separator: "\n").count == 2)
        let last = plain.finish(0, ProgressSnapshot(done: 3), now: at(1600))
        #expect(last.hasPrefix("a  [0s] 3 settled"))
        let end = plain.end()
        #expect(end.isEmpty)
        var json = ProgressBoard(["a", "b"], .json(every: .seconds(1)), width: 80, palette: .plain)
        let object = json.finish(1, ProgressSnapshot(done: 3), now: at(0))
        #expect(object.hasSuffix(",\"stage\":\"b\"}\n"))
        let message = json.message("x")
        #expect(message.hasPrefix("{\"event\":\"message\""))
    }
}
