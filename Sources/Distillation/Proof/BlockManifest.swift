package import Basics
import CommandLine
import Dataset
package import HashTree
import JSONText
import PromptSource
import Reporting
package import SegmentStore

/// A list of a store's blocks with their SHA-256 hashes and the root of their hash tree: JSON lines, one per block, and
/// a last line with a summary. Given the root, neither the file nor the machine that holds the store has to be trusted.
package struct BlockManifest {
    package static let fileName = "blocks.jsonl"
    package static let formatName = "retort blocks"
    package static let version = 1

    /// The last line.
    package struct Summary {
        package var store = ""
        package var blocks = 0
        package var records = 0
        package var bytes = 0
        package var root: SHA256Digest
        /// The stores that it was merged from.
        package var sources: [Source] = []
    }

    /// A merged store, described by the hash tree of its own blocks.
    package struct Source {
        package var store: String
        package var shard: String
        package var blocks: Int
        package var root: SHA256Digest
    }

    /// The hash tree of a store in its current state.
    package static func tree(
        of reader: StoreReader, _ body: (BlockPlace, SHA256Digest) throws(RetortError) -> Void = { _, _ in }
    ) throws(RetortError) -> Summary {
        var tree = HashTree()
        var summary = Summary(root: tree.root)
        try reader.forEachBlock { (place, bytes) throws(RetortError) in
            let leaf = HashTree.leaf(bytes)
            tree.append(leaf)
            summary.records += place.records
            summary.bytes += place.bytes
            try body(place, leaf)
        }
        summary.store = reader.manifest.store
        summary.blocks = tree.count
        summary.root = tree.root
        return summary
    }

    package static func source(_ root: String) throws(RetortError) -> Source {
        let reader = try StoreReader(root, options: StoreAccess.options)
        let tree = try tree(of: reader)
        let shard = reader.manifest.input?.part?.shard.description ?? ""
        return Source(store: tree.store, shard: shard, blocks: tree.blocks, root: tree.root)
    }

    /// Writes the manifest of a store. Returns its root.
    package static func write(
        of root: String, sources: [Source], to path: String, replacing: Bool
    ) throws(RetortError) -> SHA256Digest {
        let file = try OutputFile(path, replacing: replacing)
        let reader = try StoreReader(root, options: StoreAccess.options)
        let summary = try tree(of: reader) { (place, digest) throws(RetortError) in
            var line = JSONLine()
            line.text("lane", place.lane.directoryName)
            line.member("segment", String(place.segment))
            line.member("offset", String(place.offset))
            line.member("bytes", String(place.bytes))
            line.member("records", String(place.records))
            line.text("sha256", digest.description)
            try file.line(line.finished)
        }
        try file.line(self.line(summary, sources))
        try file.finish()
        return summary.root
    }

    private static func line(_ summary: Summary, _ sources: [Source]) -> [UInt8] {
        var line = JSONLine()
        line.text("format", formatName)
        line.member("version", String(version))
        line.text("store", summary.store)
        line.member("blocks", String(summary.blocks))
        line.member("records", String(summary.records))
        line.member("bytes", String(summary.bytes))
        line.text("tree", "RFC 6962, SHA-256")
        line.text("root", summary.root.description)
        var list = JSONList()
        for source in sources {
            var entry = JSONLine()
            entry.text("store", source.store)
            entry.text("shard", source.shard)
            entry.member("blocks", String(source.blocks))
            entry.text("root", source.root.description)
            list.append(entry.finished[...])
        }
        line.member("sources", list.finished)
        return line.finished
    }
}
