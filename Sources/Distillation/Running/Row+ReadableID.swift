package import JSONText
package import PromptSource

extension Row {
    /// The id of a row that may be malformed.
    package func readableID(with splitter: JSONParser) -> [UInt8]? {
        if let id { return id }
        guard case .json(let text) = content, let root = try? splitter.parse(text).root, root.kind == .object
        else { return nil }
        for name in ["id", "custom_id", "uid"] as [StaticString] {
            guard let value = root[name] else { continue }
            let id =
                value.kind == .string
                ? value.stringBytes.map(ReadableID.bytes(of:)) : value.kind == .number ? Array(value.raw) : nil
            if let id, (1...PromptRow.idBytesMax).contains(id.count) { return id }
        }
        return nil
    }
}
