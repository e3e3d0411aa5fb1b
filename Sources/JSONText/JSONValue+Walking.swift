extension JSONValue {
    /// Calls `visit` for each element of an array, in order, until it returns false. Creates no array. Does nothing for
    /// other kinds.
    public func forEachElement(_ visit: (JSONValue) throws -> Bool) rethrows {
        guard kind == .array else { return }
        let end = endIndex
        var at = index + 1
        while at < end {
            guard try visit(JSONValue(document: document, index: at)) else { return }
            at = Int(document.node(at).next)
        }
    }

    /// Calls `visit` for each member of an object, in order, until it returns false. Creates no array. Does nothing for
    /// other kinds.
    public func forEachMember(_ visit: (_ key: JSONValue, _ value: JSONValue) throws -> Bool) rethrows {
        guard kind == .object else { return }
        let end = endIndex
        var at = index + 1
        while at < end {
            let value = JSONValue(document: document, index: at + 1)
            guard try visit(JSONValue(document: document, index: at), value) else { return }
            at = Int(document.node(at + 1).next)
        }
    }

    private var endIndex: Int { Int(document.node(index).next) }
}
