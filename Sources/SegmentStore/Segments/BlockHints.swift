import Basics

/// Hints of a segment's blocks, without decompressing them, requested in order.
struct BlockHints {
    private let reader: SegmentReader
    private let context: StoreContext
    private let codec: BlockCodec
    private var log: HintLogReader?
    private var group: HintGroup?

    init(_ reader: SegmentReader, context: StoreContext, codec: BlockCodec) throws(RetortError) {
        self.reader = reader
        self.context = context
        self.codec = codec
        log = try HintLogReader(
            reader.lane, reader.number, from: 0, storeID: context.storeID, layout: context.layout, files: context.files)
        group = try log?.next()
    }

    /// From the hint log, or from the block itself if the log lacks it.
    mutating func group(of header: BlockHeader) throws(RetortError) -> HintGroup {
        while let stale = group, stale.offset < header.offset { group = try log?.next() }
        if let known = group, known.describes(header) { return known }
        guard let read = context.hintGroup(of: try reader.block(header, codec: codec)) else {
            throw BlockCodec.damage("the block holds lines that are not records", reader.place(header.offset))
        }
        return read
    }
}

extension HintGroup {
    /// Whether this is the group of that very block.
    func describes(_ header: BlockHeader) -> Bool {
        offset == header.offset && memberBytes == header.memberBytes && firstSequence == header.firstSequence
            && hints.count == header.records && payloadChecksum == header.payloadChecksum
    }
}
