/// The width of text in terminal cells. An approximation: terminals differ for emoji and for ambiguous widths.
public enum CellWidth {
    /// The width of a whole text without line breaks.
    public static func of(_ text: String) -> Int { text.reduce(0) { $0 + of($1) } }

    /// The width of a character: that of its widest scalar, 2 for emoji, 0 for combining marks alone.
    public static func of(_ character: Character) -> Int {
        if character.isASCII { return character.unicodeScalars.allSatisfy { $0.value < 0x20 } ? 0 : 1 }
        return character.unicodeScalars.reduce(0) { max($0, of($1)) }
    }

    /// The beginning of `text` that fits into `cells`; if it is truncated, the last cell is an ellipsis.
    public static func truncated(_ text: String, to cells: Int) -> String {
        if of(text) <= cells { return text }
        if cells <= 0 { return "" }
        var result = ""
        var used = 0
        for character in text {
            used += of(character)
            if used > cells - 1 { break }
            result.append(character)
        }
        return result + "…"
    }

    /// `text` with control characters as spaces, so that it can neither move the cursor nor break the line.
    public static func sanitized(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { scalars.append(isControl(scalar) ? " " : scalar) }
        return String(scalars)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private static func of(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation || wide.contains(where: { $0.contains(scalar.value) }) { return 2 }
        return 1
    }

    /// The blocks whose characters are wide or fullwidth throughout, after Unicode's EastAsianWidth.txt.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
        0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x17000...0x18CFF, 0x1B000...0x1B2FF,
        0x20000...0x3FFFD,
    ]
}
