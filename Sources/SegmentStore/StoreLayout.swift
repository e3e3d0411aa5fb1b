import Basics

/// The two sequences of records in a store.
public enum Lane: UInt8, Sendable, CaseIterable, Hashable {
    /// Successes only, one line per key.
    case responses = 0
    /// Failures, with what is needed to understand and repeat them.
    case failures = 1

    public var directoryName: String {
        switch self {
        case .responses: "responses"
        case .failures: "failures"
        }
    }
}

/// Where everything in a store's directory is.
struct StoreLayout: Sendable {
    let root: String
    /// Where sorted runs are, when that is not the index's directory: an index made for one reading.
    var scratch: String?

    init(root: String, scratch: String? = nil) {
        self.root = root
        self.scratch = scratch
    }

    var manifest: String { root + "/retort.json" }
    var lock: String { root + "/LOCK" }
    var index: String { root + "/index" }
    var reserve: String { index + "/reserve" }
    var checkpoint: String { index + "/checkpoint" }
    var quarantine: String { root + "/quarantine" }
    /// Where records are that gave way to others; laid out as the store itself, without an index.
    var archive: StoreLayout { StoreLayout(root: root + "/superseded") }

    /// A directory beside the store, for what is not part of it yet or only for a while.
    static func sibling(of root: String, _ name: String) -> String {
        var root = root[...]
        while root.count > 1, root.hasSuffix("/") { root = root.dropLast() }
        return "\(root).\(name)"
    }

    func directory(_ lane: Lane) -> String { root + "/" + lane.directoryName }

    func segment(_ lane: Lane, _ number: UInt32) -> String {
        "\(directory(lane))/\(decimal(UInt64(number), digits: 6)).jsonl.gz"
    }

    /// `copy` tells journals apart that begin with the same record: after a failed sync it is written again elsewhere.
    func journal(_ lane: Lane, firstSequence: UInt64, copy: Int = 0) -> String {
        let suffix = copy == 0 ? "" : "-\(copy)"
        return "\(directory(lane))/journal-\(decimal(firstSequence, digits: 16))\(suffix).jsonl"
    }

    func hints(_ lane: Lane, _ number: UInt32) -> String {
        "\(index)/hints-\(lane.directoryName)-\(decimal(UInt64(number), digits: 6)).log"
    }

    func run(_ number: UInt64) -> String { "\(scratch ?? index)/run-\(decimal(number, digits: 8)).idx" }

    /// The number of a segment's file name; nil for other files.
    static func segmentNumber(_ name: String) -> UInt32? {
        guard name.hasSuffix(".jsonl.gz"), let number = UInt32(name.dropLast(".jsonl.gz".count)),
            number <= StoreLimits.segmentsMax
        else { return nil }
        return number
    }

    /// The first sequence number of a journal's file name; nil for other files.
    static func journalSequence(_ name: String) -> UInt64? {
        guard name.hasPrefix("journal-"), name.hasSuffix(".jsonl") else { return nil }
        return UInt64(name.dropFirst("journal-".count).dropLast(".jsonl".count).prefix { $0 != "-" })
    }

    /// The number of a run's file name; nil for other files.
    static func runNumber(_ name: String) -> UInt64? {
        guard name.hasPrefix("run-"), name.hasSuffix(".idx") else { return nil }
        return UInt64(name.dropFirst("run-".count).dropLast(".idx".count))
    }
}

private func decimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
