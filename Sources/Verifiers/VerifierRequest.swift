internal import Basics
internal import JSONText

/// An answer to judge, and the request that it answers. JSON is kept as written.
public struct VerifierRequest: Sendable, Hashable {
    /// The item's id: UTF-8, lone surrogates in generalised form (WTF-8).
    public var id: [UInt8]
    public var sample: Int
    /// The item's round, from 1.
    public var round: Int
    /// The input row: a JSON object.
    public var row: [UInt8]
    /// The messages that were sent: a JSON array.
    public var messages: [UInt8]
    /// The answer's text: a JSON string with its quotes.
    public var response: [UInt8]
    /// The JSON value found in the text, if one was extracted.
    public var value: [UInt8]?

    public init(
        id: [UInt8], sample: Int = 0, round: Int = 1, row: [UInt8], messages: [UInt8], response: [UInt8],
        value: [UInt8]? = nil
    ) {
        self.id = id
        self.sample = sample
        self.round = round
        self.row = row
        self.messages = messages
        self.response = response
        self.value = value
    }

    /// The request in the form that workers read: one JSON object and a line feed.
    public var line: [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(row.count + messages.count + response.count + (value?.count ?? 0) + id.count + 128)
        line += Array(#"{"id":"#.utf8)
        JSONString.append(id, to: &line)
        line += Array(#","sample":"#.utf8)
        Decimal.append(sample, to: &line)
        line += Array(#","round":"#.utf8)
        Decimal.append(round, to: &line)
        for (name, json) in [("row", row), ("messages", messages), ("response", response), ("value", value ?? [])]
        where !json.isEmpty {
            line += Array(",\"\(name)\":".utf8)
            // In JSON a raw line feed can only be white space between tokens.
            line += json.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        }
        line += Array("}\n".utf8)
        return line
    }

    /// The answer's text: UTF-8, lone surrogates in generalised form.
    public var text: [UInt8] {
        guard response.count >= 2, response.first == UInt8(ascii: "\""), response.last == UInt8(ascii: "\"") else {
            return []
        }
        return JSONString.unescape(response[1..<response.count - 1])
    }
}
