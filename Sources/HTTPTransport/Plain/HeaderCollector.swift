/// Puts the pieces of headers together, as http_parser delivers them, and keeps those that matter.
struct HeaderCollector {
    private var kept = ResponseHeaders()
    private var name: [UInt8] = []
    private var value: [UInt8] = []
    private var isInValue = false
    /// The value of `Content-Encoding`, which no caller needs to see.
    private(set) var contentEncoding = ""

    /// A piece of a name; the first one after a value begins the next header.
    mutating func name(_ piece: UnsafeRawBufferPointer) {
        if isInValue { end() }
        if name.count < HeaderCollector.nameBytesMax { name.append(contentsOf: piece) }
    }

    /// A piece of a value.
    mutating func value(_ piece: UnsafeRawBufferPointer) {
        isInValue = true
        if value.count < ResponseHeaders.valueBytesMax, isWorthReading { value.append(contentsOf: piece) }
    }

    /// The last header is complete.
    mutating func end() {
        if isInValue, isWorthReading {
            name.withUnsafeBufferPointer { name in
                value.withUnsafeBufferPointer { value in
                    kept.keep(name, value)
                    if ResponseHeaders.matches("content-encoding", name), name.count == 16 {
                        contentEncoding = ResponseHeaders.trimmed(value).lowercased()
                    }
                }
            }
        }
        name.removeAll(keepingCapacity: true)
        value.removeAll(keepingCapacity: true)
        isInValue = false
    }

    mutating func clear() {
        _ = kept.take()
        contentEncoding = ""
        name.removeAll(keepingCapacity: true)
        value.removeAll(keepingCapacity: true)
        isInValue = false
    }

    /// The headers kept, taken out.
    mutating func take() -> [(name: String, value: String)] { kept.take() }

    private var isWorthReading: Bool { name.first.map(ResponseHeaders.mayMatter) ?? false }

    /// Bytes kept of a name; no header that matters is longer.
    private static let nameBytesMax = 256
}
