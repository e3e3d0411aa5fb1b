internal import Basics

/// Progress in words. Pure functions of a snapshot.
public enum ProgressText {
    /// One line of at most `width - 1` cells, so that no terminal wraps it. What matters least goes first when it is narrow.
    public static func line(_ snapshot: ProgressSnapshot, width: Int, palette: Palette) -> String {
        var parts = self.parts(snapshot)
        let room = max(1, width - 1)
        while parts.count > 1 && length(parts) > room {
            let least = parts.indices.max { parts[$0].rank < parts[$1].rank }
            parts.remove(at: least ?? 0)
        }
        if length(parts) > room { return CellWidth.truncated(parts[0].text, to: room) }
        return parts.map { $0.style.apply($0.text, palette) }.joined(separator: separator)
    }

    /// The same for a log: every part, no colour.
    public static func plain(_ snapshot: ProgressSnapshot) -> String {
        var texts = self.parts(snapshot).filter { $0.rank != barRank }.map(\.text)
        texts.insert("[\(Human.duration(snapshot.elapsed))]", at: 0)
        return texts.joined(separator: " ")
    }

    private struct Part {
        var text: String
        /// The higher, the sooner it gives way.
        var rank: Int
        var style: Style = .normal
    }

    private enum Style {
        case normal, dim, red, green, yellow, cyan

        func apply(_ text: String, _ palette: Palette) -> String {
            switch self {
            case .normal: text
            case .dim: palette.dim(text)
            case .red: palette.red(text)
            case .green: palette.green(text)
            case .yellow: palette.yellow(text)
            case .cyan: palette.cyan(text)
            }
        }
    }

    private static let separator = " "
    private static let barRank = 8
    private static let barCells = 16

    private static func length(_ parts: [Part]) -> Int {
        parts.reduce(-separator.count) { $0 + CellWidth.of($1.text) + separator.count }
    }

    private static func parts(_ snapshot: ProgressSnapshot) -> [Part] {
        var parts: [Part] = []
        if let total = snapshot.total {
            parts.append(Part(text: bar(snapshot.settled, of: total), rank: barRank, style: .green))
            parts.append(Part(text: Human.percent(snapshot.settled, of: total), rank: 1))
            parts.append(Part(text: "\(Human.count(snapshot.settled))/\(Human.count(total))", rank: 0))
        } else {
            parts.append(Part(text: "\(Human.count(snapshot.settled)) settled", rank: 0))
        }
        if snapshot.failed > 0 {
            parts.append(Part(text: "\(Human.count(snapshot.failed)) failed", rank: 2, style: .red))
        }
        if let reason = snapshot.pausedReason {
            parts.append(Part(text: "paused: \(CellWidth.sanitized(reason))", rank: 3, style: .yellow))
        }
        if !snapshot.isComplete {
            parts.append(Part(text: Human.rate(snapshot.rate), rank: 4))
            if let left = snapshot.remaining { parts.append(Part(text: "\(Human.duration(left)) left", rank: 3)) }
            parts.append(Part(text: "\(Human.count(snapshot.inFlight)) in flight", rank: 6, style: .dim))
        }
        if snapshot.retrying > 0 {
            parts.append(Part(text: "\(Human.count(snapshot.retrying)) retrying", rank: 5, style: .yellow))
        }
        return parts + spending(snapshot)
    }

    private static func spending(_ snapshot: ProgressSnapshot) -> [Part] {
        var parts: [Part] = []
        if let cost = snapshot.cost { parts.append(Part(text: Human.dollars(cost), rank: 4, style: .cyan)) }
        if snapshot.tokenRate > 0 && !snapshot.isComplete {
            parts.append(Part(text: "\(Human.compact(snapshot.tokenRate)) tokens/s", rank: 7, style: .dim))
        }
        if snapshot.promptTokens + snapshot.completionTokens > 0 {
            let prompt = Human.compact(Double(snapshot.promptTokens))
            let completion = Human.compact(Double(snapshot.completionTokens))
            parts.append(Part(text: "\(prompt)+\(completion) tokens", rank: 9, style: .dim))
        }
        if snapshot.resumed > 0 {
            parts.append(Part(text: "\(Human.count(snapshot.resumed)) from before", rank: 10, style: .dim))
        }
        if let health = snapshot.health, !snapshot.isComplete {
            let cpu = Human.percent(Int(health.cpuShare * 100), of: 100)
            parts.append(Part(text: "cpu \(cpu) mem \(Human.bytes(health.residentBytes))", rank: 11, style: .dim))
        }
        if !snapshot.note.isEmpty {
            parts.append(Part(text: CellWidth.sanitized(snapshot.note), rank: 3, style: .yellow))
        }
        return parts
    }

    private static func bar(_ part: Int, of whole: Int) -> String {
        let share = whole > 0 ? min(1, Double(part) / Double(whole)) : 1
        let filled = Int(share * Double(barCells))
        return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: barCells - filled) + "]"
    }
}
