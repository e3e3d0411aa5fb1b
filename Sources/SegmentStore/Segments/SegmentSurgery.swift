import Basics

/// Removes blocks and lines from a segment. Intact blocks are copied unchanged, with a new position in their headers.
///
/// A first walk decides, a second one writes the new segment beside the old one, and one rename replaces it: a crash
/// leaves the one or the other.
struct SegmentSurgery {
    let context: StoreContext
    let reader: SegmentReader
    /// Bytes of the file that count.
    let size: Int
    /// Bytes known to be durable: damage before them is bit rot, after them the end of a torn write.
    let durableBytes: Int
    /// Good lines of the lane's journals, by sequence number: they may replace a lost block.
    let journaled: [UInt64: [UInt8]]
    let codec: BlockCodec

    /// The decision about a block.
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
        /// Records of damaged blocks that a checksum proves.
        var recordsProven = 0
        /// Damaged blocks in which a single flipped bit was corrected.
        var blocksCorrected = 0
        var isChanged = false
        /// The end of the new file.
        var size = 0
    }

    private var walk: SegmentWalk {
        SegmentWalk(reader, from: 0, size: size, durableBytes: durableBytes, checksEveryPayload: true)
    }

    /// Judges every block, and rewrites the segment if one is not kept. `judge` is then called twice, and must return
    /// the same again.
    func perform(
        quarantine: inout Quarantine, hashingLeft: inout Int, judge: (Block) throws(RetortError) -> Verdict
    ) throws(RetortError) -> Outcome {
        guard try needsRewriting(judge) else { return Outcome(size: size) }
        let path = reader.file.path
        let temporary = path + ".tmp"
        var outcome = Outcome(isChanged: true)
        var writer = try MemberWriter(
            temporary, lane: reader.lane, segment: reader.number, storeID: context.storeID, files: context.files)
        var rescue = BlockRescue(reader, hashingLeft: hashingLeft)
        try copy(to: &writer, quarantine: &quarantine, &rescue, judge, &outcome)
        hashingLeft = rescue.hashingLeft
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

    /// The block's lines; nil if its content is damaged.
    private func readable(_ header: BlockHeader) throws(RetortError) -> Block? {
        do throws(RetortError) {
            return try reader.block(header, codec: codec)
        } catch {
            if error.code == .damagedData { return nil }
            throw error
        }
    }

    private func copy(
        to writer: inout MemberWriter, quarantine: inout Quarantine, _ rescue: inout BlockRescue,
        _ judge: (Block) throws(RetortError) -> Verdict, _ outcome: inout Outcome
    ) throws(RetortError) {
        var walk = walk
        var next: UInt64?
        while true {
            switch try walk.next() {
            case .block(let header):
                try salvageGap(&next, before: header, to: &writer, &outcome)
                guard let block = try readable(header) else {
                    try quarantine.keep(header.offset..<header.end, of: reader)
                    outcome.blocksCut += 1
                    outcome.recordsDropped += header.records
                    try salvage(header.firstSequence..<header.nextSequence, to: &writer, &outcome)
                    continue
                }
                try place(block, try reader.member(header), try judge(block), to: &writer, &quarantine, &outcome)
            case .damage(let damage):
                try quarantine.keep(damage.range, of: reader)
                try place(damage, &rescue, &next, judge, to: &writer, &quarantine, &outcome)
            case .torn, .end: return
            }
        }
    }

    /// Numbers that no block has: a journal may have their lines.
    private func salvageGap(
        _ next: inout UInt64?, before header: BlockHeader, to writer: inout MemberWriter, _ outcome: inout Outcome
    ) throws(RetortError) {
        if let gap = next, gap < header.firstSequence {
            try salvage(gap..<header.firstSequence, to: &writer, &outcome)
        }
        next = header.nextSequence
    }

    /// Applies the decision about a readable block.
    private func place(
        _ block: Block, _ member: [UInt8], _ verdict: Verdict, to writer: inout MemberWriter,
        _ quarantine: inout Quarantine, _ outcome: inout Outcome
    ) throws(RetortError) {
        let header = block.header
        switch verdict {
        case .keep: _ = try writer.append(member[...], header: header, firstSequence: header.firstSequence)
        case .keepLines(let ranges, let raw):
            try quarantine.keep(header.offset..<header.end, of: reader)
            outcome.blocksRewritten += 1
            outcome.recordsDropped += header.records - ranges.count
            try write(ranges.flatMap { raw[$0] + [0x0A] }, ranges.count, before: header.nextSequence, &writer)
        }
    }

    /// Replaces a damaged range by what can be recovered of it.
    private func place(
        _ damage: Damage, _ rescue: inout BlockRescue, _ next: inout UInt64?,
        _ judge: (Block) throws(RetortError) -> Verdict, to writer: inout MemberWriter,
        _ quarantine: inout Quarantine, _ outcome: inout Outcome
    ) throws(RetortError) {
        let bytes = try reader.file.read(at: damage.range.lowerBound, count: damage.range.count)
        switch rescue.rescue(bytes, at: damage.range.lowerBound) {
        case .whole(let header, let member):
            try salvageGap(&next, before: header, to: &writer, &outcome)
            guard let block = try decoded(member, header) else { break }
            outcome.blocksCorrected += 1
            return try place(block, member, try judge(block), to: &writer, &quarantine, &outcome)
        case .lines(let header, let raw):
            try salvageGap(&next, before: header, to: &writer, &outcome)
            let count = raw.lineRanges.count
            outcome.blocksCut += 1
            outcome.recordsProven += count
            outcome.recordsDropped += header.records - count
            // They keep their numbers; those of the lost lines stay free, unless a journal has them.
            next = header.firstSequence + UInt64(count)
            return try write(raw, count, before: header.firstSequence + UInt64(count), &writer)
        case .nothing: break
        }
        outcome.blocksCut += 1
        outcome.recordsDropped += damage.records ?? 0
        if next == nil { next = 0 }
    }

    private func decoded(_ member: [UInt8], _ header: BlockHeader) throws(RetortError) -> Block? {
        let place = reader.place(header.offset)
        let result: Result<Block, RetortError> = member.withUnsafeBytes { buffer in
            do throws(RetortError) {
                return .success(try codec.decode(buffer, header: header, place: place))
            } catch {
                return .failure(error)
            }
        }
        return try? result.get()
    }

    /// Replaces a lost block by lines that a journal still has.
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

    /// Appends a block of lines whose numbering continues that of the previous block.
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
    /// Keeps a block whose lines are all records of the lane, and of another one those that are.
    func verdict(on block: Block, in lane: Lane) -> SegmentSurgery.Verdict {
        let good = block.lineRanges.filter { range in
            if case .record = read(Array(block.raw[range]), in: lane) { return true }
            return false
        }
        let isWhole = good.count == block.header.records && block.raw.count == good.last.map { $0.upperBound + 1 }
        return isWhole ? .keep : .keepLines(good, of: block.raw)
    }
}
