import Basics
package import JSONText
package import ModelAPI

/// Additional data of a record, as one JSON object: parts of the answer that have no member, original texts that UTF-8
/// cannot represent, and a cost that became known too late for its column (see `CostColumn`).
package struct OtherParts {
    /// Names that the record itself adds.
    package static let costName = "cost_usd"
    private static let costKey = Array(#"{"cost_usd":"#.utf8)

    /// Notes on how the answer was obtained.
    package enum Note: String, CaseIterable {
        /// The server that answered, if a run had several.
        case endpoint
        /// The source of an answer that was taken from an equal request.
        case reused
        /// The request that brought several items' answers, the item's place in it and their number: an object.
        case shared
        /// For a stream, the milliseconds to the first piece of the answer: a number.
        case firstToken = "first_token_ms"
    }

    /// The object; empty if there is nothing.
    package private(set) var json: [UInt8] = []
    package private(set) var hasReplaced = false

    /// Keeps an original text: a JSON string token, under the name of the member that cannot hold it.
    package mutating func add(_ member: RecordMember, _ token: ArraySlice<UInt8>) {
        hasReplaced = true
        begin("\(member.name)_as_received")
        json.append(contentsOf: token)
        json.append(UInt8(ascii: "}"))
    }

    /// Must be added first.
    package mutating func add(cost: Int?) {
        guard let cost else { return }
        let rest = json
        json = Self.costKey
        Money.append(cost, to: &json)
        if rest.isEmpty { json.append(UInt8(ascii: "}")) } else { json += [UInt8(ascii: ",")] + rest.dropFirst() }
    }

    /// Adds the members of an object.
    package mutating func add(object: ArraySlice<UInt8>) {
        guard object.count > 2 else { return }
        // A server's member of the same name at that place is not a cost written here.
        if json.isEmpty, object.starts(with: Self.costKey) { json = Self.costKey + Array("null}".utf8) }
        if json.isEmpty {
            json = Array(object)
        } else {
            json[json.count - 1] = UInt8(ascii: ",")
            json.append(contentsOf: object.dropFirst())
        }
    }

    package mutating func add(_ note: Note, _ text: String) {
        begin(note.rawValue)
        JSONString.append(text, to: &json)
        json.append(UInt8(ascii: "}"))
    }

    package mutating func add(_ note: Note, _ number: Int) {
        begin(note.rawValue)
        Decimal.append(number, to: &json)
        json.append(UInt8(ascii: "}"))
    }

    package mutating func add(_ share: AnswerShare) {
        begin(Note.shared.rawValue)
        json +=
            #"{"request":"\#(Hexadecimal.string(share.request))","place":\#(share.place),"of":\#(share.count)}}"#.utf8
    }

    /// A note's number in such an object.
    package static func number(_ note: Note, in json: [UInt8], with parser: JSONParser) -> Int? {
        guard !json.isEmpty, let root = try? parser.parse(json).root else { return nil }
        return root.members.first { $0.key.string == note.rawValue }?.value.int
    }

    /// A note's text in such an object.
    package static func text(_ note: Note, in json: [UInt8], with parser: JSONParser) -> String? {
        guard !json.isEmpty, let root = try? parser.parse(json).root else { return nil }
        return root.members.first { $0.key.string == note.rawValue }?.value.string
    }

    private mutating func begin(_ name: String) {
        if json.isEmpty { json.append(UInt8(ascii: "{")) } else { json[json.count - 1] = UInt8(ascii: ",") }
        JSONString.append(name, to: &json)
        json.append(UInt8(ascii: ":"))
    }

    /// The cost in nanodollars at the start of such an object.
    package static func cost(in json: [UInt8]) -> Int? {
        guard json.starts(with: costKey) else { return nil }
        let number = json[costKey.count...].prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "}") }
        return Double(String(decoding: number, as: UTF8.self)).map(Money.nanodollars)
    }
}
