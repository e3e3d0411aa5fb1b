package import Basics
import CommandLine
import Dataset
import HashTree
package import SegmentStore

/// The proof about a merge's sources: begun before the merge, completed after it.
package struct MergeProof {
    private let out: String
    /// The shards' common input; nil if the sources are not shards, or not of one input that was read to its end.
    private let whole: ShardProof.Whole?
    private let areShards: Bool
    private let manifestPath: String?
    private let sources: [BlockManifest.Source]

    package struct Result {
        package var lines: [String]
        /// False if something expected is missing.
        package var holds: Bool
        /// The store's input, if it is proven.
        package var input: StoreManifest.Input?

        package init(lines: [String], holds: Bool, input: StoreManifest.Input? = nil) {
            self.lines = lines
            self.holds = holds
            self.input = input
        }
    }

    package init(_ stores: [String], manifest: String?, in out: String) throws(RetortError) {
        var manifests: [StoreManifest] = []
        for store in stores {
            if let manifest = try RecordStore.manifest(of: store) { manifests.append(manifest) }
        }
        self.out = out
        areShards = manifests.contains { $0.input?.part != nil }
        whole = manifests.count == stores.count ? ShardProof.Whole(manifests) : nil
        manifestPath = manifest ?? (areShards ? "\(out)/\(BlockManifest.fileName)" : nil)
        var sources: [BlockManifest.Source] = []
        if manifestPath != nil {
            for store in stores { sources.append(try BlockManifest.source(store)) }
        }
        self.sources = sources
    }

    /// Proves the merged store, which is complete in `root` and not yet in its final place.
    package func finish(_ root: String) throws(RetortError) -> Result {
        var result = Result(lines: [], holds: true)
        if areShards { result = try proveWhole(root) }
        if let manifestPath {
            let inside = "\(out)/\(BlockManifest.fileName)" == manifestPath
            let path = inside ? "\(root)/\(BlockManifest.fileName)" : manifestPath
            let hash = try BlockManifest.write(of: root, sources: sources, to: path, replacing: true)
            result.lines.append("manifest   \(manifestPath), root \(hash)")
        }
        return result
    }

    private func proveWhole(_ root: String) throws(RetortError) -> Result {
        guard let whole else {
            let why = "the shards are not all of one input that at least one has read to its end"
            return Result(lines: ["not proven: \(why)"], holds: false)
        }
        let proof = try ShardProof.run(root, whole: whole, options: StoreAccess.options)
        guard proof.holds else { return Result(lines: Self.lines(proof), holds: false) }
        let input = StoreManifest.Input(identity: "", files: whole.files, rows: whole.rows)
        return Result(lines: Self.lines(proof), holds: true, input: input)
    }

    private static func lines(_ proof: ShardProof) -> [String] {
        let rows = Human.plural(Int(clamping: proof.rows), "row")
        if proof.holds {
            let outcomes = Human.plural(Int(clamping: proof.items), "outcome")
            return ["proven     every one of \(rows) is in exactly one shard: \(outcomes), each once"]
        }
        var lines = ["not proven: of \(Human.plural(Int(clamping: proof.items), "item")) from \(rows)"]
        func add(_ count: UInt64, _ what: String, _ first: [UInt64]) {
            guard count > 0 else { return }
            let rows = first.map { Human.count(Int(clamping: $0 + 1)) }.joined(separator: ", ")
            lines.append(
                "  \(Human.count(Int(clamping: count))) \(what)" + (first.isEmpty ? "" : ", first of row \(rows)"))
        }
        add(proof.missing, "have no outcome", proof.missingRows)
        add(proof.doubled, "have several", proof.doubledRows)
        add(proof.strangers, "outcomes are of rows that are not in this input", [])
        return lines
    }
}
