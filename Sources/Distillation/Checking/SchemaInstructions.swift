package import Basics
import Dataset
import JSONText
package import SegmentStore

/// The text that asks for JSON within the conversation: `--schema-by prompt`.
package struct SchemaInstructions: Sendable, Hashable {
    /// The user's own text, with `{{schema}}` for the schema; nil: the default text.
    package private(set) var template: String?

    private static let place = "{{schema}}"
    /// Maximum bytes of a template.
    package static let templateBytesMax = 1 << 20

    private static let ours = """
        Answer with one JSON value that is valid by this JSON Schema and with nothing else: no text before or behind it, no \
        code fence, no comments.

        {{schema}}
        """
    private static let oursForAnyValue =
        "Answer with one JSON value and with nothing else: no text before or behind it, no code fence, no comments."

    package init(template: String? = nil) { self.template = template }

    /// Throws `.usage` for a file without a placeholder for the schema.
    package init(load path: String, hasSchema: Bool) throws(RetortError) {
        var text: String
        do throws(RetortError) { text = try TextFile.read(path) } catch {
            var error = error
            if error.code == .inputMissing { error.message = "no such template file" }
            throw error
        }
        guard text.utf8.count <= Self.templateBytesMax else {
            throw RetortError(.badInput, "the template is larger than \(Self.templateBytesMax >> 20) MiB", at: path)
        }
        while text.last?.isNewline ?? false { text.removeLast() }
        guard !hasSchema || text.contains(Self.place) else {
            throw RetortError(
                .usage, "the template has no \(Self.place)", at: path,
                remedy: "Write \(Self.place) where the schema is to stand.")
        }
        guard !text.isEmpty else { throw RetortError(.usage, "the template is empty", at: path) }
        template = text
    }

    package func text(_ schema: [UInt8]?) -> [UInt8] {
        guard let schema else { return Array((template ?? Self.oursForAnyValue).utf8) }
        let words = template ?? Self.ours
        let text = String(decoding: schema, as: UTF8.self).trimmed
        return Array(words.replacing(Self.place, with: text).utf8)
    }
}

extension String {
    fileprivate var trimmed: Substring {
        var text = self[...]
        while text.first?.isWhitespace ?? false { text = text.dropFirst() }
        while text.last?.isWhitespace ?? false { text = text.dropLast() }
        return text
    }
}

/// The instructions in a store's requests, for retries under another schema: all that were used, newest last.
package struct ToldInstructions: Hashable {
    package var template: String?
    package var texts: [String] = []

    private static let note = "schema_prompts"
    /// Maximum texts that are remembered, and their bytes.
    private static let textsMax = 4
    private static let bytesMax = 1 << 20

    package init(template: String?, texts: [String]) {
        self.template = template
        self.texts = texts
    }

    package init?(of manifest: StoreManifest) {
        guard let note = manifest.notes?[Self.note], let root = try? JSONParser().parse(note).root else { return nil }
        template = root["template"]?.string
        texts = root["texts"]?.elements.compactMap(\.string) ?? []
    }

    /// Stores the instructions that requests contain from now on.
    package static func add(
        _ instructions: SchemaInstructions, _ text: [UInt8], to store: RecordStore
    ) throws(RetortError) {
        let text = String(decoding: text, as: UTF8.self)
        var texts = (ToldInstructions(of: store.manifest)?.texts ?? []).filter { $0 != text } + [text]
        while texts.count > 1, texts.count > textsMax || texts.reduce(0, { $0 + $1.utf8.count }) > bytesMax {
            texts.removeFirst()
        }
        var list = JSONList()
        for text in texts {
            var token: [UInt8] = []
            JSONString.append(text, to: &token)
            list.append(token[...])
        }
        var line = JSONLine()
        if let template = instructions.template { line.text("template", template) }
        line.member("texts", list.finished)
        try store.note(note, String(decoding: line.finished, as: UTF8.self))
    }
}
