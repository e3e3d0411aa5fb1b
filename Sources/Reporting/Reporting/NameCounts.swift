/// Occurrences by name. Only the first `namesMax` different names are distinguished, since names come from servers.
package struct NameCounts: Sendable, Hashable {
    package static let namesMax = 32

    private var counts: [String: Int] = [:]
    /// Occurrences of names beyond the first `namesMax`.
    package private(set) var others = 0

    package mutating func add(_ name: String) {
        if counts[name] != nil || counts.count < Self.namesMax {
            counts[name, default: 0] += 1
        } else {
            others += 1
        }
    }

    /// Most frequent first; equally frequent ones by name.
    package var sorted: [(name: String, count: Int)] {
        counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    }

    package var total: Int { counts.values.reduce(others, +) }
}
