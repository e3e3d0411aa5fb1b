import Basics
package import Dataset
import Glibc
package import JSONText
package import ModelAPI
package import PromptSource

/// The text from which a row without an id gets its name. Stores contain such names: this must never change.
package enum AskedMembers {
    package static func members(
        _ shape: PromptRow.Shape, endpoint: RequestBuilder.Endpoint, with parser: JSONParser
    ) -> [UInt8] {
        switch shape {
        case .chat(let messages): return join(#""messages":"#, messages)
        case .prompt(let prompt):
            if endpoint.dialect.continuesPrompts { return join(#""prompt":"#, prompt) }
            return join(#""messages":[{"role":"user","content":"#, prompt, "}]")
        case .fill(let prefix, let suffix): return join(#""prompt":"#, prefix, #","suffix":"#, suffix)
        case .batch(_, let body):
            let root = try? parser.parse(body).root
            if let messages = root?["messages"]?.raw { return join(#""messages":"#, messages) }
            return join(#""prompt":"#, root?["prompt"]?.raw ?? body)
        }
    }

    private static func join(
        _ name: StaticString, _ value: ArraySlice<UInt8>, _ text: StaticString = "", _ other: ArraySlice<UInt8> = []
    ) -> [UInt8] {
        var members: [UInt8] = []
        members.reserveCapacity(name.utf8CodeUnitCount + value.count + text.utf8CodeUnitCount + other.count)
        name.withUTF8Buffer { members.append(contentsOf: $0) }
        members.append(contentsOf: value)
        text.withUTF8Buffer { members.append(contentsOf: $0) }
        members.append(contentsOf: other)
        return onOneLine(members)
    }

    /// The hash for an id: the prompt and the row's own parameters.
    package static func hash(
        _ asked: [UInt8], _ members: [PromptRow.Member], _ scheme: RowScheme, with parser: JSONParser
    ) -> UInt64 {
        guard scheme == .values else { return asked.withUnsafeBytes { ContentHash.hash64($0) } }
        var text = asked
        for member in members {
            text.append(UInt8(ascii: ","))
            JSONString.append(member.name, to: &text)
            text.append(UInt8(ascii: ":"))
            text.append(contentsOf: member.value)
        }
        return (try? parser.valueHash(ofMembers: text)) ?? text.withUnsafeBytes { ContentHash.hash64($0) }
    }

    /// The JSON without carriage returns between tokens, at which some readers of lines would split it.
    private static func onOneLine(_ json: [UInt8]) -> [UInt8] {
        let hasReturn = json.withUnsafeBytes { memchr($0.baseAddress!, 0x0D, $0.count) != nil }
        return hasReturn ? json.map { $0 == 0x0D ? 0x20 : $0 } : json
    }
}
