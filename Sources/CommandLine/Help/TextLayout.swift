/// Plain text in lines of limited width.
enum TextLayout {
    /// Breaks `text` at spaces into lines of at most `width` cells; a longer word has a line of its own. An indented
    /// line that fits stays as it is.
    static func wrap(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var flow = ""
        for line in text.split(separator: "\n") {
            if isTable(line), CellWidth.of(String(line)) <= width {
                lines += wrapped(flow, width)
                flow = ""
                lines.append(String(line))
            } else {
                flow += " "
                flow += line
            }
        }
        return lines + wrapped(flow, width)
    }

    private static func isTable(_ line: Substring) -> Bool { line.hasPrefix("  ") }

    private static func wrapped(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        var used = 0
        for word in text.split(separator: " ") {
            let cells = CellWidth.of(String(word))
            if !line.isEmpty && used + 1 + cells > width {
                lines.append(line)
                line = ""
                used = 0
            }
            if !line.isEmpty {
                line += " "
                used += 1
            }
            line += word
            used += cells
        }
        return line.isEmpty ? lines : lines + [line]
    }

    /// Paragraphs are separated by empty lines. Indented lines are kept separate, others are joined.
    static func paragraphs(_ text: String) -> [String] {
        var paragraphs: [[Substring]] = [[]]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.allSatisfy(\.isWhitespace) {
                paragraphs.append([])
            } else {
                paragraphs[paragraphs.count - 1].append(line)
            }
        }
        return paragraphs.filter { !$0.isEmpty }.map { lines in
            var text = String(lines[0])
            for (before, line) in zip(lines, lines.dropFirst()) {
                text += isTable(before) || isTable(line) ? "\n" : " "
                text += line
            }
            return text
        }
    }

    static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
