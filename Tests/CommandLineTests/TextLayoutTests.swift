import Testing

@testable import CommandLine

@Suite struct TextLayoutTests {
    @Test func indentedLinesStayLines() {
        let text = """
            Words that
            go on:
              a     one
              bcd   another
            and
            more.

            Another paragraph.
            """
        let paragraphs = TextLayout.paragraphs(text)
        #expect(paragraphs == ["Words that go on:\n  a     one\n  bcd   another\nand more.", "Another paragraph."])
        #expect(
            TextLayout.wrap(paragraphs[0], 16) == [
                "Words that go", "on:", "  a     one", "  bcd   another", "and more.",
            ])
        #expect(TextLayout.wrap("  too long a line", 8) == ["too long", "a line"])
    }
}
