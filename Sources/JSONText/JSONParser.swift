internal import Basics
internal import CSimdJSON

/// Outlines JSON texts, one after another, reusing its buffers. Not thread-safe: use one parser per thread.
///
/// The text is fully checked against RFC 8259 (UTF-8, grammar, numbers, escapes), but no string is decoded: a value
/// keeps its original bytes. Lone surrogate escapes such as `\ud800` are valid there and preserved.
public final class JSONParser {
    private let outliner: OpaquePointer
    private var hasher = ValueHasher()
    private var scratch: [UInt8] = []

    public init() {
        guard let outliner = json_outliner_create() else { fatalError("out of memory") }
        self.outliner = outliner
    }

    deinit { json_outliner_destroy(outliner) }

    /// Parses one text. Throws `JSONError` with the byte offset of the error.
    public func parse(_ text: [UInt8]) throws(JSONError) -> JSONDocument {
        JSONDocument(text: text, nodes: UnsafeRawBufferPointer(try outline(text)))
    }

    /// The outline of a text, valid until the next call.
    private func outline(_ text: [UInt8]) throws(JSONError) -> UnsafeBufferPointer<json_node> {
        var nodes: UnsafePointer<json_node>?
        var count = 0
        var offset = 0
        let status = text.withUnsafeBufferPointer { buffer in
            json_outline(outliner, buffer.baseAddress, buffer.count, &nodes, &count, &offset)
        }
        guard status == Int32(JSON_OUTLINE_OK.rawValue), let nodes else {
            throw JSONError(status: status, offset: offset, text: text)
        }
        return UnsafeBufferPointer(start: nodes, count: count)
    }

    /// Parses a slice by copying it first.
    public func parse(_ text: ArraySlice<UInt8>) throws(JSONError) -> JSONDocument {
        try parse(Array(text))
    }

    /// Parses the UTF-8 of a string.
    public func parse(_ text: String) throws(JSONError) -> JSONDocument {
        try parse(Array(text.utf8))
    }
}

extension JSONParser {
    /// A hash of a text's value: equal for two texts if a reader gets the same values from them.
    /// Of an object without its members in `ignored`.
    public func valueHash(
        _ text: [UInt8], without ignored: Set<JSONMemberHash> = []
    ) throws(JSONError) -> UInt64 {
        try hashed(text) { hasher, nodes, text in hasher.hash(nodes, text, besides: [], without: ignored) }
    }

    /// The hash of the object with the members `others` and those that `text` contains from `start` on, which take
    /// precedence, without those in `ignored`. The members come without the opening brace, and without the closing one
    /// unless `isClosed`.
    public func valueHash(
        ofMembers text: [UInt8], from start: Int = 0, isClosed: Bool = false, besides others: [JSONMemberHash] = [],
        without ignored: Set<JSONMemberHash> = []
    ) throws(JSONError) -> UInt64 {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(UInt8(ascii: "{"))
        text.withUnsafeBufferPointer { scratch.append(contentsOf: UnsafeBufferPointer(rebasing: $0[start...])) }
        if !isClosed { scratch.append(UInt8(ascii: "}")) }
        return try hashed(scratch) { hasher, nodes, text in
            hasher.hash(nodes, text, besides: others, without: ignored)
        }
    }

    /// The hashes of an object's members, for `valueHash(ofMembers:from:isClosed:besides:)`.
    public func memberHashes(_ object: [UInt8]) throws(JSONError) -> [JSONMemberHash] {
        try hashed(object) { hasher, nodes, text in
            nodes[0].kind == 7 ? hasher.memberHashes(nodes, 0, text) : []
        }
    }

    private func hashed<Result>(
        _ text: [UInt8], _ hash: (inout ValueHasher, UnsafePointer<JSONNode>, UnsafePointer<UInt8>) -> Result
    ) throws(JSONError) -> Result {
        let outline = try outline(text)
        let nodes = UnsafeRawPointer(outline.baseAddress!).assumingMemoryBound(to: JSONNode.self)
        return text.withUnsafeBufferPointer { hash(&hasher, nodes, $0.baseAddress!) }
    }
}

/// Why a text is not JSON, and at which byte.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Kinds of errors that a reader may handle differently.
    public enum Kind: Sendable, Hashable {
        /// The text ends where JSON would continue: it may be the beginning of a longer one.
        case truncated
        /// A complete value followed by something, which begins at `offset`.
        case trailing
        case other
    }

    public var reason: String
    /// Offset in bytes from the start of the text.
    public var offset: Int
    public var kind = Kind.other

    public var description: String { "\(reason) at byte \(offset + 1)" }

    init(status: Int32, offset: Int, text: [UInt8]) {
        self.offset = offset
        switch UInt32(bitPattern: status) {
        case JSON_OUTLINE_EMPTY.rawValue: reason = "the text is empty"
        case JSON_OUTLINE_NOT_UTF8.rawValue:
            reason = "not UTF-8"
            self.offset = JSONError.firstInvalidByte(of: text)
        case JSON_OUTLINE_UNCLOSED_STRING.rawValue: reason = "a string is not closed"
        case JSON_OUTLINE_CONTROL_CHARACTER.rawValue:
            reason = "a string contains an unescaped control character"
            self.offset = text.firstIndex { $0 < 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D } ?? offset
        case JSON_OUTLINE_BAD_ESCAPE.rawValue: reason = "an escape is not legal"
        case JSON_OUTLINE_BAD_NUMBER.rawValue: reason = "a number is not legal"
        case JSON_OUTLINE_TOO_DEEP.rawValue: reason = "nested deeper than \(JSON_DEPTH_MAX) levels"
        case JSON_OUTLINE_TRAILING.rawValue: reason = "something follows the end of the value"
        case JSON_OUTLINE_TOO_LARGE.rawValue: reason = "larger than 1 GiB"
        case JSON_OUTLINE_NO_MEMORY.rawValue: reason = "not enough memory to parse it"
        case JSON_OUTLINE_TOO_MANY.rawValue: reason = "more than \(JSON_VALUES_MAX) values"
        default: reason = "not JSON"
        }
        kind = JSONError.kind(status, self.offset, text)
    }

    private static func kind(_ status: Int32, _ offset: Int, _ text: [UInt8]) -> Kind {
        switch UInt32(bitPattern: status) {
        case JSON_OUTLINE_TRAILING.rawValue: return .trailing
        case JSON_OUTLINE_EMPTY.rawValue: return .truncated
        case JSON_OUTLINE_UNCLOSED_STRING.rawValue:
            // Detected from the quotes of the whole text: an odd number means little in a text that is not JSON from
            // the start.
            let first = text.first { $0 > 0x20 }
            return first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? .truncated : .other
        case JSON_OUTLINE_SYNTAX.rawValue, JSON_OUTLINE_BAD_NUMBER.rawValue:
            // At the end, or in a word or number that reaches to the end.
            let rest = text[min(offset, text.count)...]
            return rest.count <= wordBytesMax && rest.allSatisfy(isOfWord) && (offset > 0 || rest.isEmpty)
                ? .truncated : .other
        default: return .other
        }
    }

    /// Maximum length of a word or number in which a text may be truncated: the digits of a double and its exponent.
    private static let wordBytesMax = 32

    private static func isOfWord(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte <= 0x20 || "+-.".utf8.contains(byte)
    }

    private static func firstInvalidByte(of text: [UInt8]) -> Int {
        var decoder = UTF8()
        var iterator = text.makeIterator()
        var offset = 0
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): offset += UTF8.width(scalar)
            case .emptyInput, .error: return offset
            }
        }
    }
}
