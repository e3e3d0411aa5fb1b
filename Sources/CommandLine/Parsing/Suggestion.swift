/// What the user probably meant.
public enum Suggestion {
    /// The candidate nearest to `word`, if it is near enough to be a typing mistake.
    public static func nearest(to word: String, among candidates: [String]) -> String? {
        let limit = max(1, word.count / 3)
        let ranked = candidates.map { (name: $0, distance: distance(word, $0)) }.filter { $0.distance <= limit }
        if let best = ranked.min(by: { $0.distance < $1.distance }) { return best.name }
        let longer = candidates.filter { word.count >= prefixCharactersMin && $0.hasPrefix(word) }
        return longer.min { $0.count < $1.count }
    }

    /// Minimum letters of a prefix that is accepted for a name.
    private static let prefixCharactersMin = 3

    /// Damerau's restricted distance: insertions, deletions, substitutions, and swaps of neighbours.
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a)
        let b = Array(b)
        var beforePrevious: [Int] = []
        var previous = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforePrevious[j - 1] + 1) }
                row.append(best)
            }
            beforePrevious = previous
            previous = row
        }
        return previous[b.count]
    }
}
