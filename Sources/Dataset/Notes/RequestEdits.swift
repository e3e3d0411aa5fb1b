package import Basics
import CommandLine
package import JSONText
import ModelAPI
package import SegmentStore

/// Members that a retry removes from the stored requests or renames.
package struct RequestEdits: Sendable, Hashable {
    package private(set) var drops: [String] = []
    package private(set) var renames: [(old: String, new: String)] = []

    /// Members that carry the prompt; they cannot be removed.
    private static let asked: Set<String> = ["messages", "prompt", "suffix", "input", "model"]
    /// Maximum edits of one command line.
    private static let editsMax = 64
    /// Maximum names shown if one is unknown.
    private static let namesShownMax = 40

    package static func == (a: RequestEdits, b: RequestEdits) -> Bool { a.text == b.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(text) }

    /// The edits of `--drop` and `--rename`; nil if there are none. Throws `.usage` for invalid ones.
    package init?(drops: [String], renames: [String]) throws(RetortError) {
        if drops.isEmpty, renames.isEmpty { return nil }
        guard drops.count + renames.count <= Self.editsMax else {
            throw RetortError(.usage, "more than \(Self.editsMax) members to change")
        }
        for name in drops { self.drops.append(try Self.checked(name, "--drop")) }
        for text in renames {
            let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[1].isEmpty else {
                throw RetortError(
                    .usage, "--rename takes OLD=NEW, not \(text)",
                    remedy: "Give for example --rename max_tokens=max_completion_tokens.")
            }
            let old = try Self.checked(parts[0], "--rename")
            self.renames.append((old, try Self.checked(parts[1], "--rename")))
        }
        let sources = self.drops + self.renames.map(\.old)
        if let twice = sources.first(where: { name in sources.count { $0 == name } > 1 }) {
            throw RetortError(.usage, "\(twice) is changed twice", remedy: "Name it once, after --drop or --rename.")
        }
    }

    private static func checked(_ name: String, _ option: String) throws(RetortError) -> String {
        if name.isEmpty { throw RetortError(.usage, "\(option) needs a name") }
        guard asked.contains(name) else { return name }
        throw RetortError(
            .usage, "\(option) cannot change \(name): it holds the prompt",
            remedy: name == "model" ? "Give --model NAME --override for another model." : nil)
    }

    /// `drop max_tokens; rename a=b`
    package var text: String {
        (drops.map { "drop \($0)" } + renames.map { "rename \($0.old)=\($0.new)" }).joined(separator: "; ")
    }

    /// The body with the edits applied; if the new name exists already, it keeps its value. Nil if the body is not an
    /// object.
    package func applied(to body: [UInt8], with parser: JSONParser) -> [UInt8]? {
        guard let root = try? parser.parse(body).root, root.kind == .object else { return nil }
        let names = Set(root.members.compactMap(\.key.string))
        var output: [UInt8] = [UInt8(ascii: "{")]
        for (key, value) in root.members {
            let name = key.string ?? ""
            if drops.contains(name) { continue }
            let rename = renames.first { $0.old == name }
            if let rename, names.contains(rename.new) { continue }
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            if let rename { JSONString.append(rename.new, to: &output) } else { output.append(contentsOf: key.raw) }
            output.append(UInt8(ascii: ":"))
            output.append(contentsOf: value.raw)
        }
        output.append(UInt8(ascii: "}"))
        return output
    }

    // MARK: The store's account of them

    private static let noteName = "request_changes"
    /// Maximum bytes of the note.
    private static let noteBytesMax = 4000

    /// The edits that retries have made to the requests of a store.
    package static func note(in manifest: StoreManifest) -> String? { manifest.notes?[noteName] }

    /// Adds these edits to the store's note.
    package func write(to store: RecordStore) throws(RetortError) {
        let known = Self.note(in: store.manifest)?.split(separator: ";").map { $0.drop { $0 == " " } } ?? []
        let added = text.split(separator: ";").map { $0.drop { $0 == " " } }.filter { !known.contains($0) }
        let note = (known + added).joined(separator: "; ")
        if !added.isEmpty, note.utf8.count <= Self.noteBytesMax { try store.note(Self.noteName, note) }
    }

    // MARK: Names

    /// Throws `.usage` naming an edited member that no failed request has, and those that exist.
    package func check(against names: Set<String>) throws(RetortError) {
        guard let missing = (drops + renames.map(\.old)).first(where: { !names.contains($0) }) else { return }
        let there = names.subtracting(Self.asked).sorted()
        throw RetortError(
            .usage, "no failed request has a member \(missing)",
            remedy: there.isEmpty
                ? "The requests have no other members than \(names.sorted().joined(separator: ", "))."
                : "There are: \(there.prefix(Self.namesShownMax).joined(separator: ", ")).")
    }
}
