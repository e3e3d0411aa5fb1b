package import Basics
import CommandLine
package import Dataset
package import JSONText
package import ModelAPI
package import PromptSource
package import ResponseGenerator
package import SegmentStore

/// Turns rows into items: gives each its key, leaves out those with an outcome, and detects invalid rows. Used by one
/// thread.
package final class RowPlanner {
    /// The plan for a row.
    package enum Plan {
        /// The samples without an outcome; empty if all have one.
        case items([Item<ItemContext>])
        /// A failure for each sample.
        case badRow([NewRecord], RetortError)
        /// The row belongs to another shard.
        case otherShard
    }

    /// Counts over the planned rows.
    package struct Findings: Sendable, Hashable {
        /// Items with a success on disk, and items with a failure there.
        package var done = 0
        package var failed = 0
        /// Items whose request differs from the one answered under their id.
        package var changed = 0
        /// Items to send.
        package var new = 0
        /// Items with an outcome in another store.
        package var elsewhere = 0
        /// Items of bad rows that were recorded now.
        package var bad = 0
        /// Rows with another row's id, and the message about the first of them.
        package var duplicates = 0
        package var duplicatesShown: [String] = []

        package static let duplicatesShownMax = 10
    }

    package let settings: RunSettings
    package let input: InputSet
    package let store: any KnownOutcomes
    package let recordedRows: RecordedRows
    package let issued: IssuedKeys
    package let standing: InputStanding
    private let codec: RecordCodec
    /// The rounds that earlier runs have paid for items without an outcome; nil if there are none.
    private let prior: PriorRounds?
    /// Items in batches in progress; nil in a live run.
    private let batches: BatchKeys?
    package let parser: PromptParser
    package let splitter = JSONParser()
    package let scheme: RowScheme
    private var remarks = RowRemarks()
    /// The failure class that a row loses when it is corrected.
    private let badInputClass: UInt8?
    /// Whether the input was already compared with the store, so that no row can have changed.
    private let isCompared: Bool
    /// Selects this run's rows; nil: all.
    private let sieve: ShardSieve?
    private let siblings: SiblingStores?
    /// Keys with an outcome in another store: a second row with such a key is a duplicate.
    private var metElsewhere: Set<Hash128> = []
    /// Maximum keys remembered; beyond it, duplicates are not detected.
    private static let metElsewhereMax = 1 << 20
    package var names = GeneratedNames()
    /// Rows that wait for others to share a request with.
    package var groups: RowGroups
    package var findings = Findings()
    /// Number of rows whose line was looked up in the input.
    package var placesFound = 0

    package init(
        _ settings: RunSettings, input: InputSet, store: any KnownOutcomes, issued: IssuedKeys, codec: RecordCodec,
        standing: InputStanding, isCompared: Bool = false, siblings: SiblingStores? = nil, prior: PriorRounds? = nil,
        batches: BatchKeys? = nil
    ) {
        self.batches = batches
        self.siblings = siblings
        self.prior = prior
        self.isCompared = isCompared
        self.settings = settings
        self.input = input
        self.store = store
        recordedRows = RecordedRows(store)
        self.issued = issued
        self.codec = codec
        self.standing = standing
        scheme = RowScheme(store.manifest.job)
        parser = PromptParser(
            input, template: settings.template, metadataOnly: settings.metadataOnly, sendsMembers: scheme == .values,
            continues: settings.continues, fillKeys: settings.fill?.keys, sharesRequests: settings.items != nil)
        groups = RowGroups(count: settings.items?.count ?? 1)
        sieve = settings.shard.map { [parser, scheme, splitter] in ShardSieve($0, settings, parser, scheme, splitter) }
        badInputClass = store.manifest.failureClasses.firstIndex(of: FailureClass.badInput.rawValue).map { UInt8($0) }
    }

    /// A parsed row and its request.
    package typealias Understood = (prompt: PromptRow, request: ModelRequest)

    /// Throws `.badInput` in strict mode for a malformed row or a duplicate id; `.configuration` for a changed row of
    /// an input that could not be compared in advance.
    package func plan(_ row: Row) throws(RetortError) -> Plan {
        let known = (0..<UInt32(settings.samples)).count { standing.hasOutcome(row, sample: $0, of: settings.samples) }
        if known == settings.samples {
            findings.done += known
            return .items([])
        }
        var prompt: PromptRow
        let request: ModelRequest
        var isTaken: Bool?
        do throws(RetortError) {
            prompt = try parser.parse(row)
            isTaken = sieve?.takes(prompt) ?? true
            if isTaken == false { return .otherShard }
            request = try self.request(&prompt, row)
        } catch {
            guard isTaken ?? sieve?.takes(badRow: row) ?? true else { return .otherShard }
            if error.code != .badInput || settings.isStrict { throw error }
            return try badRow(row, error, id: try idOfBadRow(row))
        }
        remarks.note(prompt)
        return try plan(prompt, request, row)
    }

    /// Parses the row. Throws `.badInput` if it cannot be sent.
    package func understand(_ row: Row) throws(RetortError) -> Understood {
        var prompt = try parser.parse(row)
        return (prompt, try request(&prompt, row))
    }

    /// Remarks on the rows since the last call.
    package func takeRemarks() -> [String] { remarks.take() }

    private func plan(_ prompt: PromptRow, _ request: ModelRequest, _ row: Row) throws(RetortError) -> Plan {
        let sent = told(request, prompt)
        let tools = prompt.members.first { $0.name == "tools" }?.value ?? settings.tools[...]
        let asked = AskedText.members(prompt.shape, endpoint: settings.endpoint, tools: tools, with: splitter)
        let fingerprint = scheme.fingerprint(request, settings.builder, with: splitter)
        let tokens = TokenEstimate.tokens(
            of: sent, completionTokensMax: prompt.completionTokensMax ?? settings.parameters.completionTokensMax)
        let id: [UInt8]
        if let own = prompt.explicitID { id = own } else { id = try generatedID(prompt, of: row) }
        let pricing = settings.pricing
        let price = pricing.price(ofModel: prompt.model)
        let costMax = try pricing.costMax(of: sent, price: price, with: splitter) { input.place(of: row) }
        let namesModel = prompt.model.map { $0 != settings.parameters.model } ?? false
        var items: [Item<ItemContext>] = []
        var elsewhere = 0
        for sample in 0..<UInt32(settings.samples) {
            let key = RecordKey(id: id, sample: sample)
            switch try standing(of: key, row, request, fingerprint: fingerprint) {
            case .known: continue
            case .elsewhere:
                elsewhere += 1
                continue
            case .wanted: break
            case .duplicate(let other):
                let error = try duplicate(key, row, otherRow: other)
                if settings.isStrict { throw error }
                return try badRow(row, error, id: try idOfDuplicate(id, row))
            }
            let context = ItemContext(
                key: key, row: row.number, fingerprint: fingerprint, asked: asked,
                metadata: prompt.metadata, request: sent, price: price)
            var item = Item(
                request: sent, context: context, estimatedTokens: tokens, costMax: costMax,
                price: price ?? .free, namesModel: namesModel)
            let resumption = try prior?.resumption(of: key) { stored in
                scheme.matches(
                    UInt32(truncatingIfNeeded: stored), fingerprint, request, settings.builder, with: splitter)
            }
            item.model = prompt.model ?? settings.parameters.model
            item.reuseKey = settings.reuse?.key(sent, fingerprint: fingerprint, sample: sample, with: splitter)
            if let resumption {
                item.resume(resumption)
                item.costMax = try pricing.costMax(of: item.request, price: price, with: splitter) {
                    input.place(of: row)
                }
            }
            items.append(item)
        }
        findings.new += items.count
        findings.elsewhere += elsewhere
        if settings.choices > 1 { try share(&items, prompt, row) }
        return .items(settings.items == nil ? items : try grouped(items, prompt, row))
    }

    /// The request with the instructions that announce the schema. They do not count for comparisons, and a batch row
    /// is sent unchanged.
    private func told(_ request: ModelRequest, _ prompt: PromptRow) -> ModelRequest {
        guard let text = settings.items?.demand(1) ?? settings.instructions else { return request }
        if case .batch = prompt.shape { return request }
        return AddedInstructions.request(request, saying: text, in: settings.builder.dialect, with: splitter) ?? request
    }

    /// What to do with an item.
    private enum ItemStanding {
        /// It has its outcome.
        case known
        /// It must be sent, and has been issued.
        case wanted
        /// Another store has its outcome.
        case elsewhere
        /// Another row has its key; its number is given if known.
        case duplicate(of: UInt64?)
    }

    private func standing(
        of key: RecordKey, _ row: Row, _ request: ModelRequest, fingerprint: UInt64
    ) throws(RetortError) -> ItemStanding {
        if standing.hasOutcome(row, sample: key.sample, of: settings.samples) {
            findings.done += 1
            return .known
        }
        let hash = key.hash
        if let sent = batches?.adopted(hash) {
            let isSame = scheme.matches(sent.fingerprint, fingerprint, request, settings.builder, with: splitter)
            if !isSame, try isOther(key, row, than: sent) { return .duplicate(of: sent.row) }
        }
        // Issued first and then looked up: an outcome stored in between is seen by one of the two.
        if let other = issued.insert(hash, row: row.number) {
            return batches != nil && other == BatchKeys.unknownRow ? .known : .duplicate(of: other)
        }
        switch batches?.standing(hash, row: row.number) ?? .none {
        case .none: break
        case .underWay:
            issued.remove([hash])
            return .known
        case .duplicate(let other):
            issued.remove([hash])
            return .duplicate(of: other)
        }
        guard let entry = try store.lookup(hash) else {
            return try standingElsewhere(of: key, row, request, fingerprint: fingerprint)
        }
        if entry.recordStatus == badInput, standing.isMixed { return .wanted }
        let isChanged =
            standing.isMixed
            && !scheme.matches(entry.fingerprint, fingerprint, request, settings.builder, with: splitter)
        if isChanged {
            if try isKnownDuplicate(key.id, row) {
                issued.remove([hash])
                return .duplicate(of: nil)
            }
            findings.changed += 1
            // Rows are compared before the first request, so a difference now means that it was answered in this run.
            if settings.onChange != .keep, input.isRepeatable, isCompared {
                issued.remove([hash])
                return .duplicate(of: nil)
            }
            // A plan counts what would be sent.
            if settings.onChange == .rerun { return .wanted }
        }
        issued.remove([hash])
        if let other = try otherRow(of: key, row) { return .duplicate(of: other) }
        count(entry)
        if isChanged, settings.onChange == .refuse, !input.isRepeatable || input.isStore && !isCompared {
            throw changed(1, at: input.place(of: row))
        }
        return .known
    }

    /// Whether another store has the outcome of an item that was just issued; it is then no longer in progress. Throws
    /// `.configuration` if the outcome belongs to another request, unless old answers are kept.
    private func standingElsewhere(
        of key: RecordKey, _ row: Row, _ request: ModelRequest, fingerprint: UInt64
    ) throws(RetortError) -> ItemStanding {
        let hash = key.hash
        guard let siblings, let (entry, root) = try siblings.lookup(hash) else { return .wanted }
        if entry.recordStatus == badInput { return .wanted }
        issued.remove([hash])
        if metElsewhere.contains(hash) { return .duplicate(of: nil) }
        if !scheme.matches(entry.fingerprint, fingerprint, request, settings.builder, with: splitter) {
            let twin = names.peek(hashOfDuplicate(key.id, row), Self.duplicatePrefix)
            if try siblings.lookup(RecordKey(id: twin).hash) != nil { return .duplicate(of: nil) }
            guard settings.onChange == .keep else { throw changedElsewhere(key, row, root) }
        }
        if metElsewhere.count < Self.metElsewhereMax { metElsewhere.insert(hash) }
        return .elsewhere
    }

    private func changedElsewhere(_ key: RecordKey, _ row: Row, _ root: String) -> RetortError {
        RetortError(
            .configuration, "the prompt \(key) changed since it was answered in another store",
            at: input.place(of: row), cause: "same id, different request in \(root)",
            remedy: "Use --on-change keep to keep that answer, or leave the store out of --siblings to send it again.")
    }

    /// Rows of this shard, once the input has been read to its end. If reading began after its start, the rows before
    /// are counted by the store's outcomes.
    ///
    /// - Parameter held: outcomes in the store before the run.
    package func rowsOfShard(held: UInt64) -> UInt64 {
        let asked = findings.new + findings.bad + findings.elsewhere
        let known = standing.isMixed ? UInt64(findings.done + findings.failed) : held
        return (known + UInt64(asked)) / UInt64(settings.samples)
    }

    private func count(_ entry: IndexEntry) {
        if entry.recordStatus == .ok { findings.done += 1 } else { findings.failed += 1 }
    }

    /// A row that cannot be sent: recorded as failed, unless it was already.
    private func badRow(_ row: Row, _ error: RetortError, id: [UInt8]) throws(RetortError) -> Plan {
        var records: [NewRecord] = []
        for sample in 0..<UInt32(settings.samples) {
            let key = RecordKey(id: id, sample: sample)
            if standing.hasOutcome(row, sample: sample, of: settings.samples) {
                findings.failed += 1
            } else if let entry = try store.lookup(key) {
                count(entry)
            } else if try siblings?.lookup(key.hash) != nil {
                findings.elsewhere += 1
            } else {
                records.append(codec.record(badRow: row, error, key: key))
            }
        }
        findings.bad += records.count
        return records.isEmpty ? .items([]) : .badRow(records, error)
    }

    /// The status of a row that is sent as soon as it is corrected.
    package var badInput: RecordStatus? { badInputClass.map { .failed(classIndex: $0) } }

    package func changed(_ count: Int, at place: String) -> RetortError {
        RetortError(
            .configuration,
            "\(Human.plural(count, "prompt")) changed since \(count == 1 ? "it was" : "they were") answered",
            at: place, cause: "same id, different request",
            remedy:
                "Use --on-change rerun to send \(count == 1 ? "it" : "them") again (old answers move to superseded/), "
                + "--on-change keep to keep the old answers, or a new --out directory to start over.")
    }

    /// The request of a row. A batch row without a model gets the job's.
    private func request(_ prompt: inout PromptRow, _ row: Row) throws(RetortError) -> ModelRequest {
        if prompt.model == nil {
            if settings.parameters.model.isEmpty {
                var error = ParameterOptions.noModel
                error.code = .badInput
                error.place = input.place(of: row)
                throw error
            }
            if scheme == .values, case .batch(let url, let body) = prompt.shape {
                prompt.shape = .batch(url: url, body: bodyWithModel(body))
            }
        }
        do throws(RetortError) {
            if settings.instructions != nil, case .fill = prompt.shape {
                throw RetortError(
                    .badInput, "a gap to fill in has no place for the instructions of --schema-by prompt",
                    remedy: "Give --schema-by response-format or none.")
            }
            if case .batch(let url?, _) = prompt.shape, scheme == .values { try settings.builder.checkBatch(url) }
            try checkChoices(prompt.shape)
            try checkItem(prompt)
            let members =
                prompt.members.isEmpty ? [] : prompt.members.map { BodyMember(name: $0.name, value: $0.value) }
            return try settings.builder.request(requestInput(prompt.shape), members: members, with: splitter)
        } catch {
            // The endpoint has no form for such a row: the row is at fault, not the run.
            var error = error
            error.code = .badInput
            error.place = input.place(of: row)
            throw error
        }
    }

    private func bodyWithModel(_ body: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var output = Array(#"{"model":"#.utf8)
        JSONString.append(settings.parameters.model, to: &output)
        let rest = body.dropFirst().drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        if rest.first != UInt8(ascii: "}") { output.append(UInt8(ascii: ",")) }
        return (output + rest)[...]
    }

    package func requestInput(_ shape: PromptRow.Shape) -> RequestInput {
        switch shape {
        case .chat(let messages): .messages(messages)
        case .prompt(let prompt): .prompt(prompt)
        case .fill(let prefix, let suffix):
            settings.fill?.input(prefix: prefix, suffix: suffix) ?? .infill(prefix: prefix, suffix: suffix)
        case .batch(let url, let body):
            .batchRow(url: url ?? settings.builder.dialect.batchURL, body: body)
        }
    }
}
