internal import JSONText

/// Collects the parts of an answer without a field of their own in one JSON object, as written.
struct OtherParts {
    private var members: [UInt8] = []
    /// How often a name was used, as written.
    private var names: [ArraySlice<UInt8>: Int] = [:]
    /// Whether one of the parts is output of the model.
    private(set) var hasContent = false

    /// Nil if there are none.
    var object: ArraySlice<UInt8>? { members.isEmpty ? nil : ([0x7B] + members + [0x7D])[...] }

    mutating func add(_ name: StaticString, _ raw: some Collection<UInt8>, isContent: Bool = false) {
        name.withUTF8Buffer { add(written: Array($0)[...], raw, isContent) }
    }

    /// Adds a member under its own name, unless its value is empty.
    mutating func add(_ key: JSONValue, _ value: JSONValue, isContent: Bool) {
        guard let name = key.rawStringContent, !value.isBlank else { return }
        add(written: name, value.raw, isContent)
    }

    /// Adds the members of an object, except those with fields of their own and empty ones.
    mutating func addMembers(of object: JSONValue, except taken: JSONNames, isContent: Bool = false) {
        object.forEachMember { key, value in
            if value.kind != .null, !taken.contains(key) { add(key, value, isContent: isContent) }
            return true
        }
    }

    /// Adds a list of values under one name.
    mutating func add(_ name: StaticString, list: [ArraySlice<UInt8>], isContent: Bool) {
        if list.isEmpty { return }
        add(name, [0x5B] + list.joined(separator: [0x2C]) + [0x5D], isContent: isContent)
    }

    /// A second part of the same name gets a number.
    private mutating func add(written name: ArraySlice<UInt8>, _ raw: some Collection<UInt8>, _ isContent: Bool) {
        let count = (names[name] ?? 0) + 1
        names[name] = count
        if !members.isEmpty { members.append(UInt8(ascii: ",")) }
        members.append(UInt8(ascii: "\""))
        members.append(contentsOf: name)
        if count > 1 { members.append(contentsOf: "_\(count)".utf8) }
        members.append(contentsOf: "\":".utf8)
        members.append(contentsOf: raw)
        hasContent = hasContent || isContent
    }
}

extension JSONValue {
    /// The rest of an object without the members that are stored elsewhere; nil if nothing is left.
    func leftover(without taken: [StaticString]) -> ArraySlice<UInt8>? {
        var output: [UInt8] = []
        var isWorthIt = false
        forEachMember { key, value in
            if value.isBlank || taken.contains(where: key.isText) { return true }
            output.append(output.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
            output.append(contentsOf: key.raw)
            output.append(UInt8(ascii: ":"))
            output.append(contentsOf: value.raw)
            if !Self.bookkeeping.contains(key) { isWorthIt = true }
            return true
        }
        return isWorthIt ? (output + [0x7D])[...] : nil
    }

    /// Members that are meaningless without the others.
    private static let bookkeeping: JSONNames = ["type", "index", "id", "format", "closed", "status"]
}
