import Basics

extension Verification {
    /// Checks every block of the segments: header and checksum, and in the deep form every record.
    mutating func checkSegments(
        of snapshot: VerificationSnapshot, progress: (StoreProgress) -> Void
    ) throws(RetortError) {
        var done = StoreProgress(bytes: 0, totalBytes: snapshot.totalBytes)
        for lane in Lane.allCases {
            var nextSequence: UInt64 = 0
            for (number, bytes) in snapshot.segments[lane] ?? [] {
                report.segments += 1
                let reader = try snapshot.context.segment(lane, number)
                var walk = SegmentWalk(reader, from: 0, size: bytes, durableBytes: bytes, checksEveryPayload: true)
                steps: while true {
                    switch try walk.next() {
                    case .block(let header):
                        try check(header, reader, snapshot)
                        checkOrder(header, after: &nextSequence, reader)
                        done.bytes += header.memberBytes
                        progress(done)
                    case .damage(let damage):
                        note(damage, reader)
                        done.bytes += damage.range.count
                    case .torn, .end:
                        break steps
                    }
                }
            }
            let tail = snapshot.image.tails[Int(lane.rawValue)]
            let isListed = snapshot.image.manifest.segments(lane).contains { $0.number == tail.segment && $0.sealed }
            if !isListed { report.unfinishedBytes += max(0, tail.size - tail.offset) }
        }
    }

    private mutating func note(_ damage: Damage, _ reader: SegmentReader) {
        let index = report.problems.count
        // A read that fails here has failed before.
        let isAnother = damage.range.lowerBound == 0 && (try? reader.strangeness()) ?? nil != nil
        report.note(
            Problem(
                kind: .block, lane: damage.lane, segment: damage.segment, range: damage.range, keys: damage.records,
                place: reader.file.path, message: damage.reason, remedy: isAnother ? Self.exchange : Self.repair))
        let problem = report.problems.count > index ? index : nil
        seen.damage.append(SeenRecords.DamagedStretch(damage: damage, problem: problem))
    }

    private mutating func checkOrder(_ header: BlockHeader, after next: inout UInt64, _ reader: SegmentReader) {
        if header.firstSequence < next {
            report.note(
                Problem(
                    kind: .block, lane: reader.lane, segment: reader.number, range: header.offset..<header.end,
                    place: reader.file.path,
                    message: "the block is out of order: its records are also elsewhere",
                    remedy: Self.repair))
        }
        next = header.nextSequence
    }

    private mutating func check(
        _ header: BlockHeader, _ reader: SegmentReader, _ snapshot: VerificationSnapshot
    ) throws(RetortError) {
        report.blocks += 1
        report.records += header.records
        report.bytes += header.memberBytes
        guard report.isDeep else { return }
        do throws(RetortError) {
            try check(try reader.block(header, codec: snapshot.codec), reader, snapshot)
        } catch {
            guard error.code == .damagedData, !snapshot.context.isOfIndex(error) else { throw error }
            let damage = Damage(
                lane: reader.lane, segment: reader.number, range: header.offset..<header.end, records: header.records,
                reason: error.cause.map { "\(error.message): \($0)" } ?? error.message)
            note(damage, reader)
        }
    }

    /// Checks every line of a block: valid, a record of this lane, and where the index says.
    private mutating func check(
        _ block: Block, _ reader: SegmentReader, _ snapshot: VerificationSnapshot
    ) throws(RetortError) {
        let ranges = block.lineRanges
        let range = block.header.offset..<block.header.end
        if ranges.count != block.header.records || block.raw.last != 0x0A {
            report.note(
                Problem(
                    kind: .line, lane: reader.lane, segment: reader.number, range: range, place: reader.file.path,
                    message: "the block has \(ranges.count) lines in place of \(block.header.records)",
                    remedy: Self.repair))
        }
        var found: [IndexEntry] = []
        for (number, lineRange) in ranges.enumerated() {
            let line = Array(block.raw[lineRange])
            switch snapshot.lines.read(line, in: reader.lane) {
            case .record(_, let hint):
                seen.add(reader.lane, snapshot.context.recount(line))
                found.append(hint.entry(segment: reader.number, offset: block.header.offset, record: number))
            case .bad(let reason):
                report.note(
                    Problem(
                        kind: .line, lane: reader.lane, segment: reader.number, range: range, keys: 1,
                        place: reader.file.path, message: "line \(number + 1) of the block: \(reason)",
                        remedy: Self.repair))
            }
        }
        var known = LookupBatch(found.map(\.hash))
        try snapshot.image.index.withLock { index throws(RetortError) in
            try index[reader.lane].lookup(&known)
            index.noteLookups(known.hashes.count)
        }
        for (found, entry) in zip(found, known.entries) { try check(found, against: entry, range, reader, snapshot) }
    }

    /// Compares a found record with the index.
    private mutating func check(
        _ found: IndexEntry, against entry: IndexEntry?, _ range: Range<Int>, _ reader: SegmentReader,
        _ snapshot: VerificationSnapshot
    ) throws(RetortError) {
        if entry == found {
            seen.matches[reader.lane, default: 0] += 1
            return
        }
        func problem(_ kind: Problem.Kind, _ message: String, _ remedy: String) -> Problem {
            Problem(
                kind: kind, lane: reader.lane, segment: reader.number, range: range, keys: 1,
                place: reader.file.path, message: "record \(found.record + 1) of the block: \(message)", remedy: remedy)
        }
        let success = try snapshot.image.index.withLock { index throws(RetortError) in
            try index.responses.lookup(found.hash)
        }
        let isSettled = reader.lane == .failures && success != nil
        guard let entry else {
            // Merged runs omit failures that a success has settled.
            if !isSettled { report.note(problem(.entry, "the index does not know its key", Self.reindex)) }
            return
        }
        if entry.place == found.place {
            seen.matches[reader.lane, default: 0] += 1
            report.note(problem(.entry, "the index says otherwise how it ended", Self.reindex))
        } else if reader.lane == .responses {
            report.note(problem(.duplicate, "its key has an earlier success", Self.repair))
        } else if reader.lane == .rounds {
            if found.place < entry.place {
                report.note(problem(.entry, "the index names a later record of its round", Self.reindex))
            }
        } else if entry.place < found.place && !isSettled {
            let kind = reader.lane == .failures ? "failure" : "verdict"
            report.note(problem(.entry, "the index names an older \(kind) of its key", Self.reindex))
        }
    }
}
