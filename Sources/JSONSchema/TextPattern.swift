public import Basics

/// A regular expression in the syntax of JSON Schema's `pattern` (ECMA-262 with Unicode semantics). It may match
/// anywhere in a text.
public final class TextPattern: Sendable {
    private let pattern: Pattern
    private let idle = Locked<[Matching]>([])

    /// The state that one thread needs.
    private final class Matching: @unchecked Sendable {
        // Unchecked: it is removed from the list while in use.
        let state = PatternMatching()
    }

    /// Throws `.badInput` for an invalid pattern.
    public init(_ source: String) throws(RetortError) { pattern = try Pattern(source) }

    /// Whether the pattern matches anywhere in the text; nil when that takes too many steps.
    public func isFound(in text: [UInt8]) -> Bool? {
        let matching = idle.withLock { $0.popLast() } ?? Matching()
        defer { idle.withLock { $0.append(matching) } }
        return matching.state.match(pattern, text[...])
    }
}
