import Basics

extension Verification {
    /// Checks superseded records: every block, and in the deep form every line. They count for nothing else.
    mutating func checkArchive(of snapshot: VerificationSnapshot) throws(RetortError) {
        for lane in Lane.allCases {
            for reader in try snapshot.context.archiveSegments(lane) {
                var walk = try reader.wholeWalk(checksEveryPayload: true)
                steps: while true {
                    switch try walk.next() {
                    case .block(let header): try checkArchived(header, reader, snapshot)
                    case .damage(let damage): noteArchived(damage.range, damage.records, damage.reason, reader)
                    case .torn, .end: break steps
                    }
                }
            }
        }
    }

    private mutating func checkArchived(
        _ header: BlockHeader, _ reader: SegmentReader, _ snapshot: VerificationSnapshot
    ) throws(RetortError) {
        report.supersededRecords += header.records
        guard report.isDeep else { return }
        let range = header.offset..<header.end
        do throws(RetortError) {
            let block = try reader.block(header, codec: snapshot.codec)
            for (number, line) in block.lineRanges.enumerated() {
                guard case .bad(let reason) = snapshot.lines.read(Array(block.raw[line]), in: reader.lane) else {
                    continue
                }
                report.note(
                    Problem(
                        kind: .line, lane: reader.lane, segment: reader.number, range: range,
                        place: reader.file.path, message: "line \(number + 1) of the block: \(reason)",
                        remedy: Self.repair))
            }
        } catch {
            guard error.code == .damagedData else { throw error }
            noteArchived(range, header.records, error.message, reader)
        }
    }

    private mutating func noteArchived(
        _ range: Range<Int>, _ records: Int?, _ reason: String, _ reader: SegmentReader
    ) {
        report.note(
            Problem(
                kind: .block, lane: reader.lane, segment: reader.number, range: range, keys: records,
                place: reader.file.path, message: reason,
                remedy: "Run `retort repair`: it sets aside what is damaged. No item depends on it."))
    }
}
