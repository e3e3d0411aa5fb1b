internal import Glibc

extension JSONValue {
    /// Whether the value is empty: null, an empty text, or a list or object of empty values.
    public var isBlank: Bool { isBlank(at: index) }

    private func isBlank(at index: Int) -> Bool {
        let node = document.node(index)
        switch node.kind {
        case 0: return true
        case 4: return node.end - node.start == 2
        case 6, 7:
            // The children of an object alternate between keys and values.
            let isObject = node.kind == 7
            var child = index + (isObject ? 2 : 1)
            while child < Int(node.next) {
                guard isBlank(at: child) else { return false }
                child = Int(document.node(child).next) + (isObject ? 1 : 0)
            }
            return true
        default: return false
        }
    }

    /// Whether this string is written as `text`, which needs no escapes.
    public func isText(_ text: StaticString) -> Bool {
        let node = document.node(index)
        let count = text.utf8CodeUnitCount
        // Lengths differ most often, so they are compared first. The quotes are within the node.
        guard Int(node.end) - Int(node.start) == count + 2, node.kind == 4 else { return false }
        return document.text.withUnsafeBytes { bytes in
            memcmp(bytes.baseAddress! + Int(node.start) + 1, text.utf8Start, count) == 0
        }
    }

    /// The beginning of a string's text, decoded from at most that many written bytes. Nil for other kinds.
    public func string(prefixBytesMax limit: Int) -> String? {
        guard let content = rawStringContent else { return nil }
        guard content.count > limit else { return string }
        var end = content.startIndex + limit
        if isEscaped {
            // Must not end inside an escape: from the start, each is skipped as a whole.
            var at = content.startIndex
            while at < end {
                let isEscape = content[at] == UInt8(ascii: "\\")
                let length = isEscape ? (content[at + 1] == UInt8(ascii: "u") ? 6 : 2) : 1
                if at + length > end { break }
                at += length
            }
            end = at
        }
        return String(decoding: JSONString.unescape(content[..<end]), as: UTF8.self)
    }
}
