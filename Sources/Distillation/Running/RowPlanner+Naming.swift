package import Basics
import JSONText
package import PromptSource
package import SegmentStore

extension RowPlanner {
    /// Identical rows without an id are taken as samples: each gets the hash of its prompt and the next free number.
    package func generatedID(_ prompt: PromptRow, of row: Row) throws(RetortError) -> [UInt8] {
        let asked = AskedMembers.members(prompt.shape, endpoint: settings.endpoint, with: splitter)
        return try generatedID(AskedMembers.hash(asked, prompt.members, scheme, with: splitter), of: row)
    }

    private func generatedID(
        _ hash: UInt64, prefix: StaticString = "", of row: Row
    ) throws(RetortError) -> [UInt8] {
        guard !standing.isMixed else { return names.next(hash, prefix) }
        if let name = try nameSoFar(hash, prefix, row) { return name }
        // Rows before this one may have been skipped unread: the next name without any sample in the store.
        return try names.nextFree(hash, prefix) { (id) throws(RetortError) in
            for sample in 0..<UInt32(settings.samples) {
                let key = RecordKey(id: id, sample: sample).hash
                if issued.contains(key) { return true }
                if try store.lookup(key) != nil { return true }
            }
            return false
        }
    }

    /// The name of a row with outcomes for some samples: the first name with exactly these samples. It does not matter
    /// which of identical rows has which name.
    private func nameSoFar(_ hash: UInt64, _ prefix: StaticString, _ row: Row) throws(RetortError) -> [UInt8]? {
        let known = (0..<UInt32(settings.samples)).map { standing.hasOutcome(row, sample: $0, of: settings.samples) }
        guard known.contains(true) else { return nil }
        var number = 0
        while true {
            let name = GeneratedNames.name(hash, number, prefix)
            var (isAny, isIt) = (false, true)
            for (sample, isKnown) in known.enumerated() {
                let key = RecordKey(id: name, sample: UInt32(sample)).hash
                // Issued first and then looked up, like a row's items.
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

    /// The row's own id if it can be read, so that its answer replaces its failure once the row is corrected; otherwise
    /// a name made of its text.
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

    /// The name under which a row with another row's id is recorded.
    package func idOfDuplicate(_ id: [UInt8], _ row: Row) throws(RetortError) -> [UInt8] {
        try generatedID(hashOfDuplicate(id, row), prefix: Self.duplicatePrefix, of: row)
    }

    /// Whether an earlier run has recorded the row as a duplicate.
    package func isKnownDuplicate(_ id: [UInt8], _ row: Row) throws(RetortError) -> Bool {
        guard standing.isMixed else { return false }
        let name = names.peek(hashOfDuplicate(id, row), Self.duplicatePrefix)
        return try store.lookup(RecordKey(id: name)) != nil
    }

    /// Whether a row, whose key an earlier run has sent in a batch with another request, is another row. Throws
    /// `.configuration` if it is the same row in a changed form, unless its answer is kept.
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

    /// The other row of this input that has the key of an outcome on disk; nil if none is known.
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

    /// Maximum rows whose line is looked up by reading the input again; for others the message has only the row number.
    private static let placesFoundMax = 20

    /// Finds a row's line by reading the input again. Only used for errors, so it need not be fast.
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
