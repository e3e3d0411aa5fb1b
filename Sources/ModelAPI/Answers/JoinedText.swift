internal import JSONText

/// Joins JSON strings without decoding: their contents follow each other between one pair of quotes.
struct JoinedText {
    /// The only string so far, as written.
    private var single: ArraySlice<UInt8>?
    /// The strings so far without the closing quote, once there are several.
    private var joined: [UInt8] = []

    /// Whether no string was added, not even an empty one.
    var isMissing: Bool { single == nil && joined.isEmpty }

    /// The result as a JSON string with its quotes.
    var raw: ArraySlice<UInt8> {
        if let single { return single }
        return joined.isEmpty ? ModelAnswer.emptyString : (joined + [0x22])[...]
    }

    var isEmpty: Bool { raw.count <= ModelAnswer.emptyString.count }

    /// Adds a string; other kinds are ignored. Returns whether it was one.
    @discardableResult
    mutating func add(_ value: JSONValue?) -> Bool {
        guard let value, value.kind == .string else { return false }
        add(raw: value.raw)
        return true
    }

    /// Adds a JSON string with its quotes.
    mutating func add(raw: ArraySlice<UInt8>) {
        if isMissing {
            single = raw
            return
        }
        if let first = single {
            joined = Array(first.dropLast())
            single = nil
        }
        joined.append(contentsOf: raw.dropFirst().dropLast())
    }
}
