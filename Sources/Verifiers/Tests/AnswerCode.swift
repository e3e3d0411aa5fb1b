/// The code of an answer, as a file.
public struct AnswerCode: Sendable, Hashable {
    public var code: String
    /// The file name extension: `py`.
    public var ending: String

    /// Nil if the answer has no fenced code in a known language, unless `isCode` says that the whole answer is code.
    public init?(in text: String, isCode: Bool) {
        guard isCode || !CodeText.blocks(of: text).isEmpty, let found = CodeText.find(in: text) else { return nil }
        code = found.code
        ending = found.language.fileName.split(separator: ".").last.map(String.init) ?? "txt"
    }
}
