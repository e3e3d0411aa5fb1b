public import Basics
internal import JSONText

/// A text with placeholders, rendered for each row into a prompt or into the turns of a chat.
///
/// - `{{field}}` inserts a field of the row; `{{a.b}}` the field `b` of the object in field `a` (unless the row has a
///   field whose name is `a.b`). A string is inserted as it is, any other value as its JSON text. A field that is
///   missing or null is an error of that row; `{{field ?? "text"}}` inserts another value instead.
/// - `{{file "PATH"}}` inserts a text file as it is, for example few-shot examples. It is read once, when the template
///   is loaded.
/// - `{{json field}}` inserts the value as JSON, a string with its quotes and escapes.
/// - `{{#if field}}`, `{{#if field == "text"}}`, `{{#unless field}}`, `{{else}}` and their ends (`{{/if}}`) choose a
///   part of the text. Missing, null, false, 0 and empty texts, lists and objects count as false. `{{#each list}}`
///   repeats for the elements of a list: there `{{this}}` is the element, `{{name}}` its member or else the row's,
///   `{{@index}}` counts from 0, `{{@number}}` from 1, and `@first` and `@last` can be tested. A line with nothing but
///   one of these tags is removed.
/// - A line that is `@system`, `@developer`, `@user`, `@assistant` or `@tool` and nothing else begins a turn. Without
///   marker lines the whole text is one prompt. A turn that renders to nothing is left out.
/// - A line `@image PATH` or `@file PATH` inserts an image or a PDF as a part of the turn.
/// - `{{{{` is a literal `{{`, and a line `@@user` a literal `@user`. `}}` outside a placeholder is literal text, and
///   so is a third brace around a placeholder: `{{{x}}}` puts the value in braces.
/// - Empty lines at either end of a turn, and the last line's end, are dropped.
public struct Template: Sendable, Hashable {
    /// The roles that a turn can have.
    public static let roles = ["system", "developer", "user", "assistant", "tool"]

    /// The maximum size of a template, in bytes.
    public static let bytesMax = 1024 * 1024
    /// The maximum total size of the files that a template inserts, in bytes.
    public static let insertedBytesMax = 4 << 20

    /// A field reference in a placeholder.
    struct Field: Sendable, Hashable {
        /// The name as written, and its parts between dots.
        var name: [UInt8]
        var path: [[UInt8]]
        /// The JSON that replaces a missing or null value.
        var standIn: [UInt8]?
        var isJSON = false

        init(_ name: some Collection<UInt8>) {
            self.name = Array(name)
            path = self.name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Array($0) }
        }

        var text: String { String(decoding: name, as: UTF8.self) }
        /// Whether the field belongs to a loop instead of the row.
        var isOfLoop: Bool {
            name.first == UInt8(ascii: "@") || path.first.map { $0.elementsEqual("this".utf8) } ?? false
        }
    }

    /// A text, escaped for insertion into a JSON string, and how many of its bytes are empty lines at its ends.
    struct Literal: Sendable, Hashable {
        var text: [UInt8]
        var blankBefore: Int
        var blankAfter: Int

        var isBlank: Bool { blankBefore == text.count }
    }

    struct Condition: Sendable, Hashable {
        var field: Field
        /// The JSON that the value must equal; nil: any value that counts as true.
        var equals: [UInt8]?
        var isNegated = false
    }

    enum Attachment: String, Sendable, Hashable, CaseIterable { case image, file }

    indirect enum Node: Sendable, Hashable {
        case literal(Literal)
        case field(Field)
        case turn(String)
        case choice(Condition, [Node], otherwise: [Node])
        case loop(Field, [Node], otherwise: [Node])
        case attachment(Attachment, path: [Node])
    }

    let nodes: [Node]
    private let rootNames: Set<String>
    /// The names of its fields, sorted.
    public let fields: [String]
    /// The files that it inserts, each path with its text, sorted. Together with the template's own text they identify
    /// the template.
    public let insertedText: String

    init(nodes: [Node], inserted: [String: String] = [:]) {
        self.nodes = nodes
        insertedText = inserted.sorted { $0.key < $1.key }.map { "\n\($0.key)\n\($0.value)" }.joined()
        var (names, roots): (Set<String>, Set<String>) = ([], [])
        Self.visit(nodes) { field in
            guard !field.isOfLoop else { return }
            names.insert(field.text)
            roots.insert(field.text)
            if let root = field.path.first { roots.insert(String(decoding: root, as: UTF8.self)) }
        }
        (fields, rootNames) = (names.sorted(), roots)
    }

    static func visit(_ nodes: [Node], _ take: (Field) -> Void) {
        for node in nodes {
            switch node {
            case .literal, .turn: break
            case .field(let field): take(field)
            case .attachment(_, let path): visit(path, take)
            case .choice(let condition, let nodes, let otherwise):
                take(condition.field)
                visit(nodes, take)
                visit(otherwise, take)
            case .loop(let field, let nodes, let otherwise):
                take(field)
                visit(nodes, take)
                visit(otherwise, take)
            }
        }
    }

    /// Whether the template inserts the row's field or a part of it.
    func names(_ field: String) -> Bool { rootNames.contains(field) }

    /// Parses a template. Throws `.configuration` with the place `name:line:column` when a placeholder is not closed or
    /// its name is invalid, when a block has no end or no beginning, when text precedes the first turn, when a turn or
    /// the whole template is empty, and for syntax of other template languages.
    public static func parse(_ text: String, name: String = "template") throws(RetortError) -> Template {
        var parser = TemplateParser(Array(text.utf8), name: name)
        let nodes = try parser.parse()
        return Template(nodes: nodes, inserted: parser.inserted)
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
