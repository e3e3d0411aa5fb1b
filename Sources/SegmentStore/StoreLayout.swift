import Basics

/// The paths in a store's directory.
struct StoreLayout: Sendable {
    /// Advice about a file that is not the store's own.
    static let foreignRemedy = "Move it out of the store: retort opens only files that it has written."

    let root: String
    /// The directory of sorted runs, if it is not the index's: an index built for one reading.
    var scratch: String?

    init(root: String, scratch: String? = nil) {
        self.root = root
        self.scratch = scratch
    }

    var manifest: String { root + "/retort.json" }
    var lock: String { root + "/LOCK" }
    var mark: String { root + "/MARK" }
    var index: String { root + "/index" }
    var reserve: String { index + "/reserve" }
    var checkpoint: String { index + "/checkpoint" }
    var quarantine: String { root + "/quarantine" }
    /// The directory of superseded records, laid out like the store itself, without an index.
    var archive: StoreLayout { StoreLayout(root: root + "/superseded") }

    /// A directory beside the store, for what is not part of it yet or only temporary.
    static func sibling(of root: String, _ name: String) -> String {
        var root = root[...]
        while root.count > 1, root.hasSuffix("/") { root = root.dropLast() }
        return "\(root).\(name)"
    }

    func directory(_ lane: Lane) -> String { root + "/" + lane.directoryName }

    func segment(_ lane: Lane, _ number: UInt32) -> String {
        "\(directory(lane))/\(decimal(UInt64(number), digits: 6)).jsonl.gz"
    }

    /// `copy` distinguishes journals that begin with the same record: after a failed sync it is written again
    /// elsewhere.
    func journal(_ lane: Lane, firstSequence: UInt64, copy: Int = 0) -> String {
        "\(directory(lane))/\(journalName(firstSequence, copy: copy))"
    }

    func hints(_ lane: Lane, _ number: UInt32) -> String {
        "\(index)/\(hintsName(lane, number))"
    }

    func run(_ number: UInt64) -> String { "\(scratch ?? index)/\(runName(number))" }

    /// The number of a segment's file name; nil for other files.
    static func segmentNumber(_ name: String) -> UInt32? {
        guard name.hasSuffix(segmentSuffix), let number = UInt32(name.dropLast(segmentSuffix.count)),
            isSegment(number), name == decimal(UInt64(number), digits: 6) + segmentSuffix
        else { return nil }
        return number
    }

    static func isSegment(_ number: UInt32) -> Bool { (1...StoreLimits.segmentsMax).contains(number) }

    private static let segmentSuffix = ".jsonl.gz"

    /// The first sequence number of a journal's file name; nil for other files.
    static func journalSequence(_ name: String) -> UInt64? {
        guard isLikeJournal(name) else { return nil }
        let parts = name.dropFirst("journal-".count).dropLast(".jsonl".count).split(
            separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = UInt64(parts[0]), first <= StoreLimits.sequencesMax else { return nil }
        var copy = 0
        if parts.count == 2 {
            guard let number = Int(parts[1]), (1...StoreLimits.journalCopiesMax).contains(number) else { return nil }
            copy = number
        }
        return name == journalName(first, copy: copy) ? first : nil
    }

    /// Whether a file looks like a journal or a segment, even if no store would give it its name.
    static func isLikeJournal(_ name: String) -> Bool { name.hasPrefix("journal-") && name.hasSuffix(".jsonl") }

    static func isLikeSegment(_ name: String) -> Bool {
        name.hasSuffix(segmentSuffix) && name.dropLast(segmentSuffix.count).allSatisfy { $0.isNumber || $0 == "-" }
    }

    /// The number of a run's file name; nil for other files.
    static func runNumber(_ name: String) -> UInt64? {
        guard name.hasPrefix("run-"), name.hasSuffix(".idx"),
            let number = UInt64(name.dropFirst("run-".count).dropLast(".idx".count)),
            number <= StoreLimits.runNumberMax, name == runName(number)
        else { return nil }
        return number
    }

    static func isHints(_ name: String) -> Bool {
        for lane in Lane.allCases {
            let prefix = "hints-\(lane.directoryName)-"
            guard name.hasPrefix(prefix), name.hasSuffix(".log"),
                let number = UInt32(name.dropFirst(prefix.count).dropLast(".log".count)), isSegment(number)
            else { continue }
            return name == hintsName(lane, number)
        }
        return false
    }

    /// Whether a name is that of a file that will replace a segment or a hint log.
    static func isSuccessor(_ name: String) -> Bool {
        guard name.hasSuffix(Superseding.suffix) else { return false }
        let name = String(name.dropLast(Superseding.suffix.count))
        return segmentNumber(name) != nil || isHints(name)
    }

    /// Whether a store uses that name in `index/`, except for hint logs.
    static func isOfIndex(_ name: String) -> Bool {
        ["checkpoint", "checkpoint.tmp", "reserve"].contains(name) || runNumber(name) != nil
    }
}

private func runName(_ number: UInt64) -> String { "run-\(decimal(number, digits: 8)).idx" }

private func hintsName(_ lane: Lane, _ number: UInt32) -> String {
    "hints-\(lane.directoryName)-\(decimal(UInt64(number), digits: 6)).log"
}

private func journalName(_ first: UInt64, copy: Int) -> String {
    "journal-\(decimal(first, digits: 16))\(copy == 0 ? "" : "-\(copy)").jsonl"
}

private func decimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
