import Basics
import CommandLine
import HashTree
import SegmentStore

/// What a merge proves of its sources: taken up before it, finished after it.
struct MergeProof {
    private let out: String
    /// What shards say of their input; nil where the sources are no shards, or not of one input that was read to its end.
    private let whole: ShardProof.Whole?
    private let areShards: Bool
    private let manifestPath: String?
    private let sources: [BlockManifest.Source]

    struct Result {
        var lines: [String]
        /// False where something is missing that was to be there.
        var holds: Bool
    }

    init(_ stores: [String], manifest: String?, in out: String) throws(RetortError) {
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

    func finish() throws(RetortError) -> Result {
        var result = Result(lines: [], holds: true)
        if areShards { result = try proveWhole() }
        if let manifestPath {
            let root = try BlockManifest.write(of: out, sources: sources, to: manifestPath, replacing: true)
            result.lines.append("manifest   \(manifestPath), root \(root)")
        }
        return result
    }

    private func proveWhole() throws(RetortError) -> Result {
        guard let whole else {
            let why = "the shards are not all of one input that at least one has read to its end"
            return Result(lines: ["not proven: \(why)"], holds: false)
        }
        let proof = try ShardProof.run(out, whole: whole, options: StoreAccess.options)
        guard proof.holds else { return Result(lines: Self.lines(proof), holds: false) }
        let store = try RecordStore.open(out, options: StoreAccess.options)
        try store.stateInput(files: whole.files, rows: whole.rows)
        try store.close()
        return Result(lines: Self.lines(proof), holds: true)
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
