internal import Glibc

/// A fixed list of names of members. Finds a key among them by its length, without comparing it to each.
public struct JSONNames: Sendable, ExpressibleByArrayLiteral {
    /// Shortest first; of equal length in the order given.
    private let names: [StaticString]
    /// Where the names of each length begin; one more entry marks the end.
    private let starts: [Int]

    public init(_ names: [StaticString]) {
        let longest = names.map(\.utf8CodeUnitCount).max() ?? 0
        let byLength = (0...longest).map { length in names.filter { $0.utf8CodeUnitCount == length } }
        self.names = byLength.flatMap { $0 }
        starts = byLength.reduce(into: [0]) { $0.append($0.last! + $1.count) }
    }

    public init(arrayLiteral names: StaticString...) { self.init(names) }

    /// The name that a key is written as; nil if it is none of them.
    public func first(of key: JSONValue) -> StaticString? {
        let node = key.document.node(key.index)
        // Without its quotes. A key with escapes is none of them.
        let length = Int(node.end) - Int(node.start) - 2
        guard node.kind == 4, length >= 0, length < starts.count - 1 else { return nil }
        var at = starts[length]
        let end = starts[length + 1]
        while at < end {
            if key.isText(names[at]) { return names[at] }
            at += 1
        }
        return nil
    }

    /// Whether a key is written as one of them.
    public func contains(_ key: JSONValue) -> Bool { first(of: key) != nil }
}
