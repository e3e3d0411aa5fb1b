internal import Basics

/// Progress as text. Pure functions of a snapshot.
public enum ProgressText {
    /// One line of at most `width - 1` cells, so that no terminal wraps it. On a narrow one, the least important parts
    /// are omitted first.
    public static func line(_ snapshot: ProgressSnapshot, width: Int, palette: Palette) -> String {
        var parts = self.parts(snapshot)
        let room = max(1, width - 1)
        while parts.count > 1 && length(parts) > room {
            let least = parts.indices.max { parts[$0].rank < parts[$1].rank }
            parts.remove(at: least ?? 0)
        }
        if length(parts) > room { return CellWidth.truncated(parts[0].text, to: room) }
        return joined(parts) { $0.style.apply($0.text, palette) }
    }

    /// A line for a log: all parts, no colours.
    public static func plain(_ snapshot: ProgressSnapshot) -> String {
        let parts = self.parts(snapshot).filter { $0.rank != barRank }
        return "[\(Human.duration(snapshot.elapsed))] " + joined(parts, \.text)
    }

    private struct Part {
        var text: String
        /// Parts with a higher rank are omitted first.
        var rank: Int
        var style: Style = .normal
        /// The separator before it, unless it is the first.
        var separator = ", "
    }

    private static func joined(_ parts: [Part], _ text: (Part) -> String) -> String {
        parts.enumerated().map { ($0.offset > 0 ? $0.element.separator : "") + text($0.element) }.joined()
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

    private static let barRank = 8
    private static let barCells = 16

    private static func length(_ parts: [Part]) -> Int {
        parts.dropFirst().reduce(parts.first.map { CellWidth.of($0.text) } ?? 0) {
            $0 + CellWidth.of($1.text) + $1.separator.count
        }
    }

    private static func parts(_ snapshot: ProgressSnapshot) -> [Part] {
        var parts: [Part] = []
        if let total = snapshot.total {
            parts.append(Part(text: bar(snapshot.settled, of: total), rank: barRank, style: .green))
            let count = "\(Human.count(snapshot.settled))/\(Human.count(total))"
            parts.append(Part(text: count, rank: 0, separator: " "))
            if total > 0 {
                let share = "(\(Human.percent(snapshot.settled, of: total)))"
                parts.append(Part(text: share, rank: 1, separator: " "))
            }
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
            parts.append(Part(text: Human.rate(snapshot.rate).replacing("/s", with: " items/s"), rank: 4))
            if let left = snapshot.remaining {
                parts.append(Part(text: "ETA \(Human.duration(left))", rank: 3))
            } else if snapshot.pausedReason != nil {
                parts.append(Part(text: "ETA -", rank: 12))
            }
            let inFlight = "\(Human.count(snapshot.inFlight)) in flight"
            parts.append(Part(text: inFlight, rank: 6, style: .dim, separator: "; "))
        }
        if snapshot.retrying > 0 {
            parts.append(Part(text: "\(Human.count(snapshot.retrying)) waiting to retry", rank: 5, style: .yellow))
        }
        return parts + spending(snapshot)
    }

    private static func spending(_ snapshot: ProgressSnapshot) -> [Part] {
        var parts: [Part] = []
        if let cost = snapshot.cost { parts.append(Part(text: Human.dollars(cost), rank: 4, style: .cyan)) }
        if snapshot.promptTokens > 0 || snapshot.completionTokens > 0 {
            let prompt = Human.compact(Double(snapshot.promptTokens))
            let completion = Human.compact(Double(snapshot.completionTokens))
            let text = "tokens \(prompt) in, \(completion) out"
            parts.append(Part(text: text, rank: 7, style: .dim, separator: "; "))
            if snapshot.tokenRate > 0 && !snapshot.isComplete {
                parts.append(Part(text: "\(Human.compact(snapshot.tokenRate))/s", rank: 9, style: .dim))
            }
        }
        if snapshot.resumed > 0 {
            let text = "\(Human.count(snapshot.resumed)) from earlier runs"
            parts.append(Part(text: text, rank: 10, style: .dim, separator: "; "))
        }
        if let health = snapshot.health, !snapshot.isComplete {
            let text = "CPU \(Human.fixed(health.cpuShare * 100, 0))%, RSS \(Human.bytes(health.residentBytes))"
            parts.append(Part(text: text, rank: 11, style: .dim, separator: "; "))
        }
        if !snapshot.note.isEmpty {
            parts.append(Part(text: CellWidth.sanitized(snapshot.note), rank: 3, style: .yellow, separator: "; "))
        }
        return parts
    }

    private static func bar(_ part: Int, of whole: Int) -> String {
        let share = whole > 0 ? min(1, Double(part) / Double(whole)) : 1
        let filled = Int(share * Double(barCells))
        return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: barCells - filled) + "]"
    }
}
