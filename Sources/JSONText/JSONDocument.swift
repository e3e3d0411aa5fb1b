internal import Glibc

/// A parsed text: its bytes and the range of every value in it. A class, so that a value holds a single reference.
public final class JSONDocument: @unchecked Sendable {
    // Unchecked: nothing in it changes.

    /// The bytes that were parsed.
    public let text: [UInt8]
    private let nodes: UnsafeMutablePointer<JSONNode>

    init(text: [UInt8], nodes source: UnsafeRawBufferPointer) {
        guard let memory = malloc(source.count) else { fatalError("out of memory") }
        self.text = text
        memcpy(memory, source.baseAddress!, source.count)
        nodes = memory.assumingMemoryBound(to: JSONNode.self)
    }

    deinit { free(nodes) }

    /// The outermost value.
    public var root: JSONValue { JSONValue(document: self, index: 0) }

    @inline(__always)
    func node(_ index: Int) -> JSONNode { nodes[index] }
}

/// Memory layout of `json_node`.
struct JSONNode: Sendable {
    var start: UInt32
    var end: UInt32
    var next: UInt32
    var kind: UInt32
}

/// One value of a document. Copies share the document's storage.
public struct JSONValue: Sendable {
    let document: JSONDocument
    let index: Int

    @inline(__always)
    private var node: JSONNode { document.node(index) }

    public enum Kind: Sendable, Hashable { case null, boolean, number, string, array, object }

    public var kind: Kind {
        switch node.kind {
        case 0: .null
        case 1, 2: .boolean
        case 3: .number
        case 4, 5: .string
        case 6: .array
        default: .object
        }
    }

    /// The value's range in `document.text`, including quotes and brackets.
    public var range: Range<Int> { Int(node.start)..<Int(node.end) }

    /// The value as written, including quotes and brackets.
    public var raw: ArraySlice<UInt8> { document.text[range] }

    /// The content of a string as written, without its quotes and still escaped. Nil for other kinds.
    public var rawStringContent: ArraySlice<UInt8>? {
        guard kind == .string else { return nil }
        return document.text[range.lowerBound + 1..<range.upperBound - 1]
    }

    /// Whether a string contains escapes, so that its content differs from its raw bytes.
    public var isEscaped: Bool { node.kind == 5 }

    /// The decoded bytes of a string: UTF-8, with a lone surrogate as its three generalised bytes (WTF-8,
    /// https://simonsapin.github.io/wtf-8/). Nil for other kinds.
    public var stringBytes: [UInt8]? {
        guard let content = rawStringContent else { return nil }
        return isEscaped ? JSONString.unescape(content) : Array(content)
    }

    /// A string's text; lone surrogates become U+FFFD. Nil for other kinds.
    public var string: String? {
        guard let content = rawStringContent else { return nil }
        return isEscaped
            ? String(decoding: JSONString.unescape(content), as: UTF8.self) : String(decoding: content, as: UTF8.self)
    }

    /// A number that is written as an integer and fits. Nil otherwise.
    public var int: Int? {
        guard kind == .number else { return nil }
        var value = 0
        var rest = raw
        let negative = rest.first == UInt8(ascii: "-")
        if negative { rest = rest.dropFirst() }
        for byte in rest {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = product.addingReportingOverflow(Int(byte - 0x30))
            if overflow || overflow2 { return nil }
            value = sum
        }
        return negative ? -value : value
    }

    /// Any number, as a double. Nil for other kinds.
    public var double: Double? {
        guard kind == .number else { return nil }
        return Double(String(decoding: raw, as: UTF8.self))
    }

    /// True or false. Nil for other kinds.
    public var bool: Bool? { kind == .boolean ? node.kind == 2 : nil }

    /// The value of the last member named `key` (the last one counts, as in most readers). Nil if there is none or if
    /// this is not an object.
    public subscript(key: StaticString) -> JSONValue? {
        key.withUTF8Buffer { find($0) }
    }

    /// As above, for a name known only at run time.
    public func member(_ key: some Collection<UInt8>) -> JSONValue? {
        key.withContiguousStorageIfAvailable { find($0) } ?? Array(key).withUnsafeBufferPointer { find($0) }
    }

    /// Compares in place, without creating values for keys.
    private func find(_ name: UnsafeBufferPointer<UInt8>) -> JSONValue? {
        guard kind == .object else { return nil }
        let document = document
        let end = Int(node.next)
        var at = index + 1
        let found = document.text.withUnsafeBufferPointer { text in
            var found: Int?
            while at < end {
                let key = document.node(at)
                let content = UnsafeBufferPointer(rebasing: text[Int(key.start) + 1..<Int(key.end) - 1])
                if key.kind == 5
                    ? JSONString.unescape(Array(content)[...]).elementsEqual(name) : isEqual(content, name)
                {
                    found = at + 1
                }
                at = Int(document.node(at + 1).next)
            }
            return found
        }
        return found.map { JSONValue(document: document, index: $0) }
    }

    private func isEqual(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        guard let first = a.baseAddress, let second = b.baseAddress else { return true }
        return memcmp(first, second, a.count) == 0
    }

    /// The elements of an array, in order; empty for other kinds.
    public var elements: [JSONValue] {
        guard kind == .array else { return [] }
        var result: [JSONValue] = []
        var at = index + 1
        while at < Int(node.next) {
            result.append(JSONValue(document: document, index: at))
            at = Int(document.node(at).next)
        }
        return result
    }

    /// The first element of an array. Nil if there is none, and for other kinds.
    public var firstElement: JSONValue? {
        guard kind == .array, index + 1 < Int(node.next) else { return nil }
        return JSONValue(document: document, index: index + 1)
    }

    /// The members of an object, in order, keys as string values; empty for other kinds.
    public var members: [(key: JSONValue, value: JSONValue)] {
        guard kind == .object else { return [] }
        var result: [(key: JSONValue, value: JSONValue)] = []
        var at = index + 1
        while at < Int(node.next) {
            result.append(
                (JSONValue(document: document, index: at), JSONValue(document: document, index: at + 1)))
            at = Int(document.node(at + 1).next)
        }
        return result
    }
}
