public import Basics
internal import JSONText

/// A text with placeholders, rendered for each row into a prompt or into the turns of a chat.
///
/// - `{{field}}` inserts a field of the row; `{{a.b}}` the field `b` of the object in field `a` (unless the row has a
///   field whose name is `a.b`). A string is inserted as it is, any other value as its JSON text. A field that is
///   missing or null is an error of that row.
/// - A line that is `@system`, `@developer`, `@user`, `@assistant` or `@tool` and nothing else begins a turn. Without
///   such lines the whole text is one prompt.
/// - `{{{{` is a literal `{{`, and a line `@@user` a literal `@user`. `}}` outside a placeholder is itself, and so is
///   a third brace around a placeholder: `{{{x}}}` puts the value in braces.
/// - Empty lines at either end of a turn, and the last line's end, are dropped.
public struct Template: Sendable, Hashable {
    /// The roles that can begin a turn.
    public static let roles = ["system", "developer", "user", "assistant", "tool"]

    /// The longest template accepted.
    public static let bytesMax = 1024 * 1024

    enum Piece: Sendable, Hashable {
        /// Escaped, ready to be spliced into a JSON string.
        case literal([UInt8])
        /// The name as it is written, and its parts between dots.
        case field(name: [UInt8], path: [[UInt8]])
    }

    struct Turn: Sendable, Hashable {
        /// Nil where no turn is marked.
        var role: String?
        var pieces: [Piece]
    }

    let turns: [Turn]
    private let rootNames: Set<String>

    init(turns: [Turn]) {
        self.turns = turns
        var names: Set<String> = []
        for turn in turns {
            for case .field(let name, let path) in turn.pieces {
                names.insert(String(decoding: name, as: UTF8.self))
                if let root = path.first { names.insert(String(decoding: root, as: UTF8.self)) }
            }
        }
        rootNames = names
    }

    /// The fields it names, sorted.
    public var fields: [String] {
        var names: Set<String> = []
        for turn in turns {
            for case .field(let name, _) in turn.pieces { names.insert(String(decoding: name, as: UTF8.self)) }
        }
        return names.sorted()
    }

    /// Whether a field of the row is what it inserts, or holds what it inserts.
    func names(_ field: String) -> Bool { rootNames.contains(field) }

    /// Parses a template. Throws `.configuration` at `name:line:column` when a placeholder is not closed or has no
    /// legal name, when text stands before the first turn, or when a turn or the whole is empty.
    public static func parse(_ text: String, name: String = "template") throws(RetortError) -> Template {
        var parser = TemplateParser(Array(text.utf8), name: name)
        return Template(turns: try parser.parse())
    }

    /// Reads and parses a template file. Throws `.inputMissing`, `.io`, or `.configuration` as `parse` does.
    public static func load(_ path: String) throws(RetortError) -> Template {
        let stream = try ByteStream(try InputFile(path: path, format: .text))
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        var filled = 0
        while filled < bytes.count {
            let count = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(RetortError) in
                try stream.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]))
            }
            if count == 0 { break }
            filled += count
        }
        guard filled <= bytesMax else {
            throw RetortError(.configuration, "the template is longer than \(bytesMax) bytes", at: path)
        }
        let text = bytes[..<filled]
        if let offset = firstInvalidByte(text) {
            throw RetortError(
                .configuration, "the template is not UTF-8", at: path, cause: "byte \(offset + 1)",
                remedy: "Convert it with iconv -t UTF-8.")
        }
        return try parse(String(decoding: text, as: UTF8.self), name: path)
    }
}
