internal import Glibc

/// Values by member name. Members mostly come in the order of the schema, so a search begins with the name after the
/// last one found.
struct NameTable<Value> {
    private var names: [[UInt8]] = []
    private var values: [Value] = []
    private var positions: [[UInt8]: Int] = [:]

    /// Tables up to this size are searched linearly.
    private static var fewMax: Int { 8 }

    var isEmpty: Bool { names.isEmpty }

    /// Changes the value of a name; a new name starts with `fresh`.
    mutating func update(_ name: [UInt8], fresh: Value, _ change: (inout Value) -> Void) {
        let position = positions[name] ?? names.count
        if position == names.count {
            names.append(name)
            values.append(fresh)
            positions[name] = position
        }
        change(&values[position])
    }

    /// The value of a name. `hint` is the position to try first; it is updated.
    func find(_ name: ArraySlice<UInt8>, hint: inout Int) -> Value? {
        guard let position = position(of: name, hint) else { return nil }
        hint = position + 1
        return values[position]
    }

    private func position(of name: ArraySlice<UInt8>, _ hint: Int) -> Int? {
        name.withUnsafeBufferPointer { bytes in
            if hint < names.count, isEqual(names[hint], bytes) { return hint }
            if names.count <= Self.fewMax { return names.firstIndex { isEqual($0, bytes) } }
            return positions[Array(bytes)]
        }
    }

    private func isEqual(_ name: [UInt8], _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard name.count == bytes.count, let first = bytes.baseAddress else { return name.count == bytes.count }
        return memcmp(name, first, name.count) == 0
    }
}
