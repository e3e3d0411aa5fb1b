import Basics

/// A line found in a journal, with its sequence number.
struct JournaledLine: Sendable {
    var sequence: UInt64
    /// The record's line, without checksum and line feed.
    var line: [UInt8]
}

/// The content of a lane's journals.
///
/// A file with lines that no crash explains is misplaced or damaged: from another store or lane, or with flipped bits.
/// Its good lines count; the file stays for people to examine.
struct JournalSurvey {
    /// The good lines from the requested number on, in order and each number once.
    private(set) var lines: [JournaledLine] = []
    /// Journals that may be removed once their lines are in segments.
    private(set) var paths: [String] = []
    /// Lines that failed their check as a crash explains.
    private(set) var skipped: [Skipped] = []
    /// Files that no crash explains.
    private(set) var damage: [Damage] = []
    /// By file, the keys of its good lines.
    private(set) var goodLines: [String: [GoodLine]] = [:]

    struct GoodLine {
        var sequence: UInt64
        var hash: Hash128
    }

    struct Skipped {
        var path: String
        /// The line's number in the file, from 1.
        var number: Int
        var range: Range<Int>
        /// Whether it has a line feed.
        var isEnded: Bool
        /// Whether it is the end of an interrupted write: nothing follows it.
        var isTornEnd: Bool
    }

    /// How far a line's number may be off after damage that joined two lines, or split one.
    private static let shiftMax: UInt64 = 8
    /// Minimum bytes of a line: an unwritten stretch may hide one line per this many bytes.
    private static let lineBytesMin = 64
    /// Maximum bytes of a file's lines that are hashed to find their numbers after such a stretch.
    private static let searchBytesMax = 64 << 20
    /// Bad lines after which the rest of a file is not read.
    private static let badLinesMax = 10_000

    private let lane: Lane
    private let from: UInt64
    private let storeID: UInt64
    private var known: [UInt64: Int] = [:]
    private var files: [FileOfJournal] = []

    /// The result for one file.
    private struct FileOfJournal {
        var name: String
        var path: String
        var first: UInt64
        var goodLines = 0
        var strangers = 0
        /// The lane of the last of them.
        var home = Lane.responses
        var conflicts = 0
        var bad: [BadLine] = []
    }

    private struct BadLine {
        var sequence: UInt64
        var line: JournalLines.Line
        var number: Int
        var isLast = false
    }

    /// Reads the lines from `sequence` on. An unreadable line is a gap.
    static func read(
        _ lane: Lane, from sequence: UInt64, storeID: UInt64, layout: StoreLayout, files: any FileSystem
    ) throws(RetortError) -> JournalSurvey {
        var survey = JournalSurvey(lane, from: sequence, storeID: storeID)
        let directory = layout.directory(lane)
        for name in try files.entries(of: directory) where StoreLayout.isLikeJournal(name) {
            let path = directory + "/" + name
            guard let first = StoreLayout.journalSequence(name) else {
                survey.note(name, 0..<0, nil, "the name is not that of a journal")
                continue
            }
            do throws(RetortError) {
                guard let file = try files.openIfThere(path) else { continue }
                let size = try file.size()
                guard size <= StoreLimits.journalFileBytesMax else {
                    survey.note(name, 0..<size, nil, "the file is larger than any journal")
                    continue
                }
                try survey.take(FileOfJournal(name: name, path: path, first: first), try JournalLines(file))
            } catch {
                guard error.code == .damagedData else { throw error }
                survey.note(name, 0..<0, nil, error.cause.map { "\(error.message): \($0)" } ?? error.message)
            }
        }
        survey.judge()
        return survey
    }

    private init(_ lane: Lane, from sequence: UInt64, storeID: UInt64) {
        self.lane = lane
        from = sequence
        self.storeID = storeID
    }

    private mutating func note(_ name: String, _ range: Range<Int>, _ records: Int?, _ reason: String) {
        damage.append(Damage(lane: lane, segment: 0, file: name, range: range, records: records, reason: reason))
    }

    private mutating func take(_ file: FileOfJournal, _ lines: JournalLines) throws(RetortError) {
        var (file, lines, at, number) = (file, lines, file.first, 0)
        var (hidden, search) = (0, Self.searchBytesMax)
        while let line = try lines.next() {
            number += 1
            defer { at = min(at + 1, StoreLimits.sequencesMax) }
            guard line.isEnded, let found = decode(line.bytes, near: at, hidden: hidden, &search) else {
                if line.isHoled { hidden += line.range.count / Self.lineBytesMin }
                file.bad.append(BadLine(sequence: at, line: line, number: number))
                if file.bad.count > Self.badLinesMax { break }
                continue
            }
            at = found.sequence
            hidden = 0
            if found.lane == lane {
                file.goodLines += 1
            } else {
                file.strangers += 1
                file.home = found.lane
                continue
            }
            goodLines[file.path, default: []].append(GoodLine(sequence: at, hash: found.hash))
            if let other = known[at] {
                if at >= from, self.lines[other].line != found.line { file.conflicts += 1 }
            } else if at >= from {
                known[at] = self.lines.count
                self.lines.append(JournaledLine(sequence: at, line: found.line))
            }
        }
        if let last = file.bad.last, last.number == number { file.bad[file.bad.count - 1].isLast = true }
        files.append(file)
    }

    private struct Found {
        var sequence: UInt64
        var line: [UInt8]
        var lane: Lane
        var hash: Hash128
    }

    /// The line, if it has that number or, after damage before it, a number close by.
    private func decode(_ bytes: [UInt8], near at: UInt64, hidden: Int, _ search: inout Int) -> Found? {
        bytes.withUnsafeBytes { buffer -> Found? in
            guard let line = JournalLine(buffer) else { return nil }
            let reach = min(hidden, search / buffer.count)
            search -= reach * buffer.count
            for shift in 0...Self.shiftMax + UInt64(reach) {
                for sequence in shift == 0 ? [at] : [at &+ shift, at &- shift] {
                    guard sequence <= StoreLimits.sequencesMax, line.passes(storeID: storeID, sequence: sequence) else {
                        continue
                    }
                    guard let head = line.record.withUnsafeBytes({ RecordHead.parse($0) }) else { return nil }
                    return Found(sequence: sequence, line: line.record, lane: head.lane, hash: head.key.hash)
                }
            }
            return nil
        }
    }

    /// Separates what a crash explains from what it does not.
    private mutating func judge() {
        let starts = files.map(\.first).sorted()
        for file in files {
            let next = starts.first { $0 > file.first }
            var damaged: [BadLine] = []
            for bad in file.bad where !isKnown(bad) {
                let isTornEnd = !bad.line.isEnded || bad.isLast && next.map({ $0 <= bad.sequence }) ?? true
                if !isExplained(bad, isTornEnd: isTornEnd, in: file) {
                    damaged.append(bad)
                } else if bad.sequence >= from {
                    skipped.append(
                        Skipped(
                            path: file.path, number: bad.number, range: bad.line.range, isEnded: bad.line.isEnded,
                            isTornEnd: isTornEnd))
                }
            }
            note(file, damaged)
        }
        lines.sort { $0.sequence < $1.sequence }
    }

    private mutating func note(_ file: FileOfJournal, _ damaged: [BadLine]) {
        let range = damaged.first?.line.range ?? 0..<0
        if file.strangers > 0 {
            note(
                file.name, range, file.strangers + damaged.count,
                "\(file.strangers) of its lines are records of the \(file.home.directoryName): move it there")
        } else if file.conflicts > 0 {
            note(file.name, range, file.conflicts, "\(file.conflicts) of its lines have numbers of other records")
        } else if !damaged.isEmpty {
            note(
                file.name, range, damaged.count,
                file.goodLines == 0
                    ? "none of its lines belongs to this store and has that number"
                    : "line \(damaged[0].number) of the journal is damaged"
                        + (damaged.count > 1 ? ", and \(damaged.count - 1) more" : ""))
        } else {
            paths.append(file.path)
        }
    }

    /// Whether another file has the record, so that nothing is missing.
    private func isKnown(_ bad: BadLine) -> Bool { bad.sequence >= from && known[bad.sequence] != nil }

    /// Whether a process or machine that died may have left the line in this form.
    private func isExplained(_ bad: BadLine, isTornEnd: Bool, in file: FileOfJournal) -> Bool {
        if bad.line.isHoled { return true }
        let begins = JournalLine.beginsLikeOne(bad.line.bytes[...])
        // A file without a valid line may be foreign, even if it has a single line.
        if file.goodLines == 0 {
            return begins && (!bad.line.isEnded || isTornEnd && !JournalLine.looksWhole(bad.line.bytes))
        }
        // Records below the requested number are in a segment; a line with another beginning is the rest of one.
        return isTornEnd || bad.sequence < from || !begins
    }
}
