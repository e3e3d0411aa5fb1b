internal import JSONText

/// Writes a JSON object from members that are already JSON.
struct JSONComposer {
    private(set) var bytes: [UInt8] = [UInt8(ascii: "{")]

    var closed: [UInt8] { bytes + [UInt8(ascii: "}")] }

    private mutating func key(_ name: some Sequence<UInt8>) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name)
        bytes.append(contentsOf: "\":".utf8)
    }

    /// `name` as written in JSON, without quotes.
    mutating func add(_ name: some Sequence<UInt8>, raw: some Sequence<UInt8>) {
        key(name)
        bytes.append(contentsOf: raw)
    }

    mutating func add(_ name: String, raw: some Sequence<UInt8>) { add(name.utf8, raw: raw) }

    /// A string by its escaped content.
    mutating func add(_ name: String, content: some Sequence<UInt8>) {
        key(name.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: content)
        bytes.append(UInt8(ascii: "\""))
    }

    /// The members of an object, except those named.
    mutating func add(_ object: JSONValue, except taken: [StaticString]) {
        object.forEachMember { key, value in
            guard let name = key.rawStringContent, !taken.contains(where: key.isText) else { return true }
            add(name, raw: value.raw)
            return true
        }
    }

    mutating func add(_ name: String, list: some Sequence<some Sequence<UInt8>>) {
        key(name.utf8)
        bytes.append(UInt8(ascii: "["))
        bytes.append(contentsOf: list.joined(separator: [UInt8(ascii: ",")]))
        bytes.append(UInt8(ascii: "]"))
    }
}

/// Members of objects that arrive in pieces: the last value of each name counts, in the order of first appearance.
struct LastMembers {
    private var names: [ArraySlice<UInt8>] = []
    private var values: [ArraySlice<UInt8>: ArraySlice<UInt8>] = [:]

    var isEmpty: Bool { names.isEmpty }

    /// Adds non-empty members, except those named.
    mutating func add(_ object: JSONValue?, except taken: [StaticString] = []) {
        object?.forEachMember { key, value in
            if value.isBlank || taken.contains(where: key.isText) { return true }
            guard let name = key.rawStringContent else { return true }
            if values.updateValue(value.raw, forKey: name) == nil { names.append(name) }
            return true
        }
    }

    func write(to composer: inout JSONComposer) {
        for name in names { composer.add(name, raw: values[name] ?? [0x7B, 0x7D]) }
    }
}

/// Members that arrive in pieces, all of which count: the pieces become a list.
struct PieceLists {
    private var names: [ArraySlice<UInt8>] = []
    private var pieces: [ArraySlice<UInt8>: [ArraySlice<UInt8>]] = [:]

    mutating func add(_ key: JSONValue, _ value: JSONValue) {
        guard let name = key.rawStringContent else { return }
        // Positions in lists matter, even of empty elements.
        if value.kind == .array ? value.firstElement == nil : value.isBlank { return }
        if pieces[name] == nil { names.append(name) }
        // The pieces of a list are its elements.
        let piece = value.kind == .array ? value.raw.dropFirst().dropLast() : value.raw
        pieces[name, default: []].append(piece)
    }

    func write(to composer: inout JSONComposer) {
        for name in names {
            let list = (pieces[name] ?? []).joined(separator: [UInt8(ascii: ",")])
            composer.add(name, raw: [UInt8(ascii: "[")] + list + [UInt8(ascii: "]")])
        }
    }
}
