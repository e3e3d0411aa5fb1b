internal import JSONText

/// Texts as JSON.
enum JSONToken {
    /// A JSON string with its quotes.
    static func string(_ text: String) -> ArraySlice<UInt8> {
        var token: [UInt8] = []
        JSONString.append(text, to: &token)
        return token[...]
    }
}
