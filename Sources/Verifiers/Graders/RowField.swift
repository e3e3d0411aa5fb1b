internal import Basics
internal import JSONText

/// A pool of reusable parsers; each is used by one thread at a time.
final class ParserStock: Sendable {
    private final class Kept: @unchecked Sendable {
        // Unchecked: it is removed from the list while in use.
        let parser = JSONParser()
    }

    private let idle = Locked<[Kept]>([])

    func with<Result, Failure: Error>(_ body: (JSONParser) throws(Failure) -> Result) throws(Failure) -> Result {
        let kept = idle.withLock { $0.popLast() } ?? Kept()
        defer { idle.withLock { $0.append(kept) } }
        return try body(kept.parser)
    }
}

/// A field of a row, given by its name or by a path of names separated by dots.
enum RowField {
    /// Throws `.badInput` when the row has no such field.
    static func value(_ field: String, of row: [UInt8], with parser: JSONParser) throws(RetortError) -> JSONValue {
        let root: JSONValue
        do throws(JSONError) { root = try parser.parse(row).root } catch {
            throw RetortError(.badInput, "the row is not JSON", cause: error.description)
        }
        if let value = root.member(Array(field.utf8)) { return value }
        var value: JSONValue? = root
        for name in field.split(separator: ".", omittingEmptySubsequences: false) {
            value = value?.member(Array(name.utf8))
        }
        guard let value else {
            throw RetortError(
                .badInput, "the row has no field '\(field)'",
                remedy: "Its fields: \(root.members.prefix(20).compactMap(\.key.string).joined(separator: ", ")).")
        }
        return value
    }
}
