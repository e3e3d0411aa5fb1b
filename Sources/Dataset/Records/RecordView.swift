package import JSONText
import SegmentStore

/// A reader's view of a record: members by the schema, in the current form and in earlier ones, which had `metadata`
/// and a request's body as JSON values and omitted empty members.
package struct RecordView {
    package let root: JSONValue

    package init(_ root: JSONValue) { self.root = root }

    package func member(_ member: RecordMember) -> JSONValue? { root[member.name] }

    /// A text as written, with its quotes; `""` if it is missing or not a text.
    package func token(_ member: RecordMember) -> ArraySlice<UInt8> {
        guard let value = root[member.name], value.kind == .string else { return AskedTurns.emptyText }
        return value.raw
    }

    package func text(_ member: RecordMember) -> String { root[member.name]?.string ?? "" }

    package func integer(_ member: RecordMember) -> Int { root[member.name]?.int ?? 0 }

    package func usage(_ member: UsageMember) -> Int { root[RecordMember.usage.name]?[member.name]?.int ?? 0 }

    /// A JSON text: the content of a text member, or an earlier record's value as written. Empty if there is none.
    package func json(_ member: RecordMember) -> [UInt8] {
        guard let value = root[member.name], value.kind != .null else { return [] }
        return value.stringBytes ?? Array(value.raw)
    }

    /// The row's other fields, a JSON object.
    package var metadata: [UInt8] {
        let text = json(.metadata)
        return text.isEmpty ? Array("{}".utf8) : text
    }

    /// Nanodollars; nil if the price is not known.
    package var cost: Int? {
        if let dollars = root[RecordMember.cost.name]?.double { return Money.nanodollars(dollars) }
        return OtherParts.cost(in: json(.other))
    }

    package var isSuccess: Bool { root[RecordMember.status.name]?.string == "ok" }

    package var isRound: Bool { root[RecordMember.status.name]?.string == "round" }

    /// Whether a record in `rounds/` has the same answer and cost: it was kept there until it was judged.
    package var isInRounds: Bool { !json(.verdict).isEmpty }

    package var isTruncated: Bool { root[RecordMember.finishReason.name]?.rawStringContent.map(Self.isLength) ?? false }

    private static func isLength(_ reason: ArraySlice<UInt8>) -> Bool { reason.elementsEqual("length".utf8) }

    /// Whether the answer has content: a text or tool calls.
    package var isAnswered: Bool { token(.response).count > 2 || !json(.toolCalls).isEmpty }

    /// A failure's request; nil if it has none.
    package var request: (path: String, body: [UInt8])? {
        guard let request = root[RecordMember.request.name],
            let path = request[RequestMember.path.name]?.string, !path.isEmpty,
            let body = request[RequestMember.body.name]
        else { return nil }
        return (path, body.stringBytes ?? Array(body.raw))
    }

    /// The turns as sent, a JSON array; nil for a completion.
    package var turns: ArraySlice<UInt8>? {
        let exact = json(.messagesJSON)
        if !exact.isEmpty, !isCompletion { return exact[...] }
        guard !isCompletion, let list = root[RecordMember.messages.name], list.kind == .array else { return nil }
        return list.raw
    }

    /// Whether the request was a completion or a fill-in-the-middle.
    package var isCompletion: Bool {
        if root[RecordMember.messages.name] == nil { return true }
        return token(.prompt).count > 2 || token(.suffix).count > 2
    }

    /// The members that hold the prompt, with their names; nil if an earlier version wrote the record.
    package var askedAsWritten: [UInt8]? {
        guard root[RecordMember.messagesJSON.name] != nil else { return nil }
        var bytes: [UInt8] = []
        for member in RecordMember.members(of: .responses).prefix(while: { $0.rawValue <= RecordMember.tools.rawValue })
        {
            guard let value = root[member.name] else { return nil }
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            member.appendKey(to: &bytes)
            bytes.append(contentsOf: value.raw)
        }
        return bytes
    }

    /// The length of the prompt, each text counted once, with the name of the first member.
    package var askedBytes: Int {
        let first = root[RecordMember.messages.name] == nil ? RecordMember.prompt : .messages
        let rest: [RecordMember] = [.suffix, .tools]
        return rest.reduce(RecordMember.keys[first.rawValue].count + (member(first)?.raw.count ?? 0)) { sum, member in
            sum + token(member).count - AskedTurns.emptyText.count
        }
    }

    /// The length of a prompt that is not in a record yet.
    package static func askedBytes(_ asked: [UInt8], with parser: JSONParser) -> Int {
        (try? parser.parse([0x7B] + asked + [0x7D]).root).map { RecordView($0).askedBytes } ?? asked.count
    }
}
