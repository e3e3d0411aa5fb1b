internal import JSONText

/// The message of a refusing reply, in any dialect.
public enum RefusalText {
    public static func read(_ reply: ModelReply) -> (message: String, code: String) {
        guard let root = try? JSONParser().parse(reply.body).root, let error = ErrorBody(root) else {
            return (Excerpt.text(reply.body), "")
        }
        return (Excerpt.oneLine(error.message), error.code)
    }

    /// The beginning of a body on one line.
    public static func excerpt(_ body: [UInt8]) -> String { Excerpt.text(body) }
}
