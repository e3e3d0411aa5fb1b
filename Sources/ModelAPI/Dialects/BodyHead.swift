internal import JSONText

/// The members of a body before the prompt, also as text: `{"model":"m",`.
public struct BodyHead: Sendable {
    public let members: [BodyMember]
    /// The bytes before the input.
    let bytes: [UInt8]

    init(_ members: [BodyMember]) {
        self.members = members
        var bytes = [UInt8(ascii: "{")]
        for member in members {
            JSONString.append(member.name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(contentsOf: member.value)
            bytes.append(UInt8(ascii: ","))
        }
        self.bytes = bytes
    }

    /// Only the members, as an object.
    var object: [UInt8] { members.isEmpty ? Array("{}".utf8) : bytes.dropLast() + [UInt8(ascii: "}")] }

    func has(_ name: String) -> Bool { members.contains { $0.name == name } }

    /// The head, three texts, one after another.
    func spliced(_ before: [UInt8], _ input: ArraySlice<UInt8>, _ after: [UInt8]) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(bytes.count + before.count + input.count + after.count)
        body.append(contentsOf: bytes)
        body.append(contentsOf: before)
        body.append(contentsOf: input)
        body.append(contentsOf: after)
        return body
    }
}
