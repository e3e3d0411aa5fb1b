/// Joins the pieces of headers delivered by http_parser, and keeps the relevant ones.
struct HeaderCollector {
    private enum Place {
        case outside
        case inName
        case inValue
        /// In a header that is not needed.
        case inOtherName
        case inOtherValue
    }

    private var kept = ResponseHeaders()
    private var name: [UInt8] = []
    private var value: [UInt8] = []
    private var place = Place.outside
    /// The value of `Content-Encoding` in lower case, which callers do not need.
    private(set) var contentEncoding = ""

    /// Whether the next piece of a name begins a header.
    var isBetweenHeaders: Bool {
        switch place {
        case .outside, .inValue, .inOtherValue: true
        case .inName, .inOtherName: false
        }
    }

    /// A piece of a name; the first one after a value begins the next header.
    mutating func name(_ piece: UnsafeRawBufferPointer) {
        switch place {
        case .inName: if name.count < HeaderCollector.nameBytesMax { name.append(contentsOf: piece) }
        case .inOtherName: break
        case .outside, .inValue, .inOtherValue: begin(piece)
        }
    }

    /// A piece of a value.
    mutating func value(_ piece: UnsafeRawBufferPointer) {
        switch place {
        case .inName, .inValue:
            place = .inValue
            if value.count < ResponseHeaders.valueBytesMax { value.append(contentsOf: piece) }
        case .outside, .inOtherName, .inOtherValue: place = .inOtherValue
        }
    }

    private mutating func begin(_ piece: UnsafeRawBufferPointer) {
        end()
        guard HeaderCollector.mayMatter(piece) else {
            place = .inOtherName
            return
        }
        place = .inName
        name.append(contentsOf: piece)
    }

    /// The last header is complete.
    mutating func end() {
        if place == .inValue { keep() }
        forget()
    }

    private mutating func forget() {
        place = .outside
        if !name.isEmpty { name.removeAll(keepingCapacity: true) }
        if !value.isEmpty { value.removeAll(keepingCapacity: true) }
    }

    private mutating func keep() {
        name.withUnsafeBufferPointer { name in
            value.withUnsafeBufferPointer { value in
                kept.keep(name, value)
                guard ResponseHeaders.isName(name, HeaderCollector.encodingName) else { return }
                contentEncoding = String(decoding: ResponseHeaders.trimmed(value), as: UTF8.self).lowercased()
            }
        }
    }

    /// Forgets the answer they belonged to.
    mutating func clear() {
        kept.clear()
        contentEncoding = ""
        forget()
    }

    /// Removes and returns the kept headers.
    mutating func take() -> [(name: String, value: String)] { kept.take() }

    /// Whether a name with this beginning may be relevant.
    private static func mayMatter(_ piece: UnsafeRawBufferPointer) -> Bool {
        guard let first = piece.first else { return true }
        if first | 0x20 == UInt8(ascii: "c") {
            return piece.count <= encodingName.utf8CodeUnitCount
                && zip(piece, UnsafeBufferPointer(start: encodingName.utf8Start, count: piece.count))
                    .allSatisfy { $0 | 0x20 == $1 | 0x20 }
        }
        return ResponseHeaders.mayMatter(first)
    }

    private static let encodingName: StaticString = "content-encoding"
    /// Maximum bytes kept of a name; no relevant header is longer.
    private static let nameBytesMax = 256
}
