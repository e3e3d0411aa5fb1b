internal import Basics

/// The progress of several parts of one work: a line for each, drawn together.
struct ProgressBoard: Sendable {
    private let style: ProgressStyle
    private let palette: Palette
    private let names: [String]
    private var snapshots: [ProgressSnapshot?]
    private var isFinished: [Bool]
    private var frames = FrameClock()
    /// The lines on the terminal; the cursor is after the last one.
    private var standing: [String] = []
    var width: Int

    init(_ names: [String], _ style: ProgressStyle, width: Int, palette: Palette) {
        self.names = names
        self.style = style
        self.width = width
        self.palette = palette
        snapshots = names.map { _ in nil }
        isFinished = names.map { _ in false }
    }

    /// The next frame, if it is due.
    mutating func update(_ number: Int, _ snapshot: ProgressSnapshot, now: Instant) -> String {
        snapshots[number] = snapshot
        guard frames.isDue(style, at: now) else { return "" }
        return frame()
    }

    /// The last line of a part. The last part ends the lines.
    mutating func finish(_ number: Int, _ snapshot: ProgressSnapshot, now: Instant) -> String {
        snapshots[number] = snapshot
        isFinished[number] = true
        guard case .line = style else { return line(of: number).map { $0 + "\n" } ?? "" }
        let text = redraw()
        guard !isFinished.contains(false) else { return text }
        standing = []
        return text + "\n"
    }

    /// Removes the lines from the terminal and writes them once more as text.
    mutating func end() -> String {
        guard !standing.isEmpty else { return "" }
        standing = []
        return "\n"
    }

    /// A line of other output above the progress lines.
    mutating func message(_ line: String) -> String {
        if case .json = style { return ProgressText.json(message: line) + "\n" }
        return clearing + line + "\n" + standing.joined(separator: "\n")
    }

    /// Moves to the first line and clears to the end of the screen.
    private var clearing: String {
        guard !standing.isEmpty else { return "" }
        return (standing.count > 1 ? "\u{1B}[\(standing.count - 1)A" : "") + "\r\u{1B}[J"
    }

    private mutating func frame() -> String {
        if case .line = style { return redraw() }
        return names.indices.filter { !isFinished[$0] }.compactMap { line(of: $0) }.map { $0 + "\n" }.joined()
    }

    private mutating func redraw() -> String {
        let lines = names.indices.map { line(of: $0) ?? "\(label(of: $0))waiting" }
        if lines == standing { return "" }
        let text = clearing + lines.joined(separator: "\n")
        standing = lines
        return text
    }

    private func label(of number: Int) -> String {
        let cells = names.map(CellWidth.of).max() ?? 0
        return names[number] + String(repeating: " ", count: cells - CellWidth.of(names[number]) + 2)
    }

    private func line(of number: Int) -> String? {
        guard let snapshot = snapshots[number] else { return nil }
        switch style {
        case .none: return nil
        case .line:
            let label = label(of: number)
            return label + ProgressText.line(snapshot, width: max(8, width - CellWidth.of(label)), palette: palette)
        case .plain: return label(of: number) + ProgressText.plain(snapshot)
        case .json: return ProgressText.json(snapshot, stage: names[number])
        }
    }
}
