public import Basics

/// Whether a store merged from shards has exactly one outcome for each item of the whole input, judged by the row
/// numbers in its records.
public struct ShardProof: Sendable, Hashable {
    /// Rows of the whole input, and items: rows × samples.
    public private(set) var rows: UInt64
    public private(set) var items: UInt64
    /// Items with an outcome.
    public private(set) var proven: UInt64 = 0
    /// Items with more than one outcome, under different ids.
    public private(set) var doubled: UInt64 = 0
    /// Outcomes of rows outside the input, or of another input.
    public private(set) var strangers: UInt64 = 0
    /// The first rows, from 0, with an item without an outcome, and with an item with several.
    public private(set) var missingRows: [UInt64] = []
    public private(set) var doubledRows: [UInt64] = []

    public static let rowsShownMax = 10
    /// Items examined in one pass over the store's hints: 16 MiB of bits.
    static let itemsPerPass: UInt64 = 1 << 27
    /// Maximum passes: half a trillion items. A manifest may state any number.
    static let passesMax: UInt64 = 4096

    public var missing: UInt64 { items - proven }
    /// Every row is in exactly one shard, and every item has exactly one outcome.
    public var holds: Bool { proven == items && doubled == 0 && strangers == 0 }

    /// The common input of shards, as their manifests state it. Nil if they are not all parts of one input that was
    /// read to its end.
    public struct Whole: Sendable, Hashable {
        public var rows: UInt64
        public var files: [String]
        /// High halves of the identities by which the shards know the input, as in lineages.
        var inputs: Set<String>

        public init?(_ manifests: [StoreManifest]) {
            guard let first = manifests.first?.input?.part else { return nil }
            var rows: Set<UInt64> = []
            inputs = []
            for manifest in manifests {
                guard let input = manifest.input, let part = input.part, part.content == first.content,
                    manifest.samples == manifests[0].samples, let identity = input.identityHash
                else { return nil }
                if let whole = part.rows { rows.insert(whole) }
                inputs.insert(Hexadecimal.string(identity.high))
            }
            guard let only = rows.first, rows.count == 1 else { return nil }
            self.rows = only
            files = manifests[0].input?.files ?? []
        }
    }

    /// Reads the hints of the merged store, as often as its bitmap requires. Throws `.badInput` if the input would have
    /// too many items.
    public static func run(
        _ root: String, whole: Whole, options: StoreOptions, itemsPerPass: UInt64? = nil
    ) throws(RetortError) -> ShardProof {
        let image = try StoreImage.load(root, options: options, mends: false)
        var proof = ShardProof(rows: whole.rows, samples: image.context.samples)
        let step = itemsPerPass ?? Self.itemsPerPass
        guard proof.items / step < Self.passesMax else {
            throw RetortError(.badInput, "the shards state an input of \(whole.rows) rows", at: root)
        }
        var first: UInt64 = 0
        repeat {
            let end = min(proof.items, first + step)
            try proof.pass(image, whole, first..<max(first, end))
            first = end
        } while first < proof.items
        return proof
    }

    private init(rows: UInt64, samples: Int) {
        self.rows = rows
        items = rows * UInt64(samples)
    }

    private mutating func pass(
        _ image: StoreImage, _ whole: Whole, _ window: Range<UInt64>
    ) throws(RetortError) {
        var words = [UInt64](repeating: 0, count: (window.count + 63) / 64)
        let samples = UInt64(image.context.samples)
        for lane in Lane.allCases {
            let origins = try LaneOrigins(lane, image)
            try Self.forEachOutcome(lane, image) { hint, sequence in
                let input = origins.origin(of: sequence).input
                guard let item = image.context.item(row: hint.row, sample: hint.sample), item < items,
                    let input, whole.inputs.contains(input)
                else {
                    // Counted once, in the first pass.
                    if window.lowerBound == 0 { strangers += 1 }
                    return
                }
                guard window.contains(item) else { return }
                let bit = item - window.lowerBound
                if words[Int(bit / 64)] & (1 << (bit % 64)) != 0 {
                    doubled += 1
                    if doubledRows.count < Self.rowsShownMax { doubledRows.append(item / samples) }
                } else {
                    words[Int(bit / 64)] |= 1 << (bit % 64)
                    proven += 1
                }
            }
        }
        noteMissing(words, window, samples)
    }

    private mutating func noteMissing(_ words: [UInt64], _ window: Range<UInt64>, _ samples: UInt64) {
        for (number, word) in words.enumerated() where word != .max {
            for bit in 0..<64 where word & (1 << UInt64(bit)) == 0 {
                let item = window.lowerBound + UInt64(number * 64 + bit)
                guard item < window.upperBound, missingRows.count < Self.rowsShownMax else { return }
                if missingRows.last != item / samples { missingRows.append(item / samples) }
            }
        }
    }

    /// The hints of the valid records, with their sequence numbers.
    private static func forEachOutcome(
        _ lane: Lane, _ image: StoreImage, _ body: (RecordHint, UInt64) -> Void
    ) throws(RetortError) {
        let codec = BlockCodec()
        for (number, end) in try image.segmentEnds(lane) {
            let reader = try image.context.segment(lane, number)
            var groups = try BlockHints(reader, context: image.context, codec: codec)
            var offset = 0
            while offset < end {
                guard let header = try reader.header(at: offset) else {
                    throw BlockCodec.damage("the block's header is damaged", reader.place(offset))
                }
                let group = try groups.group(of: header)
                let entries = try image.index.withLock { index throws(RetortError) in
                    index.noteLookups(group.hints.count)
                    return try index.lookup(group.hints.map(\.hash))
                }
                for (record, hint) in group.hints.enumerated() {
                    guard let entry = entries[record], entry.recordStatus.lane == lane, entry.segment == number,
                        Int(entry.offset) == header.offset, Int(entry.record) == record
                    else { continue }
                    body(hint, header.firstSequence + UInt64(record))
                }
                offset = header.end
            }
        }
    }
}
