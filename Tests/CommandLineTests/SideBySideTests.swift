import Testing

@testable import CommandLine

@Suite struct SideBySideTests {
    @Test func textsAreWrappedInTwoColumns() {
        let lines = SideBySide.lines("one two three four five six", "a\n\nb", width: 43, linesMax: 9)
        #expect(lines == ["one two three four   │ a", "five six             │", "                     │ b"])
    }

    @Test func longWordsWideSignsAndControlCharactersFit() {
        let lines = SideBySide.wrapped(String(repeating: "日", count: 15) + "\u{1B}[2J", 20)
        #expect(lines.allSatisfy { CellWidth.of($0) <= 20 && !$0.contains("\u{1B}") })
        #expect(lines.joined().count { $0 == "日" } == 15)
        #expect(SideBySide.wrapped("", 20) == [""])
        #expect(SideBySide.wrapped(String(repeating: "x", count: 45), 20).map(\.count) == [20, 20, 5])
    }

    @Test func longTextsAreCut() {
        let text = (0..<50).map(String.init).joined(separator: "\n")
        let lines = SideBySide.lines(text, "x", width: 60, linesMax: 10)
        #expect(lines.count == 10 && lines[9].hasPrefix("... 41 more lines"))
    }
}
