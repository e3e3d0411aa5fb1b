/// Two texts in two columns, for a terminal.
public enum SideBySide {
    /// Lines of at most `width` cells: `left` and `right`, each wrapped in half of it. Control characters are made
    /// visible.
    ///
    /// - Parameter linesMax: of a longer text the first lines are shown, and the number of further ones.
    public static func lines(_ left: String, _ right: String, width: Int, linesMax: Int) -> [String] {
        let column = max(columnMin, (width - separator.count) / 2)
        let (left, right) = (cut(wrapped(left, column), linesMax), cut(wrapped(right, column), linesMax))
        return (0..<max(left.count, right.count)).map { index in
            let one = index < left.count ? left[index] : ""
            let other = index < right.count ? right[index] : ""
            let line = one + TextLayout.spaces(column - CellWidth.of(one)) + separator + other
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static let columnMin = 20
    private static let separator = " │ "

    private static func cut(_ lines: [String], _ most: Int) -> [String] {
        guard lines.count > most else { return lines }
        return lines.prefix(most - 1) + ["... \(lines.count - most + 1) more lines"]
    }

    /// The lines of a text, broken if they are wider than `width`, at spaces if there are any.
    static func wrapped(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            var rest = Array(CellWidth.sanitized(String(line).replacing("\t", with: "    ")))
            repeat {
                var (end, used, space) = (0, 0, 0)
                while end < rest.count {
                    let cells = CellWidth.of(String(rest[end]))
                    if used + cells > width { break }
                    used += cells
                    end += 1
                    if rest[end - 1] == " " { space = end }
                }
                if end < rest.count, space > 0 { end = space }
                end = max(end, min(1, rest.count))
                lines.append(String(rest[..<end]))
                rest.removeFirst(end)
            } while !rest.isEmpty
        }
        return lines
    }
}
