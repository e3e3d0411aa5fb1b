import Basics
import JSONText
import ModelAPI
import PromptSource
import ResponseGenerator
import SegmentStore

/// Turns rows into items: gives each its key, leaves out what has an outcome, and notices what cannot be.
///
/// An input that is the one of the last run is known by its row numbers: rows with an outcome are not even parsed.
/// Another input is read from its start, and each key is looked up. Used by one thread.
final class RowPlanner {
    /// What a row comes to.
    enum Plan {
        case items([Item<ItemContext>])
        /// One failure for each sample.
        case badRow([NewRecord], RetortError)
    }

    private let settings: RunSettings
    private let input: InputSet
    private let store: RecordStore
    private let issued: IssuedKeys
    private let codec: RecordCodec
    private let parser: PromptParser
    private let splitter = JSONParser()
    /// The ledger as of opening, and whether its rows are this input's.
    private let ledger: RowLedger
    private let isKnownInput: Bool
    /// Rows without an id of their own, by their hash: how many there were.
    private var occurrences: [UInt64: Int] = [:]
    /// Items found on disk that the ledger does not know, because the input is another one.
    private(set) var foundItems = 0
    private(set) var changedItems = 0

    init(
        _ settings: RunSettings, input: InputSet, store: RecordStore, issued: IssuedKeys, codec: RecordCodec,
        isKnownInput: Bool
    ) {
        self.settings = settings
        self.input = input
        self.store = store
        self.issued = issued
        self.codec = codec
        self.isKnownInput = isKnownInput
        parser = PromptParser(input, template: settings.template)
        ledger = store.inputProgress.ledger
    }

    /// Throws `.badInput` when two rows have the same id, and, in strict mode, for a row that cannot be understood.
    func plan(_ row: Row) throws(RetortError) -> Plan {
        let samples = UInt64(settings.samples)
        if isKnownInput, (0..<samples).allSatisfy({ ledger.contains(row.number * samples + $0) }) { return .items([]) }
        do throws(RetortError) {
            let prompt = try parser.parse(row)
            return .items(try items(of: prompt, row))
        } catch {
            guard error.code == .badInput, !(error.message == Self.duplicateMessage) else { throw error }
            if settings.isStrict { throw error }
            return try badRow(row, error)
        }
    }

    private func badRow(_ row: Row, _ error: RetortError) throws(RetortError) -> Plan {
        // A bad row has no id that could be trusted: it is known by its number and its text.
        let hash = row.excerpt.withUnsafeBytes { ContentHash.hash64($0, seed: row.number) }
        let id = "row-\(row.number)-\(Hexadecimal.string(hash).prefix(8))"
        var records: [NewRecord] = []
        for sample in 0..<UInt32(settings.samples) {
            let key = RecordKey(id, sample: sample)
            if try store.lookup(key) != nil {
                store.noteFound(row: row.number, sample: sample)
            } else {
                records.append(codec.record(badRow: row, error, key: key))
            }
        }
        return records.isEmpty ? .items([]) : .badRow(records, error)
    }

    private func items(of prompt: PromptRow, _ row: Row) throws(RetortError) -> [Item<ItemContext>] {
        let request = try request(prompt.shape, row)
        let asked = asked(prompt.shape)
        let fingerprint = RequestBuilder.fingerprint(request)
        let tokens = TokenEstimate.tokens(of: request, completionTokensMax: settings.parameters.completionTokensMax)
        let id: [UInt8]
        if let own = prompt.explicitID { id = own } else { id = try generatedID(asked) }
        var items: [Item<ItemContext>] = []
        for sample in 0..<UInt32(settings.samples) {
            if isKnownInput, ledger.contains(row.number * UInt64(settings.samples) + UInt64(sample)) { continue }
            let key = RecordKey(id: id, sample: sample)
            let hash = key.hash
            if let entry = try store.lookup(hash) {
                if isKnownInput { throw try duplicate(key, row, otherRow: nil) }
                foundItems += 1
                store.noteFound(row: row.number, sample: sample)
                if entry.fingerprint != UInt32(truncatingIfNeeded: fingerprint) { changedItems += 1 }
                continue
            }
            if let other = issued.insert(hash, row: row.number) { throw try duplicate(key, row, otherRow: other) }
            let context = ItemContext(
                key: key, row: row.number, fingerprint: fingerprint, asked: asked, metadata: prompt.metadata,
                request: request)
            items.append(Item(request: request, context: context, estimatedTokens: tokens))
        }
        return items
    }

    private func request(_ shape: PromptRow.Shape, _ row: Row) throws(RetortError) -> ModelRequest {
        do throws(RetortError) {
            return try settings.builder.request(requestInput(shape), with: splitter)
        } catch {
            // The endpoint has no form for such a row: the row is at fault, not the run.
            var error = error
            error.code = .badInput
            error.place = input.place(of: row)
            throw error
        }
    }

    private func requestInput(_ shape: PromptRow.Shape) -> RequestInput {
        switch shape {
        case .chat(let messages): .messages(messages)
        case .prompt(let prompt): .prompt(prompt)
        case .fill(let prefix, let suffix): .infill(prefix: prefix, suffix: suffix)
        case .batch(let url, let body): .batchRow(url: url ?? "/v1" + settings.endpoint.path, body: body)
        }
    }

    /// The members of the record that say what was asked.
    private func asked(_ shape: PromptRow.Shape) -> [UInt8] {
        var members: [UInt8] = []
        func member(_ name: StaticString, _ value: some Sequence<UInt8>) {
            if !members.isEmpty { members.append(UInt8(ascii: ",")) }
            members.append(UInt8(ascii: "\""))
            name.withUTF8Buffer { members.append(contentsOf: $0) }
            members.append(contentsOf: "\":".utf8)
            members.append(contentsOf: value)
        }
        switch shape {
        case .chat(let messages): member("messages", messages)
        case .prompt(let prompt):
            if settings.endpoint == .completions {
                member("prompt", prompt)
            } else {
                member("messages", Array(#"[{"role":"user","content":"#.utf8) + prompt + Array("}]".utf8))
            }
        case .fill(let prefix, let suffix):
            member("prompt", prefix)
            member("suffix", suffix)
        case .batch(_, let body):
            let root = try? splitter.parse(body).root
            if let messages = root?["messages"]?.raw {
                member("messages", messages)
            } else {
                member("prompt", root?["prompt"]?.raw ?? body[...])
            }
        }
        return members
    }

    /// Identical rows without an id are meant as samples: each gets the hash of what it asks and the next free number.
    private func generatedID(_ asked: [UInt8]) throws(RetortError) -> [UInt8] {
        let hash = asked.withUnsafeBytes { ContentHash.hash64($0) }
        let name = Hexadecimal.string(hash)
        var occurrence = occurrences[hash] ?? 0
        if isKnownInput {
            // Rows before this one may have been skipped unparsed: the next number that nobody has.
            while try isTaken(RecordKey(Self.id(name, occurrence))) { occurrence += 1 }
            if occurrence > 0 { occurrences[hash] = occurrence + 1 }
        } else {
            occurrences[hash] = occurrence + 1
        }
        return Array(Self.id(name, occurrence).utf8)
    }

    private func isTaken(_ key: RecordKey) throws(RetortError) -> Bool {
        let hash = key.hash
        if issued.contains(hash) { return true }
        return try store.lookup(hash) != nil
    }

    private static func id(_ name: String, _ occurrence: Int) -> String {
        occurrence == 0 ? name : "\(name)-\(occurrence)"
    }

    private static let duplicateMessage = "two rows have the same id"

    private func duplicate(_ key: RecordKey, _ row: Row, otherRow: UInt64?) throws(RetortError) -> RetortError {
        var other = otherRow
        if other == nil { other = try StoreReader(settings.out).record(key)?.head.row }
        let first = try other.flatMap { number throws(RetortError) in try place(ofRow: number) }
        return RetortError(
            .badInput, Self.duplicateMessage, at: input.place(of: row),
            cause: "\(key) stands at \(first ?? "another row") already",
            remedy: "Give each row an id of its own, or leave the ids out; identical rows without an id are all asked.")
    }

    /// Finds a row's line by reading the input again: this is the way of an error, and need not be quick.
    private func place(ofRow number: UInt64) throws(RetortError) -> String? {
        guard input.files.allSatisfy({ $0.kind == .regular }) else { return "row \(number + 1)" }
        let reader = RowReader(input)
        while let row = try reader.next() {
            if row.number == number { return input.place(of: row) }
        }
        return nil
    }
}
