internal import JSONText

/// A member of a row's request: its name in OpenAI's API and its JSON value.
public struct BodyMember: Sendable, Hashable {
    public var name: String
    public var value: ArraySlice<UInt8>

    public init(name: String, value: ArraySlice<UInt8>) {
        self.name = name
        self.value = value
    }

    init(_ name: String, _ value: [UInt8]) { self.init(name: name, value: value[...]) }
}

/// Merges two values.
enum JSONMerge {
    /// The members of two objects, those of `over` replacing those of `under`; `over` if either is not an object.
    static func objects(
        _ under: ArraySlice<UInt8>, _ over: ArraySlice<UInt8>, with parser: JSONParser
    ) -> ArraySlice<UInt8> {
        guard let below = object(under, parser), let above = object(over, parser) else { return over }
        let replaced = Set(above.map(\.name))
        return object(below.filter { !replaced.contains($0.name) } + above)
    }

    /// An object of these members.
    static func object(_ members: [BodyMember]) -> ArraySlice<UInt8> { BodyHead(members).object[...] }

    /// The members of an object; nil for other values.
    static func object(_ json: ArraySlice<UInt8>, _ parser: JSONParser) -> [BodyMember]? {
        guard let root = try? parser.parse(json).root, root.kind == .object else { return nil }
        return root.members.compactMap { key, value in
            key.string.map { BodyMember($0, Array(value.raw)) }
        }
    }
}
