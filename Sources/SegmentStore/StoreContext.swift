import Basics

/// What every part of an open store needs.
struct StoreContext: Sendable {
    let layout: StoreLayout
    let files: any FileSystem
    let storeID: UInt64
    let classes: FailureClasses
    let samples: Int
    /// Whether blocks are written with checks of their lines.
    let writesChecks: Bool
    /// Recomputes a line's tallies, for blocks whose hints are lost.
    let recount: @Sendable ([UInt8]) -> Tallies
    let tuning: StoreTuning

    init(root: String, manifest: StoreManifest, options: StoreOptions, scratch: String? = nil) {
        layout = StoreLayout(root: root, scratch: scratch)
        files = options.files
        recount = options.recount
        tuning = options.tuning
        storeID = manifest.storeID
        classes = FailureClasses(manifest.failureClasses)
        samples = manifest.samples
        writesChecks = manifest.features.contains(BlockChecks.feature)
    }

    /// The number of an item in the ledger; nil for samples beyond the store's number.
    func item(row: UInt64, sample: UInt16) -> UInt64? {
        let (product, overflow) = row.multipliedReportingOverflow(by: UInt64(samples))
        guard !overflow, Int(sample) < samples else { return nil }
        return product &+ UInt64(sample)
    }

    /// Whether the error says that an index file is damaged.
    func isOfIndex(_ error: RetortError) -> Bool {
        error.code == .damagedData && error.place?.hasPrefix(layout.index + "/") == true
    }

    /// Makes the next opening rebuild the index, if the error says that an index file is damaged.
    func distrustsIndex(_ error: RetortError) -> Bool {
        guard isOfIndex(error) else { return false }
        try? files.remove(layout.checkpoint)
        return true
    }

    func segment(_ lane: Lane, _ number: UInt32) throws(RetortError) -> SegmentReader {
        try SegmentReader(lane, number, storeID: storeID, layout: layout, files: files)
    }

    /// The segment; nil if there is none.
    func segmentIfThere(_ lane: Lane, _ number: UInt32) throws(RetortError) -> SegmentReader? {
        guard try files.size(of: layout.segment(lane, number)) != nil else { return nil }
        return try segment(lane, number)
    }

    /// The size of a segment; nil if there is none, or if it is not a regular file.
    func segmentBytes(_ lane: Lane, _ number: UInt32) throws(RetortError) -> Int? {
        let path = layout.segment(lane, number)
        return try files.isRegular(path) ? files.size(of: path) : nil
    }

    /// The numbers of a lane's segments on disk, in order. Only regular files count.
    func segmentNumbers(_ lane: Lane) throws(RetortError) -> [UInt32] {
        var numbers: [UInt32] = []
        for name in try files.entries(of: layout.directory(lane)) {
            guard let number = StoreLayout.segmentNumber(name),
                try files.isRegular(layout.segment(lane, number))
            else { continue }
            numbers.append(number)
        }
        return numbers.sorted()
    }

    /// Files in a lane's directory that look like segments but are not.
    func strayFiles(_ lane: Lane) throws(RetortError) -> [Damage] {
        var strays: [Damage] = []
        let directory = layout.directory(lane)
        for name in try files.entries(of: directory) where StoreLayout.isLikeSegment(name) {
            var reason: String?
            if StoreLayout.segmentNumber(name) == nil {
                reason = "the name is not that of a segment"
            } else if try !files.isRegular("\(directory)/\(name)") {
                reason = "not a regular file"
            }
            guard let reason else { continue }
            strays.append(
                Damage(lane: lane, segment: 0, file: name, range: 0..<0, records: nil, reason: reason))
        }
        return strays
    }

    /// The status in a line's head.
    func status(_ head: RecordHead) -> RecordStatus {
        switch head.key.part {
        case .outcome: head.failureClass.map { .failed(classIndex: classes.index($0)) } ?? .ok
        case .round: .round
        case .verdict: .verdict
        }
    }

    /// The index data of a record's line; nil if it has no head.
    func hint(of line: [UInt8]) -> RecordHint? {
        line.withUnsafeBytes { RecordHead.parse($0) }.map { RecordHint(head: $0, status: status($0)) }
    }

    /// Indexes a block by its lines. Nil if a line is not a record of the block's lane, so that no store can have
    /// written it.
    func hintGroup(of block: Block) -> HintGroup? {
        var hints: [RecordHint] = []
        var tallies = Tallies()
        for range in block.lineRanges {
            let line = Array(block.raw[range])
            guard let head = line.withUnsafeBytes({ RecordHead.parse($0) }), head.lane == block.header.lane else {
                return nil
            }
            hints.append(RecordHint(head: head, status: status(head)))
            tallies += recount(line)
        }
        guard hints.count == block.header.records else { return nil }
        return HintGroup(
            lane: block.header.lane, segment: block.header.segment, offset: block.header.offset,
            memberBytes: block.header.memberBytes, firstSequence: block.header.firstSequence,
            payloadChecksum: block.header.payloadChecksum, tallies: tallies, hints: hints)
    }
}
