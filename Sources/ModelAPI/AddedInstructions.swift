public import JSONText

/// The run's own text after a row's prompt. Everything else stays unchanged, byte for byte.
public enum AddedInstructions {
    /// The request with the text at the end of the user's last turn, or in a new turn if the last turn is another
    /// role's. Nil if the body has no known form.
    ///
    /// - Parameter text: unescaped UTF-8.
    public static func request(
        _ request: ModelRequest, saying text: [UInt8], in dialect: any Dialect, with parser: JSONParser
    ) -> ModelRequest? {
        guard let root = try? parser.parse(request.body).root, let asked = root.member(dialect.inputMember.utf8) else {
            return nil
        }
        let behind = content(Array("\n\n".utf8) + text)
        switch asked.kind {
        case .string: return inserted(behind, at: asked.range.upperBound - 1, of: request)
        case .array: break
        default: return nil
        }
        let last = asked.elements.last
        if let last, last["role"]?.string == "user", let said = last["content"] {
            if said.kind == .string { return inserted(behind, at: said.range.upperBound - 1, of: request) }
            if said.kind == .array {
                let type = dialect.inputMember == "input" ? "input_text" : "text"
                let part = Array(#"{"type":"\#(type)","text":""#.utf8) + content(text) + Array(#""}"#.utf8)
                return inserted(comma(behind: said) + part, at: said.range.upperBound - 1, of: request)
            }
        }
        let turn = Array(#"{"role":"user","content":""#.utf8) + content(text) + Array(#""}"#.utf8)
        return inserted(comma(behind: asked) + turn, at: asked.range.upperBound - 1, of: request)
    }

    /// The body with one previously added text replaced by another; nil if it does not contain the old one.
    public static func replacing(_ old: [UInt8], by new: [UInt8], in body: [UInt8]) -> [UInt8]? {
        let (before, after) = (content(old), content(new))
        guard !before.isEmpty, let range = body.ranges(of: before).last else { return nil }
        var changed = body
        changed.replaceSubrange(range, with: after)
        return changed
    }

    /// The inside of a JSON string.
    private static func content(_ text: [UInt8]) -> [UInt8] {
        var token: [UInt8] = []
        JSONString.appendText(text, to: &token)
        return Array(token.dropFirst().dropLast())
    }

    private static func comma(behind list: JSONValue) -> [UInt8] {
        list.firstElement == nil ? [] : [UInt8(ascii: ",")]
    }

    private static func inserted(_ bytes: [UInt8], at place: Int, of request: ModelRequest) -> ModelRequest {
        var request = request
        request.body.insert(contentsOf: bytes, at: place)
        return request
    }
}
