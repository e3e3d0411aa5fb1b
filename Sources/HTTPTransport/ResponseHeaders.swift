internal import Glibc

/// Keeps the few headers that a client of a model API uses, and drops the others unread.
struct ResponseHeaders {
    /// Maximum headers kept of one response.
    static let keptMax = 64
    /// Maximum bytes kept of a value.
    static let valueBytesMax = 4096

    private static let names: [StaticString] = [
        "location", "retry-after", "retry-after-ms", "x-should-retry", "x-ms-retry-after-ms",
        "llm_provider-retry-after",
        "llm_provider-retry-after-ms", "llm_provider-x-should-retry", "llm_provider-x-ms-retry-after-ms",
    ]
    private static let prefixes: [StaticString] = [
        "x-ratelimit-", "anthropic-ratelimit-", "ratelimit-", "llm_provider-x-ratelimit-",
        "llm_provider-anthropic-ratelimit-", "llm_provider-ratelimit-",
    ]

    private var kept: [(name: String, value: String)] = []
    /// The value of `Date`, which every response has and which matters only with another header that contains a time.
    private var date: [UInt8] = []

    /// Removes and returns the headers.
    mutating func take() -> [(name: String, value: String)] {
        defer { clear() }
        if kept.isEmpty || date.isEmpty { return kept }
        return kept + [("date", String(decoding: date, as: UTF8.self))]
    }

    /// Clears what was read.
    mutating func clear() {
        if !kept.isEmpty { kept = [] }
        date.removeAll(keepingCapacity: true)
    }

    enum Line { case status, header }

    /// Reads one line as delivered by curl, with its line break. A status line begins a new response: headers of an
    /// interim response are dropped.
    mutating func read(_ line: UnsafeBufferPointer<UInt8>) -> Line {
        guard let first = line.first else { return .header }
        if first | 0x20 == UInt8(ascii: "h") {
            guard line.starts(with: "HTTP/".utf8) else { return .header }
            clear()
            return .status
        } else if ResponseHeaders.mayMatter(first), let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            keep(UnsafeBufferPointer(rebasing: line[..<colon]), UnsafeBufferPointer(rebasing: line[(colon + 1)...]))
        }
        return .header
    }

    /// The value of `Content-Encoding` in lower case, if this is that line.
    static func contentEncoding(_ line: UnsafeBufferPointer<UInt8>) -> String? {
        guard let first = line.first, first | 0x20 == UInt8(ascii: "c"),
            let colon = line.firstIndex(of: UInt8(ascii: ":")),
            isName(UnsafeBufferPointer(rebasing: line[..<colon]), "content-encoding")
        else { return nil }
        let value = trimmed(UnsafeBufferPointer(rebasing: line[(colon + 1)...]))
        return String(decoding: value, as: UTF8.self).lowercased()
    }

    /// Whether a header whose name begins with that byte may be relevant.
    static func mayMatter(_ first: UInt8) -> Bool {
        switch first | 0x20 {
        case UInt8(ascii: "d"), UInt8(ascii: "r"), UInt8(ascii: "x"), UInt8(ascii: "a"), UInt8(ascii: "l"): true
        default: false
        }
    }

    /// Keeps a header if it is relevant.
    mutating func keep(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        if ResponseHeaders.isName(name, "date") {
            date.removeAll(keepingCapacity: true)
            date.append(contentsOf: ResponseHeaders.trimmed(value))
        } else if kept.count < ResponseHeaders.keptMax, let name = ResponseHeaders.knownName(name) {
            kept.append((name, String(decoding: ResponseHeaders.trimmed(value), as: UTF8.self)))
        }
    }

    private static func knownName(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        for name in names where isName(bytes, name) { return name.description }
        for prefix in prefixes where prefix.utf8CodeUnitCount < bytes.count && matches(prefix, bytes) {
            return String(decoding: bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
        }
        return nil
    }

    /// Whether it is the name, which is given in lower case.
    static func isName(_ bytes: UnsafeBufferPointer<UInt8>, _ name: StaticString) -> Bool {
        name.utf8CodeUnitCount == bytes.count && matches(name, bytes)
    }

    /// Whether `bytes`, which is at least as long, begins with `name`, which is in lower case.
    private static func matches(_ name: StaticString, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        strncasecmp(name.utf8Start, bytes.baseAddress!, name.utf8CodeUnitCount) == 0
    }

    /// Without surrounding white space, and truncated to the maximum kept.
    static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
        guard let start = bytes.firstIndex(where: { !isBlank($0) }), let end = bytes.lastIndex(where: { !isBlank($0) })
        else { return UnsafeBufferPointer(rebasing: bytes[..<0]) }
        return UnsafeBufferPointer(rebasing: bytes[start...end].prefix(valueBytesMax))
    }
}
