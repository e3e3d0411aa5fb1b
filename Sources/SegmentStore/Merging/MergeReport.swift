/// What a merge took from each source.
public struct MergeReport: Sendable, Hashable {
    public struct Source: Sendable, Hashable {
        public var root: String
        /// The source's mark. The merged store's is the sum of them.
        public var mark: Int64
        /// Successes that are in the merged store.
        public var taken = 0
        /// Failures that are in the merged store.
        public var failed = 0
        /// Rounds and verdicts that are in the merged store.
        public var rounds = 0
        public var verdicts = 0
        /// Outcomes that were dropped, because another store has one of the same row.
        public var superseded = 0
        /// How many of those taken and failed got another id, because another store has a row of the same text.
        public var renamed = 0
        /// Blocks that were copied unchanged, and their compressed bytes.
        public var blocksCopied = 0
        public var bytesCopied = 0
        /// Blocks that were only partly kept and recompressed.
        public var blocksReencoded = 0

        init(root: String, mark: Int64) {
            self.root = root
            self.mark = mark
        }
    }

    public var sources: [Source]
    /// Exact counts of the merged store.
    public var counters = StoreCounters()
    /// Compressed bytes of the merged store's segments.
    public var bytes = 0
}
