package import Basics
package import Dataset
package import JSONText
package import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// The generator's source of a retry: failure records turned back into the requests they were made of.
///
/// Records are read in the order in which they are stored, so that each block is read once.
package final class FailedItems: ItemSource {
    /// Items handed over at once.
    package static let batchItems = 256

    private struct State {
        var reader: StoreReader
        var entries: [IndexEntry]
        var position = 0
        /// Items that were read and ordered; the next one is last.
        var ready: [Item<ItemContext>] = []
        var isCancelled = false
        let parser = JSONParser()
        let prior: PriorRounds?
    }

    private let state: Locked<State>
    private let override: RequestOverride?
    private let edits: RequestEdits?
    private let told: ToldSchema?
    private let reuse: ReuseOptions?
    /// Makes a request ask for a stream; nil: no streams.
    private let streaming: RequestOverride?
    private let order: SendingOrder
    private let pricing: Pricing
    /// Items in batches in progress, which are left out; nil: there are none.
    private let batches: BatchKeys?
    private let model: String?
    private let start: WorkThread.Start
    package let count: Int

    /// The failures of these classes in the store at `root`, including records that a writer still has in its journal.
    /// `told` replaces the announced schema, `reuse` says which requests may share an answer, `streaming` makes
    /// requests ask for streams, `model` is the run's; `start` starts work that may block.
    package init(
        of root: String, classes: Set<FailureClass>, override: RequestOverride?, edits: RequestEdits? = nil,
        told: ToldSchema? = nil, reuse: ReuseOptions? = nil, order: SendingOrder = .input,
        streaming: RequestOverride? = nil, pricing: Pricing = .unknown, model: String? = nil,
        prior: sending PriorRounds? = nil, batches: BatchKeys? = nil, options: StoreOptions = StoreAccess.options,
        starting start: @escaping WorkThread.Start = { WorkThread.start($0) }
    ) throws(RetortError) {
        let (reader, entries) = try Self.failures(of: root, classes, options)
        self.start = start
        self.edits = edits
        self.batches = batches
        self.told = told
        self.reuse = reuse
        self.streaming = streaming
        self.order = order
        count = entries.count
        state = Locked(State(reader: reader, entries: entries, prior: prior))
        self.override = override
        self.pricing = pricing
        self.model = model
    }

    private static func failures(
        of root: String, _ classes: Set<FailureClass>, _ options: StoreOptions = StoreAccess.options
    ) throws(RetortError) -> (StoreReader, [IndexEntry]) {
        let reader = try StoreReader(root, options: options)
        let names = Set(classes.map(\.rawValue))
        let failureClasses = reader.failureClasses
        let entries = try reader.failedEntries().filter { entry in
            guard case .failed(let classIndex) = entry.recordStatus else { return false }
            return names.contains(failureClasses.name(classIndex))
        }
        return (reader, entries)
    }

    /// Maximum names of request members that are remembered.
    private static let namesMax = 1000

    /// The top-level members of these failures' requests.
    package static func names(of root: String, classes: Set<FailureClass>) throws(RetortError) -> Set<String> {
        let (reader, entries) = try failures(of: root, classes)
        let parser = JSONParser()
        var names: Set<String> = []
        for entry in entries where names.count < namesMax {
            let record = try reader.record(entry)
            guard let request = (try? parser.parse(record.line).root).flatMap({ RecordView($0).request }),
                let body = try? parser.parse(request.body).root
            else { continue }
            for (key, _) in body.members { if let name = key.string { names.insert(name) } }
        }
        return names
    }

    package func next() async throws(RetortError) -> [Item<ItemContext>]? {
        // Reads blocks: a thread per batch keeps blocking work off the executor.
        let batch: Result<[Item<ItemContext>]?, RetortError> = await withCheckedContinuation { continuation in
            start { [self] in continuation.resume(returning: readBatch()) }
        }
        return try batch.get()
    }

    /// Ends the source: the next batch is the last.
    package func cancel() { state.withLock { $0.isCancelled = true } }

    /// Calls do not overlap, so the lock is never contended.
    private func readBatch() -> Result<[Item<ItemContext>]?, RetortError> {
        state.withLock { state in
            guard !state.isCancelled else { return .success(nil) }
            do throws(RetortError) {
                if state.ready.isEmpty {
                    let items = try read(&state)
                    state.ready = order.sorted(items, with: state.parser).flatMap { $0 }.reversed()
                }
            } catch {
                return .failure(error)
            }
            guard !state.ready.isEmpty else { return .success(nil) }
            let batch = Array(state.ready.suffix(Self.batchItems).reversed())
            state.ready.removeLast(batch.count)
            return .success(batch)
        }
    }

    /// The items that are ordered together; none at the end.
    private func read(_ state: inout State) throws(RetortError) -> [Item<ItemContext>] {
        var items: [Item<ItemContext>] = []
        var bytes = 0
        let most = order == .input ? Self.batchItems : SendingOrder.windowItemsMax
        while state.position < state.entries.count, items.count < most, bytes < SendingOrder.windowBytesMax {
            let record = try state.reader.record(state.entries[state.position])
            let head = record.head
            if let batches, batches.standing(head.key.hash, row: head.row) != .none {
                state.position += 1
                continue
            }
            var item = try Self.item(record, override, edits, told: told, pricing, state.parser, model: model)
            item.reuseKey = reuse?.key(
                item.request, fingerprint: head.fingerprint, sample: head.key.sample, with: state.parser)
            try goOn(&item, record, state)
            if let body = streaming?.applied(to: item.request.body, with: state.parser) {
                item.request.body = body
                item.costMax = try costMax(of: item, state.parser)
            }
            items.append(item)
            bytes += item.request.body.count
            state.position += 1
        }
        return items
    }

    /// An earlier retry may have been answered without reaching an outcome: the item then continues from there, unless
    /// its request is changed.
    private func goOn(
        _ item: inout Item<ItemContext>, _ record: StoredRecord, _ state: State
    ) throws(RetortError) {
        guard let prior = state.prior else { return }
        item.history = ItemHistory(rounds: try prior.soFar(record.head.key))
        guard override == nil, edits == nil,
            let resumption = try prior.resumption(of: record.head.key, ofRow: { _ in true }),
            resumption.attempts > Int(record.head.attempts)
        else { return }
        item.resume(resumption)
        item.costMax = try costMax(of: item, state.parser)
    }

    private func costMax(of item: Item<ItemContext>, _ parser: JSONParser) throws(RetortError) -> Int {
        try pricing.costMax(of: item.request, price: item.context.price, with: parser) { "item \(item.context.key)" }
    }

    /// The item of a failure record. The context keeps the recorded request, so that an override applies to one retry
    /// and a later one sends what the job asks.
    ///
    /// Throws `.damagedData` if the record has no valid request.
    package static func item(
        _ record: StoredRecord, _ override: RequestOverride?, _ edits: RequestEdits? = nil, told: ToldSchema? = nil,
        _ pricing: Pricing, _ parser: JSONParser, model: String? = nil
    ) throws(RetortError) -> Item<ItemContext> {
        guard let view = (try? parser.parse(record.line).root).map(RecordView.init), let request = view.request else {
            throw RetortError(
                .damagedData, "the failure record of \(record.head.key) does not hold its request",
                remedy: "Run the job again with its input; `retort verify --deep` looks for more.")
        }
        var stored = ModelRequest(path: request.path, body: request.body)
        if let told { stored.body = told.applied(to: stored.body, with: parser) ?? stored.body }
        var sent = stored
        if let edits { sent.body = edits.applied(to: sent.body, with: parser) ?? sent.body }
        if let override { sent.body = override.applied(to: sent.body, with: parser) ?? sent.body }
        let price = pricing.price(ofBody: sent.body, with: parser)
        let costMax = try pricing.costMax(of: sent, price: price, with: parser) { "item \(record.head.key)" }
        let body = try? parser.parse(stored.body).root
        let limit = stored.completionTokensMax(in: body)
        let ownModel = body?["model"]?.string
        let context = ItemContext(
            key: record.head.key, row: record.head.row, fingerprint: record.head.fingerprint,
            asked: AskedText.members(of: view, with: parser), metadata: view.metadata, request: stored, price: price)
        var item = Item(
            request: sent, context: context,
            estimatedTokens: TokenEstimate.tokens(of: sent, completionTokensMax: limit),
            costMax: costMax, price: price ?? .free, priorAttempts: Int(record.head.attempts),
            namesModel: override == nil && model != nil && ownModel != nil && ownModel != model)
        item.model = ownModel ?? model ?? ""
        return item
    }
}
