import Basics

/// The open end of a lane: the journal, and its lines that are not yet in a block.
struct LaneBuffer {
    let lane: Lane
    private let context: StoreContext
    private let options: StoreOptions
    private(set) var block: RawBlock
    /// Blocks that were completed and are not in a segment yet. They share their bytes with the sealer's queue.
    private(set) var unplaced: [RawBlock] = []
    var journal: JournalWriter
    /// Records in other lanes since the open block's first one.
    private var passedBy = 0
    // Reused for every batch, because allocating and freeing large memory is expensive.
    private var lines: [UInt8] = []
    private var ends: [Int] = []
    private var journalText: [UInt8] = []
    private static let scratchBytesMax = 1 << 20

    init(_ lane: Lane, context: StoreContext, options: StoreOptions, nextSequence: UInt64) {
        self.lane = lane
        self.context = context
        self.options = options
        block = RawBlock(lane: lane, firstSequence: nextSequence)
        journal = JournalWriter(lane, storeID: context.storeID, layout: context.layout, files: context.files)
    }

    /// A record that has passed the duplicate check.
    struct Staged {
        var record: NewRecord
        var hint: RecordHint
        var prior: UInt8
    }

    /// Journals the records, then adds them to the block. Returns the blocks that became full. If it throws, nothing
    /// has changed.
    mutating func append(_ staged: [Staged]) throws(RetortError) -> [RawBlock] {
        lines.removeAll(keepingCapacity: lines.capacity <= LaneBuffer.scratchBytesMax)
        ends.removeAll(keepingCapacity: true)
        for item in staged {
            RecordHead.appendLine(of: item.record, classes: context.classes, to: &lines)
            lines.append(0x0A)
            ends.append(lines.count)
        }
        let sequence = block.nextSequence
        guard sequence <= StoreLimits.sequencesMax - UInt64(staged.count) else {
            throw RetortError(
                .damagedData, "the \(lane.directoryName) have no more numbers for records",
                at: context.layout.directory(lane), remedy: "Choose another directory for further records.")
        }
        composeJournalText(lines, ends, from: sequence)
        try journal.append(journalText, count: staged.count, sequence: sequence)
        var full: [RawBlock] = []
        var start = 0
        for (index, item) in staged.enumerated() {
            block.raw.append(contentsOf: lines[start..<ends[index]])
            start = ends[index]
            block.hints.append(item.hint)
            block.priors.append(item.prior)
            block.tallies += item.record.tallies
            if block.raw.count >= options.blockRawBytes || block.hints.count >= StoreLimits.blockRecordsMax {
                full.append(cut()!)
            }
        }
        return full
    }

    private mutating func composeJournalText(_ lines: [UInt8], _ ends: [Int], from sequence: UInt64) {
        journalText.removeAll(keepingCapacity: journalText.capacity <= LaneBuffer.scratchBytesMax)
        journalText.reserveCapacity(lines.count + ends.count * JournalLine.suffixBytes)
        lines.withUnsafeBytes { buffer in
            var start = 0
            for (index, end) in ends.enumerated() {
                JournalLine.append(
                    buffer.slice(start, end - 1 - start), storeID: context.storeID,
                    sequence: sequence + UInt64(index), to: &journalText)
                start = end
            }
        }
    }

    /// Notes records of another lane. Ends the block when there were many: an outcome without a position in a segment
    /// holds back the point from which the input is read after a kill.
    mutating func pass(by records: Int) -> RawBlock? {
        guard !block.hints.isEmpty else { return nil }
        passedBy += records
        return passedBy >= context.tuning.passedByMax ? cut() : nil
    }

    /// Ends the open block; nil if it is empty.
    mutating func cut() -> RawBlock? {
        guard !block.hints.isEmpty else { return nil }
        passedBy = 0
        let done = block
        unplaced.append(done)
        block = RawBlock(lane: lane, firstSequence: done.nextSequence)
        // The next block will be about as large: growing to it step by step would copy it several times.
        block.raw.reserveCapacity(min(done.raw.count + done.raw.count / 8, options.blockRawBytes * 2))
        journal.rotate(ifLargerThan: context.tuning.journalBytes)
        return done
    }

    /// Drops the blocks that are in a segment now.
    mutating func placed(before sequence: UInt64) { unplaced.removeAll { $0.nextSequence <= sequence } }

    /// Writes every line that is not in a segment to a new journal file, because a sync of their files failed. If it
    /// throws, it must be repeated.
    mutating func rejournal() throws(RetortError) {
        journal.distrust()
        for block in unplaced + [block] where !block.hints.isEmpty {
            try append(block.raw, from: block.firstSequence)
        }
        journal.regainTrust()
    }

    /// Writes lines that precede those of the open block to a new journal file.
    mutating func journalAgain(_ raw: [UInt8], from sequence: UInt64) throws(RetortError) {
        journal.close()
        try append(raw, from: sequence)
        journal.close()
    }

    private mutating func append(_ raw: [UInt8], from sequence: UInt64) throws(RetortError) {
        let ends = raw.lineRanges.map { $0.upperBound + 1 }
        composeJournalText(raw, ends, from: sequence)
        try journal.append(journalText, count: ends.count, sequence: sequence)
    }
}
