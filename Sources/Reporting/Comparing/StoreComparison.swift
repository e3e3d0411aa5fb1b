package import Basics
package import Dataset
import JSONText
import SegmentStore

/// One store's record of an item.
package struct ComparedRecord: Sendable, Hashable {
    package var isAnswered: Bool
    /// JSON texts, as written.
    package var response: [UInt8]
    package var toolCalls: [UInt8]
    /// The failure's class and message.
    package var failureClass: String
    package var error: String
    package var fingerprint: String
    /// Nanodollars; nil if unknown.
    package var cost: Int?
    package var completionTokens: Int
    package var milliseconds: Int
    /// The verdicts on the answer, by verifier name.
    package var verdicts: [String: StoredVerdict] = [:]

    package init(_ view: RecordView) {
        isAnswered = view.isSuccess
        response = Array(view.token(.response))
        toolCalls = view.json(.toolCalls)
        (failureClass, error) = (view.text(.failureClass), RunRecord.cut(view.text(.error)))
        fingerprint = view.text(.fingerprint)
        cost = view.cost
        completionTokens = max(0, view.usage(.completion))
        milliseconds = max(0, view.integer(.latency))
    }

    package func saysTheSame(as other: ComparedRecord) -> Bool {
        guard isAnswered == other.isAnswered else { return false }
        if !isAnswered { return failureClass == other.failureClass }
        return toolCalls == other.toolCalls && Self.isSameText(response, other.response)
    }

    /// Differently escaped forms of one text are equal.
    private static func isSameText(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        if a == b { return true }
        guard a.contains(UInt8(ascii: "\\")) || b.contains(UInt8(ascii: "\\")) else { return false }
        return JSONString.unescape(a[...]) == JSONString.unescape(b[...])
    }
}

/// An item whose records in the two stores differ.
package struct ComparedRow: Sendable {
    package enum Change: String, Sendable {
        case answer
        /// The answers are equal, and a verifier accepts only one of them.
        case verdict
        case failed
        case answered
        case failure
        case onlyA = "only_a"
        case onlyB = "only_b"
    }

    package var id: String
    package var sample: UInt32
    package var change: Change
    package var a: ComparedRecord?
    package var b: ComparedRecord?
}

/// Compares two stores row by row in constant memory: each record of the first is looked up in the second; for the
/// second, only its index is read, to find rows that the first lacks.
package struct StoreComparison {
    private let a: StoreReader
    private let b: StoreReader
    private let verdictsA: StoredVerdicts
    private let verdictsB: StoredVerdicts
    /// The verifiers that both stores may have.
    private let verifiers: [String]
    package private(set) var counts = ComparedCounts()

    package init(_ a: String, _ b: String) throws(RetortError) {
        self.a = try StoreReader(a, options: StoreAccess.options)
        self.b = try StoreReader(b, options: StoreAccess.options)
        (verdictsA, verdictsB) = (try StoredVerdicts(a), try StoredVerdicts(b))
        let ofB = Set(StoredVerdicts.verifiers(of: self.b.manifest))
        verifiers = StoredVerdicts.verifiers(of: self.a.manifest).filter(ofB.contains)
    }

    package mutating func run(_ onDifference: (ComparedRow) throws(RetortError) -> Void) throws(RetortError) {
        var counts = ComparedCounts()
        counts.damaged = a.damage.count + b.damage.count
        let parser = JSONParser()
        let (a, b) = (a, b)
        for lane in [Lane.responses, .failures] {
            try a.forEach(lane) { record throws(RetortError) in
                guard let root = try? parser.parse(record.line).root, let key = Self.key(root) else { return }
                let mine = try compared(root, key, verdictsA)
                var theirs: ComparedRecord?
                if let found = try b.record(key), let root = try? parser.parse(found.line).root {
                    theirs = try compared(root, key, verdictsB)
                }
                if let row = counts.add(key, mine, theirs) { try onDifference(row) }
            }
        }
        for lane in [Lane.responses, .failures] {
            try b.forEach(lane) { record throws(RetortError) in
                guard let root = try? parser.parse(record.line).root, let key = Self.key(root),
                    try a.lookup(key) == nil
                else { return }
                let row = counts.add(onlyB: key, try compared(root, key, verdictsB))
                try onDifference(row)
            }
        }
        self.counts = counts
    }

    private func compared(
        _ root: JSONValue, _ key: RecordKey, _ verdicts: StoredVerdicts
    ) throws(RetortError) -> ComparedRecord {
        let view = RecordView(root)
        var record = ComparedRecord(view)
        guard record.isAnswered else { return record }
        for name in verifiers {
            if let verdict = try verdicts.verdict(on: view, key, by: name) { record.verdicts[name] = verdict }
        }
        return record
    }

    private static func key(_ root: JSONValue) -> RecordKey? {
        guard let id = root[RecordMember.id.name]?.stringBytes else { return nil }
        return RecordKey(id: id, sample: UInt32(clamping: root[RecordMember.sample.name]?.int ?? 0))
    }
}
