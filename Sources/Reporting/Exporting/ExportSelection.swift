package import Basics
package import Dataset
package import Filtering
import JSONText
package import SegmentStore

/// Selects answers for an export by a condition, by verdicts, and by comparing an item's samples. Used by one thread.
package final class ExportSelection {
    /// The user's selection.
    package struct Wish {
        package var condition: WhereClause?
        /// The verifier of `pass` and `score`; nil if the store has no verdicts.
        package var verifier: String?
        /// Only the sample with the best score of each item.
        package var isBestOnly = false
        /// Only the first of equal texts of an item.
        package var isUnique = false

        package init() {}
    }

    /// Names that a condition may use.
    package static let fields = [
        "pass", "score", "feedback", "details", "id", "sample", "finish", "class", "model", "value", "metadata",
    ]

    private let wish: Wish
    private let verdicts: StoredVerdicts
    private let parser = JSONParser()
    /// The best answers of their items, by the hash of the key; nil if all may be exported.
    private var best: Set<Hash128>?
    /// Answers with the text of an earlier one of their item.
    private var repeated: Set<Hash128> = []

    /// Reads each record once if samples are compared. Throws the store's errors.
    package init(_ wish: Wish, _ reader: StoreReader) throws(RetortError) {
        self.wish = wish
        verdicts = try StoredVerdicts(reader.root)
        if wish.isBestOnly || wish.isUnique { try compare(reader) }
    }

    private func compare(_ reader: StoreReader) throws(RetortError) {
        struct Leader {
            var key: Hash128
            var sample: UInt32
            /// A pass is better than any rejection, whatever the score.
            var rank: (Int, Double)
        }
        var leaders: [Hash128: Leader] = [:]
        var texts: Set<Hash128> = []
        try reader.forEach(.responses) { record throws(RetortError) in
            guard let root = try? parser.parse(record.line).root else { return }
            let view = RecordView(root)
            let key = record.head.key
            let verdict = try self.verdict(view, key)
            guard holds(view, key, verdict) else { return }
            if wish.isUnique {
                let bytes = view.token(.response) + view.json(.toolCalls)
                let item = RecordKey(id: key.id).hash
                let text = bytes.withUnsafeBytes { ContentHash.hash128($0, seed: item.low ^ item.high) }
                guard texts.insert(text).inserted else {
                    repeated.insert(key.hash)
                    return
                }
            }
            guard wish.isBestOnly else { return }
            let item = RecordKey(id: key.id).hash
            let rank = verdict.map { ($0.pass ? 1 : 0, $0.score) } ?? (-1, 0)
            if let leader = leaders[item], leader.rank > rank || leader.rank == rank && leader.sample <= key.sample {
                return
            }
            leaders[item] = Leader(key: key.hash, sample: key.sample, rank: rank)
        }
        if wish.isBestOnly { best = Set(leaders.values.map(\.key)) }
    }

    /// Whether the record is selected; a record that is not JSON is not.
    package func takes(_ record: StoredRecord) throws(RetortError) -> Bool {
        guard let root = try? parser.parse(record.line).root else { return false }
        let view = RecordView(root)
        return holds(view, record.head.key, try verdict(view, record.head.key))
    }

    /// Throws the reason why the record is left out.
    package func check(_ view: RecordView) throws(LeftOut) {
        let key = RecordKey(
            id: view.member(.id)?.stringBytes ?? [], sample: UInt32(clamping: view.integer(.sample)))
        if repeated.contains(key.hash) { throw .repeated }
        if wish.condition != nil {
            // An unreadable verdict counts as missing: `retort verify` reports it.
            guard holds(view, key, (try? verdict(view, key)) ?? nil) else { throw .condition }
        }
        if let best, !best.contains(key.hash) { throw .notBest }
    }

    package func verdict(_ view: RecordView, _ key: RecordKey) throws(RetortError) -> StoredVerdict? {
        guard let verifier = wish.verifier else { return nil }
        return try verdicts.verdict(on: view, key, by: verifier)
    }

    /// Whether the condition is true for a record.
    package func holds(_ view: RecordView, _ key: RecordKey, _ verdict: StoredVerdict?) -> Bool {
        guard let condition = wish.condition else { return true }
        var values: [String: JSONValue?] = [:]
        func json(_ name: String, _ text: [UInt8]) -> JSONValue? {
            if let known = values[name] { return known }
            let value = text.isEmpty ? nil : try? parser.parse(text).root
            values[name] = .some(value)
            return value
        }
        return condition.holds { path in
            let rest = path.dropFirst()
            switch path[0] {
            case "pass": return rest.isEmpty ? verdict.map { .boolean($0.pass) } ?? .null : .null
            case "score": return rest.isEmpty ? verdict.map { .number($0.score) } ?? .null : .null
            case "feedback": return verdict.map { .text($0.feedback) } ?? .null
            case "details": return WhereValue(json("details", verdict?.details ?? []), at: rest)
            case "id": return .text(String(decoding: key.id, as: UTF8.self))
            case "sample": return .number(Double(key.sample))
            case "finish": return .text(view.text(.finishReason))
            case "class": return WhereValue(view.root[RecordMember.failureClass.name])
            case "model": return .text(view.text(.model))
            case "value": return WhereValue(json("value", view.json(.value)), at: rest)
            case "metadata": return WhereValue(json("metadata", view.metadata), at: rest)
            default: return .null
            }
        }
    }
}

extension ExportSelection.Wish {
    /// Whether everything is selected.
    package var isEmpty: Bool { condition == nil && !isBestOnly && !isUnique }

    /// The verifier to use. Throws `.usage` if the store has verdicts of several, or none and one is needed.
    package static func verifier(
        named name: String?, needed: Bool, of manifest: StoreManifest, at root: String
    ) throws(RetortError) -> String? {
        let known = StoredVerdicts.verifiers(of: manifest)
        if let name {
            guard known.contains(name) else {
                throw RetortError(
                    .usage, "the store has no verdicts of '\(name)'", at: root,
                    remedy: known.isEmpty
                        ? "Judge its answers first: retort evaluate."
                        : "It has those of: \(known.joined(separator: ", ")).")
            }
            return name
        }
        guard needed else { return known.first }
        guard let only = known.first else {
            throw RetortError(
                .usage, "no verifier has judged the store's answers", at: root,
                remedy: "Judge them first: retort evaluate \(root) --verifier tests.")
        }
        guard known.count == 1 else {
            throw RetortError(
                .usage, "several verifiers have judged the store's answers", at: root,
                remedy: "Say whose verdicts are meant: --verifier with one of \(known.joined(separator: ", ")).")
        }
        return only
    }
}
