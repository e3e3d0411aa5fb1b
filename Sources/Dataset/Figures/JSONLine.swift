import JSONText

/// A JSON object built from tokens.
package struct JSONLine {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    package init() {}

    package mutating func member(_ name: String, _ token: some Collection<UInt8>) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        JSONString.append(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(contentsOf: token)
    }

    package mutating func member(_ name: String, _ token: String) { member(name, Array(token.utf8)) }

    package mutating func text(_ name: String, _ value: String) {
        var token: [UInt8] = []
        JSONString.append(value, to: &token)
        member(name, token)
    }

    /// A JSON value as text, without code units that UTF-8 cannot represent.
    package mutating func json(_ name: String, _ value: some Collection<UInt8>) { member(name, Self.token(value)) }

    package static func token(_ json: some Collection<UInt8>) -> [UInt8] {
        var clean: [UInt8] = []
        JSONString.appendReplacingLoneSurrogates(Array(json)[...], to: &clean)
        var token: [UInt8] = []
        JSONString.append(clean, to: &token)
        return token
    }

    package static let null = Array("null".utf8)

    /// A JSON value without white space between its tokens, so that it fits on one line.
    package static func compact(_ json: some Collection<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(json.count)
        var isInString = false
        var isEscaped = false
        for byte in json {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == 0x5C {
                    isEscaped = true
                } else if byte == 0x22 {
                    isInString = false
                }
            } else {
                if byte <= 0x20 { continue }
                isInString = byte == 0x22
            }
            output.append(byte)
        }
        return output
    }

    package var finished: [UInt8] { bytes + [UInt8(ascii: "}")] }
}

/// A JSON array of tokens.
package struct JSONList {
    private var bytes: [UInt8] = [UInt8(ascii: "[")]

    package init() {}

    package mutating func append(_ token: ArraySlice<UInt8>) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: token)
    }

    package var finished: [UInt8] { bytes + [UInt8(ascii: "]")] }
}
