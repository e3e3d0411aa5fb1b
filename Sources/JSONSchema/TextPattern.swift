public import Basics

/// A regular expression in the syntax of JSON Schema's `pattern` (ECMA-262 with Unicode semantics), found anywhere in a text.
public final class TextPattern: Sendable {
    private let pattern: Pattern
    private let idle = Locked<[Matching]>([])

    /// What one thread needs.
    private final class Matching: @unchecked Sendable {
        // Unchecked: taken out of the list while it is used.
        let state = PatternMatching()
    }

    /// Throws `.badInput` when the pattern is none.
    public init(_ source: String) throws(RetortError) { pattern = try Pattern(source) }

    /// Whether the pattern is found; nil when that takes too many steps to tell.
    public func isFound(in text: [UInt8]) -> Bool? {
        let matching = idle.withLock { $0.popLast() } ?? Matching()
        defer { idle.withLock { $0.append(matching) } }
        return matching.state.match(pattern, text[...])
    }
}
