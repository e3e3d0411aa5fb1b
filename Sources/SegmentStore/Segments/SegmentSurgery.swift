import Basics

/// Cuts out of a segment what must not stay in it. What is whole is copied as it is, with a new place in its header.
///
/// A walk decides, a second one writes the segment anew beside the old one, and one rename puts it in its place: a
/// crash leaves the one or the other.
struct SegmentSurgery {
    let context: StoreContext
    let reader: SegmentReader
    /// Bytes of the file that count.
    let size: Int
    /// Bytes known to be durable: damage before them is rot, behind them the end of a torn write.
    let durableBytes: Int
    /// Good lines of the lane's journals, by sequence number: they may stand in for a block that is lost.
    let journaled: [UInt64: [UInt8]]
    let codec: BlockCodec

    /// What is to become of a block.
    enum Verdict {
        case keep
        /// Keep these lines only.
        case keepLines([Range<Int>], of: [UInt8])
    }

    /// What was done.
    struct Outcome {
        var blocksCut = 0
        var blocksRewritten = 0
        var recordsDropped = 0
        var recordsSalvaged = 0
        var isChanged = false
        /// Where the new file ends.
        var size = 0
    }

    private var walk: SegmentWalk {
        SegmentWalk(reader, from: 0, size: size, durableBytes: durableBytes, checksEveryPayload: true)
    }

    /// Judges every block, and rewrites the segment when one is not to be kept. `judge` is called twice then, and must
    /// say the same again.
    func perform(
        quarantine: inout Quarantine, judge: (Block) throws(RetortError) -> Verdict
    ) throws(RetortError) -> Outcome {
        guard try needsRewriting(judge) else { return Outcome(size: size) }
        let path = reader.file.path
        let temporary = path + ".tmp"
        var outcome = Outcome(isChanged: true)
        var writer = try MemberWriter(
            temporary, lane: reader.lane, segment: reader.number, storeID: context.storeID, files: context.files)
        try copy(to: &writer, quarantine: &quarantine, judge, &outcome)
        outcome.size = writer.offset
        let layout = context.layout
        try context.files.remove(layout.hints(reader.lane, reader.number))
        if writer.offset == 0 {
            // Never leave an empty .gz behind.
            try context.files.remove(temporary)
            try context.files.remove(path)
        } else {
            try writer.finish()
            try context.files.rename(temporary, to: path)
        }
        try context.files.syncDirectory(layout.directory(reader.lane))
        return outcome
    }

    private func needsRewriting(_ judge: (Block) throws(RetortError) -> Verdict) throws(RetortError) -> Bool {
        if try reader.file.size() > size { return true }
        var walk = walk
        while true {
            switch try walk.next() {
            case .block(let header):
                guard let block = try readable(header) else { return true }
                if case .keepLines = try judge(block) { return true }
            case .damage: return true
            case .torn, .end: return false
            }
        }
    }

    /// The block's lines; nil when its content is damaged.
    private func readable(_ header: BlockHeader) throws(RetortError) -> Block? {
        do throws(RetortError) {
            return try reader.block(header, codec: codec)
        } catch {
            if error.code == .damagedData { return nil }
            throw error
        }
    }

    private func copy(
        to writer: inout MemberWriter, quarantine: inout Quarantine,
        _ judge: (Block) throws(RetortError) -> Verdict, _ outcome: inout Outcome
    ) throws(RetortError) {
        var walk = walk
        var next: UInt64?
        while true {
            switch try walk.next() {
            case .block(let header):
                if let gap = next, gap < header.firstSequence {
                    try salvage(gap..<header.firstSequence, to: &writer, &outcome)
                }
                next = header.nextSequence
                guard let block = try readable(header) else {
                    try quarantine.keep(header.offset..<header.end, of: reader)
                    outcome.blocksCut += 1
                    outcome.recordsDropped += header.records
                    try salvage(header.firstSequence..<header.nextSequence, to: &writer, &outcome)
                    continue
                }
                switch try judge(block) {
                case .keep:
                    let member = try reader.member(header)
                    _ = try writer.append(member[...], header: header, firstSequence: header.firstSequence)
                case .keepLines(let ranges, let raw):
                    try quarantine.keep(header.offset..<header.end, of: reader)
                    outcome.blocksRewritten += 1
                    outcome.recordsDropped += header.records - ranges.count
                    try write(ranges.flatMap { raw[$0] + [0x0A] }, ranges.count, before: header.nextSequence, &writer)
                }
            case .damage(let damage):
                try quarantine.keep(damage.range, of: reader)
                outcome.blocksCut += 1
                outcome.recordsDropped += damage.records ?? 0
                if next == nil { next = 0 }
            case .torn, .end: return
            }
        }
    }

    /// Puts lines that a journal still has in the place of a lost block.
    private func salvage(
        _ sequences: Range<UInt64>, to writer: inout MemberWriter, _ outcome: inout Outcome
    ) throws(RetortError) {
        guard !journaled.isEmpty else { return }
        var raw: [UInt8] = []
        var count = 0
        for (sequence, line) in journaled.filter({ sequences.contains($0.key) }).sorted(by: { $0.key < $1.key }) {
            if count > 0, raw.count >= StoreLimits.blockRawBytes || count == StoreLimits.blockRecordsMax {
                try write(raw, count, before: sequence, &writer)
                raw.removeAll()
                count = 0
            }
            raw += line + [0x0A]
            count += 1
            outcome.recordsSalvaged += 1
        }
        if count > 0 { try write(raw, count, before: sequences.upperBound, &writer) }
    }

    /// Appends a block of lines whose numbering ends where that of the block before it ended.
    private func write(
        _ raw: [UInt8], _ count: Int, before end: UInt64, _ writer: inout MemberWriter
    ) throws(RetortError) {
        guard count > 0 else { return }
        let blank = BlockHeader(
            lane: reader.lane, records: count, memberBytes: 0, rawBytes: 0, previousBytes: 0,
            storeID: context.storeID, segment: reader.number, offset: 0, firstSequence: 0, durableBytes: 0,
            payloadChecksum: 0)
        let (member, header) = codec.encode(raw, header: blank)
        _ = try writer.append(member[...], header: header, firstSequence: end - UInt64(count))
    }
}

extension BlockLines {
    /// To keep a block whose lines are all records of the lane, and of another one those that are.
    func verdict(on block: Block, in lane: Lane) -> SegmentSurgery.Verdict {
        let good = block.lineRanges.filter { range in
            if case .record = read(Array(block.raw[range]), in: lane) { return true }
            return false
        }
        let isWhole = good.count == block.header.records && block.raw.count == good.last.map { $0.upperBound + 1 }
        return isWhole ? .keep : .keepLines(good, of: block.raw)
    }
}
