/// The code of an answer, as a file.
public struct AnswerCode: Sendable, Hashable {
    public var code: String
    /// Of a file's name: `py`.
    public var ending: String

    /// Nil where the answer has no fenced code in a language that is known, unless the whole is meant to be code.
    public init?(in text: String, isCode: Bool) {
        guard isCode || !CodeText.blocks(of: text).isEmpty, let found = CodeText.find(in: text) else { return nil }
        code = found.code
        ending = found.language.fileName.split(separator: ".").last.map(String.init) ?? "txt"
    }
}
