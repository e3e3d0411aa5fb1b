package import Basics
package import JSONText
package import ModelAPI

/// Members of a stored request that a retry replaces: names, and the raw JSON of their values.
package struct RequestOverride: Sendable {
    private let members: [(name: [UInt8], value: [UInt8])]
    /// Object members whose own members are replaced one by one.
    private let merged: Set<String>

    /// The members that `parameters` have in a request of `endpoint`, in that endpoint's spelling.
    ///
    /// Throws `.configuration` if the endpoint has no form for one of the parameters.
    package init(_ parameters: RequestParameters, endpoint: RequestBuilder.Endpoint) throws(RetortError) {
        let dialect = endpoint.dialect
        merged = dialect.mergedMembers
        members = try dialect.members(of: parameters, defaults: false)
            .filter { $0.name != dialect.inputMember }
            .map { (Array($0.name.utf8), Array($0.value)) }
    }

    private init(membersOf object: JSONValue) {
        members = object.members.compactMap { key, value in key.stringBytes.map { ($0, Array(value.raw)) } }
        merged = []
    }

    /// The replacement of a member's value.
    private func value(at place: Int, over stored: JSONValue, with parser: JSONParser) -> [UInt8] {
        let (name, value) = members[place]
        guard stored.kind == .object, merged.contains(String(decoding: name, as: UTF8.self)),
            let root = try? parser.parse(value).root, root.kind == .object
        else { return value }
        return RequestOverride(membersOf: root).applied(to: Array(stored.raw), with: parser) ?? value
    }

    /// The body with these members replaced; missing ones are appended. Nil if it is not an object.
    package func applied(to body: [UInt8], with parser: JSONParser) -> [UInt8]? {
        guard let root = try? parser.parse(body).root, root.kind == .object else { return nil }
        var output: [UInt8] = [UInt8(ascii: "{")]
        var left = members
        for (key, value) in root.members {
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            output.append(contentsOf: key.raw)
            output.append(UInt8(ascii: ":"))
            if let name = key.stringBytes, let place = members.firstIndex(where: { $0.name == name }) {
                output.append(contentsOf: self.value(at: place, over: value, with: parser))
                left.removeAll { $0.name == name }
            } else {
                output.append(contentsOf: value.raw)
            }
        }
        for (name, value) in left {
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            JSONString.append(name, to: &output)
            output.append(UInt8(ascii: ":"))
            output.append(contentsOf: value)
        }
        output.append(UInt8(ascii: "}"))
        return output
    }
}
