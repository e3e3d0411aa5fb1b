package import Basics
import JSONText
package import PromptSource
package import SegmentStore

extension RowPlanner {
    /// Identical rows without an id are meant as samples: each gets the hash of what it asks and the next free number.
    package func generatedID(_ prompt: PromptRow, of row: Row) throws(RetortError) -> [UInt8] {
        let asked = AskedMembers.members(prompt.shape, endpoint: settings.endpoint, with: splitter)
        return try generatedID(AskedMembers.hash(asked, prompt.members, scheme, with: splitter), of: row)
    }

    private func generatedID(
        _ hash: UInt64, prefix: StaticString = "", of row: Row
    ) throws(RetortError) -> [UInt8] {
        guard !standing.isMixed else { return names.next(hash, prefix) }
        if let name = try nameSoFar(hash, prefix, row) { return name }
        // Rows before this one may have been passed over unread: the next name of which no sample is there.
        return try names.nextFree(hash, prefix) { (id) throws(RetortError) in
            for sample in 0..<UInt32(settings.samples) {
                let key = RecordKey(id: id, sample: sample).hash
                if issued.contains(key) { return true }
                if try store.lookup(key) != nil { return true }
            }
            return false
        }
    }

    /// The name of a row some of whose samples have outcomes: the first one that has these samples and no others. Of rows
    /// that ask the same it does not matter which one has which name.
    private func nameSoFar(_ hash: UInt64, _ prefix: StaticString, _ row: Row) throws(RetortError) -> [UInt8]? {
        let known = (0..<UInt32(settings.samples)).map { standing.hasOutcome(row, sample: $0, of: settings.samples) }
        guard known.contains(true) else { return nil }
        var number = 0
        while true {
            let name = GeneratedNames.name(hash, number, prefix)
            var (isAny, isIt) = (false, true)
            for (sample, isKnown) in known.enumerated() {
                let key = RecordKey(id: name, sample: UInt32(sample)).hash
                // First issued, then looked up, as a row's items are.
                let isIssued = issued.contains(key)
                let isThere = try store.lookup(key) != nil
                isAny = isAny || isIssued || isThere
                isIt = isIt && !isIssued && isThere == isKnown
            }
            if isIt { return name }
            guard isAny else { return nil }
            number += 1
        }
    }

    /// The row's own id where it can be made out, so that the row's answer takes the place of its failure once it is
    /// repaired; otherwise a name made of its text.
    package func idOfBadRow(_ row: Row) throws(RetortError) -> [UInt8] {
        if let own = row.readableID(with: splitter) {
            let hash = RecordKey(id: own).hash
            if !issued.contains(hash), try store.lookup(hash) == nil || standing.isMixed { return own }
        }
        return try generatedID(row.excerpt.withUnsafeBytes { ContentHash.hash64($0) }, prefix: "bad-", of: row)
    }

    // MARK: Duplicates

    package static let duplicatePrefix: StaticString = "duplicate-"

    package func hashOfDuplicate(_ id: [UInt8], _ row: Row) -> UInt64 {
        let seed = id.withUnsafeBytes { ContentHash.hash64($0) }
        return row.excerpt.withUnsafeBytes { ContentHash.hash64($0, seed: seed) }
    }

    /// The name under which a row is recorded whose own id another row has.
    package func idOfDuplicate(_ id: [UInt8], _ row: Row) throws(RetortError) -> [UInt8] {
        try generatedID(hashOfDuplicate(id, row), prefix: Self.duplicatePrefix, of: row)
    }

    /// Whether an earlier run has recorded the row as one whose id another row has.
    package func isKnownDuplicate(_ id: [UInt8], _ row: Row) throws(RetortError) -> Bool {
        guard standing.isMixed else { return false }
        let name = names.peek(hashOfDuplicate(id, row), Self.duplicatePrefix)
        return try store.lookup(RecordKey(id: name)) != nil
    }

    /// Of a row whose key an earlier run has sent in a batch with another request, whether it is another row. Throws
    /// `.configuration` where it is that very row, changed since, unless its answer is to be kept.
    package func isOther(_ key: RecordKey, _ row: Row, than sent: BatchKeys.Adopted) throws(RetortError) -> Bool {
        if try isKnownDuplicate(key.id, row) { return true }
        if row.number != sent.row, !standing.isMixed { return true }
        guard settings.onChange != .keep else { return false }
        throw RetortError(
            .configuration, "the prompt \(key) changed since it was sent in a batch", at: input.place(of: row),
            cause: "same id, different request",
            remedy: "Put the row back as it was until the batch has ended, or use --on-change keep to take its answer "
                + "for this row.")
    }

    /// The other row of this input that has the key whose outcome is on disk; nil when there is none that is known.
    package func otherRow(of key: RecordKey, _ row: Row) throws(RetortError) -> UInt64? {
        if standing.isMixed || input.isStore { return nil }
        let number = try recordedRows.row(of: key)
        return number == row.number ? nil : number
    }

    package func duplicate(_ key: RecordKey, _ row: Row, otherRow: UInt64?) throws(RetortError) -> RetortError {
        let id = String(decoding: key.id, as: UTF8.self)
        let place = try place(ofRow: otherRow, id: key.id, before: row)
        findings.duplicates += 1
        if findings.duplicatesShown.count < Findings.duplicatesShownMax {
            findings.duplicatesShown.append("\(id) (\(input.place(of: row)) and \(place))")
        }
        return RetortError(
            .badInput, "duplicate id \"\(id)\"", at: input.place(of: row), cause: "already used at \(place)",
            remedy:
                "Make the ids unique, or remove them (identical rows without an id are all sent); "
                + "then run the same command again: only what is new is sent.")
    }

    /// Other rows whose line is looked for by reading the input again; of more only the row is said.
    private static let placesFoundMax = 20

    /// Finds a row's line by reading the input again: this is the way of an error, and need not be quick.
    private func place(ofRow number: UInt64?, id: [UInt8], before row: Row) throws(RetortError) -> String {
        if input.isRepeatable, !input.isStore, placesFound < Self.placesFoundMax {
            placesFound += 1
            let reader = RowReader(input)
            while let other = try reader.next(), other.number < row.number {
                let isIt = number.map { $0 == other.number } ?? (other.readableID(with: splitter) == id)
                if isIt { return input.place(of: other) }
            }
        }
        return number.map { "row \($0 + 1)" } ?? "another row"
    }
}
