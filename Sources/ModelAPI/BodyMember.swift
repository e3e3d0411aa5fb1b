internal import Basics
internal import JSONText

/// A member of one row's request: its name in OpenAI's API and its value in JSON.
public struct BodyMember: Sendable, Hashable {
    public var name: String
    public var value: ArraySlice<UInt8>

    public init(name: String, value: ArraySlice<UInt8>) {
        self.name = name
        self.value = value
    }
}

extension RequestBuilder {
    /// A row's members for a plain completion. Throws `.configuration` for those that only a chat has.
    static func completionsMembers(_ members: [BodyMember]) throws(RetortError) -> [BodyMember] {
        var own: [BodyMember] = []
        let hasLimit = members.contains { $0.name == "max_tokens" }
        for var member in members {
            switch member.name {
            case "tools", "tool_choice", "parallel_tool_calls", "reasoning_effort":
                throw noPlace(for: member.name, in: "plain completions")
            case "max_completion_tokens":
                if hasLimit { continue }
                member.name = "max_tokens"
            default: break
            }
            own.append(member)
        }
        return own
    }

    static func noPlace(for name: String, in api: String) -> RetortError {
        RetortError(
            .configuration, "the row's \(name) has no form in \(api)",
            remedy: "Leave it out of the row, or give --metadata-only \(name) if it is a label that is not to be sent.")
    }
}
