package import Basics
import CommandLine
import Dataset
package import HashTree
import JSONText
import SegmentStore

/// Compares a store with a block manifest: whether each byte is the same as when the manifest was made.
package struct ManifestCheck {
    package private(set) var blocks = 0
    package private(set) var root: SHA256Digest
    package private(set) var problems: [String] = []
    package private(set) var problemCount = 0
    /// The store's role in the manifest: the merged store, or one of its sources.
    package private(set) var role = "the store of the manifest"

    package static let problemsShownMax = 20

    package var isClean: Bool { problemCount == 0 }

    /// - Parameter expected: the root that the user obtained separately; nil: the manifest's own is trusted.
    package init(_ store: String, manifest path: String, expected: SHA256Digest?) throws(RetortError) {
        let reader = try StoreReader(store, options: StoreAccess.options)
        let manifest = try BlockManifestReader(path)
        root = manifest.root
        var wrong: [String] = []
        var wrongCount = 0
        while let (place, digest) = try manifest.next() {
            let bytes = try reader.bytes(at: place)
            guard bytes.withUnsafeBytes({ HashTree.leaf($0) }) != digest else { continue }
            wrongCount += 1
            if wrong.count < Self.problemsShownMax { wrong.append(Self.text(place, found: bytes.count)) }
        }
        guard let summary = manifest.summary else { return }
        blocks = summary.blocks
        root = manifest.root
        if manifest.root != summary.root {
            note("\(path): its lines have the root \(manifest.root), its last line says \(summary.root)")
        }
        if let expected, expected != manifest.root { note("\(path): the root is \(manifest.root), not \(expected)") }
        if summary.store == reader.manifest.store {
            (problems, problemCount) = (problems + wrong, problemCount + wrongCount)
            try noteSurplus(reader, manifest)
        } else {
            try checkSource(reader, summary)
        }
    }

    private mutating func checkSource(
        _ reader: StoreReader, _ summary: BlockManifest.Summary
    ) throws(RetortError) {
        guard let source = summary.sources.first(where: { $0.store == reader.manifest.store }) else {
            return note("\(reader.root): the manifest is of another store, and names this one as none of its sources")
        }
        role = "a source of the merge" + (source.shard.isEmpty ? "" : ", shard \(source.shard)")
        let tree = try BlockManifest.tree(of: reader)
        (blocks, root) = (tree.blocks, tree.root)
        if tree.root != source.root {
            note("\(reader.root): its blocks have the root \(tree.root), the manifest says \(source.root)")
        }
    }

    /// Notes whatever exists in addition to the blocks of the manifest.
    private mutating func noteSurplus(
        _ reader: StoreReader, _ manifest: BlockManifestReader
    ) throws(RetortError) {
        var found: [BlockManifestReader.Segment: Int] = [:]
        for file in try reader.segmentFiles() {
            found[BlockManifestReader.Segment(lane: file.lane, number: file.number)] = file.bytes
        }
        for (segment, bytes) in found.sorted(by: {
            ($0.key.lane.rawValue, $0.key.number) < ($1.key.lane.rawValue, $1.key.number)
        }) {
            let known = manifest.bytesBySegment[segment] ?? 0
            if bytes > known {
                note(
                    "\(segment.lane.directoryName) segment \(segment.number): \(Human.bytes(bytes - known)) that the "
                        + "manifest does not list")
            }
        }
        if reader.recordsOutsideBlocks > 0 {
            note(
                "\(Human.plural(reader.recordsOutsideBlocks, "record")) in journals, which the manifest does not list"
            )
        }
    }

    private mutating func note(_ problem: String) {
        problemCount += 1
        if problems.count < Self.problemsShownMax { problems.append(problem) }
    }

    private static func text(_ place: BlockPlace, found: Int) -> String {
        let end = max(0, place.offset.addingSaturated(place.bytes) - 1)
        let what = found < place.bytes ? "is missing" : "has changed"
        return "\(place.lane.directoryName) segment \(place.segment), bytes \(place.offset)-\(end): "
            + "the block \(what) (\(Human.plural(place.records, "record")))"
    }

    package var json: String {
        var object = JSONLine()
        object.member("clean", isClean ? "true" : "false")
        object.text("role", role)
        object.member("blocks", String(blocks))
        object.text("root", root.description)
        object.member("problem_count", String(problemCount))
        var list = JSONList()
        for problem in problems {
            var text: [UInt8] = []
            JSONString.append(problem, to: &text)
            list.append(text[...])
        }
        object.member("problems", list.finished)
        return String(decoding: object.finished, as: UTF8.self)
    }

    package var lines: [String] {
        var lines = [
            "manifest   \(role): \(Human.plural(blocks, "block")), root \(root)"
        ]
        lines += problems.map { CellWidth.sanitized($0) }
        if problemCount > problems.count { lines.append("and \(Human.count(problemCount - problems.count)) more") }
        lines.append(
            isClean
                ? "proven     every block is the one of the manifest"
                : "CHANGED    the store is not the one of the manifest")
        return lines
    }
}
