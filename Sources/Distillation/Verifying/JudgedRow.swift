import Dataset
package import JSONText
import Verifiers

/// The row of an item in the form that verifiers read, rebuilt from its record: the row's other fields, and the prompt
/// as `prompt`, unless a field has that name.
package enum JudgedRow {
    /// - Parameters:
    ///   - asked: the members of a record that describe the request, without braces.
    ///   - metadata: the row's other fields, a JSON object.
    /// - Returns: the row, a JSON object, and the messages that were sent, a JSON array; empty for a completion.
    package static func make(asked: [UInt8], metadata: [UInt8], with parser: JSONParser) -> (
        row: [UInt8], turns: [UInt8]
    ) {
        let object = [UInt8(ascii: "{")] + asked + [UInt8(ascii: "}")]
        guard let root = try? parser.parse(object).root else { return (metadata, []) }
        let view = RecordView(root)
        let turns = view.turns.map(Array.init) ?? []
        let prompt = Array(prompt(of: view))
        guard let fields = try? parser.parse(metadata).root, fields.kind == .object, fields["prompt"] == nil else {
            return (metadata, turns)
        }
        let rest = metadata.drop { $0 != UInt8(ascii: "{") }.dropFirst()
        let isEmpty = fields.members.isEmpty
        return (Array(#"{"prompt":"#.utf8) + prompt + (isEmpty ? [] : [UInt8(ascii: ",")]) + rest, turns)
    }

    /// The text to continue, or the user's last message: a JSON string token.
    private static func prompt(of view: RecordView) -> ArraySlice<UInt8> {
        if view.isCompletion { return view.token(.prompt) }
        let turns = view.member(.messages)?.elements ?? []
        let last = turns.last { $0["role"]?.string == "user" } ?? turns.last
        guard let content = last?["content"], content.kind == .string else { return AskedTurns.emptyText }
        return content.raw
    }
}
