import Basics
import JSONText
import ModelAPI
import PromptSource
import ResponseGenerator
import SegmentStore

/// Turns rows into items: gives each its key, leaves out what has an outcome, and notices what cannot be.
/// Used by one thread.
final class RowPlanner {
    /// What a row comes to.
    enum Plan {
        /// The samples that have no outcome yet; none when all have one.
        case items([Item<ItemContext>])
        /// One failure for each sample.
        case badRow([NewRecord], RetortError)
    }

    /// What was found of the rows that were planned.
    struct Findings: Sendable, Hashable {
        /// Items that had a success on disk, and items that had failed there.
        var done = 0
        var failed = 0
        /// Items whose request is not the one that was answered under their id.
        var changed = 0
        /// Items of bad rows that were recorded now.
        var bad = 0
    }

    let settings: RunSettings
    let input: InputSet
    let store: any KnownOutcomes
    let issued: IssuedKeys
    let standing: InputStanding
    private let codec: RecordCodec
    private let parser: PromptParser
    let splitter = JSONParser()
    /// The failure class that a row loses when it is mended.
    private let badInputClass: UInt8?
    var names = GeneratedNames()
    private(set) var findings = Findings()

    init(
        _ settings: RunSettings, input: InputSet, store: any KnownOutcomes, issued: IssuedKeys, codec: RecordCodec,
        standing: InputStanding
    ) {
        self.settings = settings
        self.input = input
        self.store = store
        self.issued = issued
        self.codec = codec
        self.standing = standing
        parser = PromptParser(input, template: settings.template)
        badInputClass = store.manifest.failureClasses.firstIndex(of: FailureClass.badInput.rawValue).map { UInt8($0) }
    }

    /// Throws `.badInput` when two rows have the same id, and, in strict mode, for a row that cannot be understood;
    /// `.configuration` for a changed row of an input that cannot be compared beforehand.
    func plan(_ row: Row) throws(RetortError) -> Plan {
        let known = (0..<UInt32(settings.samples)).count { standing.hasOutcome(row, sample: $0, of: settings.samples) }
        if known == settings.samples {
            findings.done += known
            return .items([])
        }
        let understood: (prompt: PromptRow, request: ModelRequest)
        do throws(RetortError) {
            let prompt = try parser.parse(row)
            understood = (prompt, try request(prompt.shape, row))
        } catch {
            if error.code != .badInput || settings.isStrict { throw error }
            return try badRow(row, error)
        }
        return .items(try items(of: understood.prompt, understood.request, row))
    }

    private func items(
        of prompt: PromptRow, _ request: ModelRequest, _ row: Row
    ) throws(RetortError) -> [Item<ItemContext>] {
        let asked = AskedText.members(prompt.shape, endpoint: settings.endpoint, with: splitter)
        let fingerprint = RequestBuilder.fingerprint(request)
        let tokens = TokenEstimate.tokens(of: request, completionTokensMax: settings.parameters.completionTokensMax)
        let id: [UInt8]
        if let own = prompt.explicitID { id = own } else { id = try generatedID(named(prompt), of: row) }
        let pricing = settings.pricing
        let price = pricing.price(of: prompt.shape, with: splitter)
        let costMax = try pricing.costMax(of: request, price: price, with: splitter) { input.place(of: row) }
        let namesModel = namesModel(prompt.shape)
        var items: [Item<ItemContext>] = []
        for sample in 0..<UInt32(settings.samples) {
            let key = RecordKey(id: id, sample: sample)
            guard try isWanted(key, row, fingerprint: fingerprint) else { continue }
            let context = ItemContext(
                key: key, row: row.number, fingerprint: fingerprint, asked: asked,
                metadata: prompt.metadata, request: request, price: price)
            items.append(
                Item(
                    request: request, context: context, estimatedTokens: tokens, costMax: costMax,
                    price: price ?? .free, namesModel: namesModel))
        }
        return items
    }

    /// Whether the row is of a batch and names a model other than the run's.
    private func namesModel(_ shape: PromptRow.Shape) -> Bool {
        guard case .batch(_, let body) = shape, let root = try? splitter.parse(Array(body)).root else { return false }
        return root["model"]?.string.map { $0 != settings.parameters.model } ?? false
    }

    /// Whether an item has to be asked; it is issued then.
    private func isWanted(_ key: RecordKey, _ row: Row, fingerprint: UInt64) throws(RetortError) -> Bool {
        if standing.hasOutcome(row, sample: key.sample, of: settings.samples) {
            findings.done += 1
            return false
        }
        let hash = key.hash
        // First issued, then looked up: an outcome that is stored in between is seen by the one or by the other.
        if let other = issued.insert(hash, row: row.number) { throw try duplicate(key, row, otherRow: other) }
        guard let entry = try store.lookup(hash) else { return true }
        if entry.recordStatus == badInput, standing.isMixed { return true }
        let isChanged = standing.isMixed && entry.fingerprint != UInt32(truncatingIfNeeded: fingerprint)
        if isChanged { findings.changed += 1 }
        // In a run they are superseded by now; a plan says what would be asked.
        if isChanged, settings.onChange == .rerun { return true }
        issued.remove([hash])
        if let other = try otherRow(of: key, row) { throw try duplicate(key, row, otherRow: other) }
        count(entry)
        // Files are compared before the first request.
        if isChanged, settings.onChange == .refuse, !input.isRepeatable { throw changed(1, at: input.place(of: row)) }
        return false
    }

    /// What a row without an id gets its name from.
    private func named(_ prompt: PromptRow) -> [UInt8] {
        AskedMembers.members(prompt.shape, endpoint: settings.endpoint, with: splitter)
    }

    private func count(_ entry: IndexEntry) {
        if entry.recordStatus == .ok { findings.done += 1 } else { findings.failed += 1 }
    }

    /// A row that cannot be asked: recorded as failed, unless it has been.
    private func badRow(_ row: Row, _ error: RetortError) throws(RetortError) -> Plan {
        let id = try idOfBadRow(row)
        var records: [NewRecord] = []
        for sample in 0..<UInt32(settings.samples) {
            let key = RecordKey(id: id, sample: sample)
            if standing.hasOutcome(row, sample: sample, of: settings.samples) {
                findings.failed += 1
            } else if let entry = try store.lookup(key) {
                count(entry)
            } else {
                records.append(codec.record(badRow: row, error, key: key))
            }
        }
        findings.bad += records.count
        return records.isEmpty ? .items([]) : .badRow(records, error)
    }

    // MARK: Comparing

    /// The outcomes of a row's items that are not those of what it asks now. Nothing is issued or counted; rows have to
    /// be given in order, so that those without an id get their names.
    func supersededEntries(of row: Row) throws(RetortError) -> [IndexEntry] {
        let prompt: PromptRow
        let fingerprint: UInt32
        do throws(RetortError) {
            prompt = try parser.parse(row)
            fingerprint = UInt32(truncatingIfNeeded: RequestBuilder.fingerprint(try request(prompt.shape, row)))
        } catch {
            if error.code != .badInput || settings.isStrict { throw error }
            return []
        }
        let id: [UInt8]
        if let own = prompt.explicitID {
            id = own
        } else {
            id = try generatedID(named(prompt), of: row)
        }
        var entries: [IndexEntry] = []
        for sample in 0..<UInt32(settings.samples) {
            guard let entry = try store.lookup(RecordKey(id: id, sample: sample)),
                entry.fingerprint != fingerprint, entry.recordStatus != badInput
            else { continue }
            entries.append(entry)
        }
        return entries
    }

    /// How a row ended that is to be asked as soon as it is mended.
    private var badInput: RecordStatus? { badInputClass.map { .failed(classIndex: $0) } }

    /// Whether a row asks something else than what was answered under its id. Nothing is issued or counted.
    func hasChanged(_ row: Row) throws(RetortError) -> Bool {
        let id: [UInt8]
        let fingerprint: UInt64
        do throws(RetortError) {
            let prompt = try parser.parse(row)
            // Other ids are made of what is asked.
            guard let own = prompt.explicitID else { return false }
            id = own
            fingerprint = RequestBuilder.fingerprint(try request(prompt.shape, row))
        } catch {
            if error.code != .badInput { throw error }
            return false
        }
        for sample in 0..<UInt32(settings.samples) {
            guard let entry = try store.lookup(RecordKey(id: id, sample: sample)) else { continue }
            if entry.recordStatus == badInput { continue }
            if entry.fingerprint != UInt32(truncatingIfNeeded: fingerprint) { return true }
        }
        return false
    }

    func changed(_ count: Int, at place: String) -> RetortError {
        RetortError(
            .configuration,
            count == 1 ? "1 row has changed under the same id" : "\(count) rows have changed under the same id",
            at: place, cause: count == 1 ? "it does not ask what was answered" : "they do not ask what was answered",
            remedy: "Give --on-change rerun to ask for them again (the old answers are set aside), --on-change keep to "
                + "keep the old answers, or --out another directory to ask everything anew.")
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
}
