import CommandLine
import Testing

@Suite struct CellWidthTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本語", 6), ("한글", 4), ("ｆ", 2), ("👩‍👩‍👧", 2), ("🇩🇪", 2), ("…", 1),
        ("\u{200B}", 0), ("\t", 0), ("→", 1),
    ])
    func widths(text: String, cells: Int) { #expect(CellWidth.of(text) == cells) }

    @Test(arguments: [
        ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("abc", 1, "…"), ("abc", 0, ""), ("日本語", 5, "日本…"), ("日本語", 4, "日…"),
        ("日本語", 6, "日本語"), ("e\u{301}e\u{301}x", 2, "e\u{301}…"),
    ])
    func cuts(text: String, cells: Int, result: String) {
        #expect(CellWidth.truncated(text, to: cells) == result)
    }

    @Test func noControlCharacterGetsThrough() {
        #expect(CellWidth.sanitized("a\u{1B}[2Jb\r\nc\u{9B}d\u{202E}e\u{7F}") == "a [2Jb  c d e ")
        #expect(CellWidth.sanitized("plain, é, 日, 👩‍👩‍👧") == "plain, é, 日, 👩‍👩‍👧")
    }
}
