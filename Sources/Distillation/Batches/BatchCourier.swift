package import Basics
package import BatchDelivery
package import Dataset
import HTTPTransport
package import JSONText
import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// Sends items in batches and records the results: carries out the actions of each batch's state machine. Confined to
/// one task; `stop` may be called from any thread.
package final class BatchCourier {
    package struct Parts {
        package var settings: RunSettings
        package var batch: BatchSettings
        package var store: RecordStore
        package var recorder: Recorder
        package var issued: IssuedKeys
        package var keys: BatchKeys
        package var caller: BatchCaller
        package var clock: LoopClock
        /// Whether the items have failed before.
        package var isRetry = false
        package var say: @Sendable (String) -> Void
        package var publish: (Progress) -> Void
    }

    package let parts: Parts
    package let journal: BatchJournal
    package var packs: BatchPacks
    package var books: BatchBooks
    package var flights: [BatchFlight] = []
    package let parser = JSONParser()
    /// Why no more requests are sent.
    package var error: RetortError?
    /// The last call's error, as reported.
    package var trouble = ""
    package var hasReached = false
    /// Calls in a row that reached no server, before any server was reached.
    package var unreached = 0
    /// Number of items that stay pending in this run.
    package var left = 0
    /// No batch is created before this time, because the provider's queue is full.
    package var holdUntil: Instant?
    private var waiting: [Item<ItemContext>] = []
    private var isSourceAtEnd = false
    private let stopAsked: Locked<Bool>
    /// The times at which a leg of a run ends; nil: it has no end of its own.
    private let times: (cutoff: Instant, giveUp: Instant)?
    /// Rows packed in this leg.
    private var taken = 0
    /// Whether the cutoff has passed.
    package private(set) var isCut = false
    /// Answers to rows that were also answered live: their number and cost.
    package var twice = (answers: 0, nanodollars: 0)
    /// Whether the batch journal states the uncertain part of the mark.
    private(set) var ownsMark = false

    /// Maximum sleep between two checks for a signal.
    private static let nap = Interval.milliseconds(200)
    /// Maximum batches that are packed and not sent yet.
    private static let closedMax = BulkLanes.count
    /// The delay after a lost call before the provider's lists are first trusted.
    private static let settling = Interval.seconds(2)
    /// Maximum interval between two status calls for a batch that is being cancelled.
    private static let cancelPollMax = Interval.seconds(2)
    private static let backoffMax = Interval.seconds(60)
    private static let queueWaitMax = Interval.seconds(600)

    package init(_ parts: Parts, _ journal: BatchJournal, _ books: BatchBooks, stopAsked: Locked<Bool>)
        throws(RetortError)
    {
        self.parts = parts
        self.journal = journal
        self.books = books
        self.stopAsked = stopAsked
        packs = BatchPacks(journal.directory, parts.batch.dialect)
        times = parts.batch.leg?.times(at: parts.clock.now, wall: wallClock())
        isCut = times.map { $0.cutoff <= parts.clock.now } ?? false
    }

    package var now: Instant { parts.clock.now }
    package var isStopping: Bool { stopAsked.withLock { $0 } }

    // MARK: Batches of earlier runs

    /// Takes over the open batches. Call it before rows are planned.
    package func adopt() throws(RetortError) {
        BatchFiles.removeLeftovers(journal.directory)
        var asked: [BatchKeys.Adopted] = []
        // The cost as noted when the batches were planned, and as computed now.
        var (noted, reserved) = (0, 0)
        var outcomes = BatchOutcomes(parts.store)
        for standing in journal.open {
            try checkJob(of: standing)
            var keys: [(hash: UInt64, row: UInt64)] = []
            try BatchItemIndex.forEach(journal.items(standing.number)) { item throws(RetortError) in
                let hash = RecordKey(id: item.id, sample: item.sample).hash
                guard try !outcomes.has(item) else { return }
                keys.append((hash.low, BatchKeys.unknownRow))
                asked.append(
                    BatchKeys.Adopted(
                        hash: hash.low, row: item.row, fingerprint: UInt32(truncatingIfNeeded: item.fingerprint)))
                guard standing.overtaken == nil else { return }
                noted = noted.addingSaturated(item.costMax)
                reserved = reserved.addingSaturated(try priced(item).costMax)
            }
            // If rows are also sent live, it is unknown whether the batch has answered them.
            noted = noted.addingSaturated(standing.overtaken ?? 0)
            reserved = reserved.addingSaturated(standing.overtaken ?? 0)
            parts.keys.add(standing.number, keys)
            let machine = BatchMachine(
                hasFiles: parts.batch.dialect.hasFiles, forgets: parts.batch.forgets,
                repacks: isLarge(standing.plan), isLate: isCut, from: standing)
            let flight = BatchFlight(standing.number, standing.plan, machine, pending: keys.count)
            flight.overtaken = standing.overtaken
            flights.append(flight)
            parts.say(BatchText.adopted(standing))
        }
        parts.keys.adopt(asked)
        books.adopt(uncertain: uncertain(beside: noted), reserved: reserved)
        try writeMark()
    }

    /// The part of the mark that no open batch explains.
    /// - Parameter noted: the maximum cost of the open batches, as noted.
    private func uncertain(beside noted: Int) -> Int {
        let known = journal.uncertain
        // A kill may have happened after records were written and before the mark was lowered for them.
        if let known, MarkOwner.of(parts.store) == .batches { return known }
        return max(0, Int(clamping: parts.store.mark) - noted, known ?? 0)
    }

    private func checkJob(of standing: BatchStanding) throws(RetortError) {
        let job = standing.plan.job
        guard !job.isEmpty, job != BatchGuard.jobMark(parts.store.manifest.job) else { return }
        throw RetortError(
            .configuration, "batch \(standing.number) was sent by another job", at: parts.settings.out,
            remedy: "Put the store's manifest back as it was when the batch was sent.")
    }

    /// Whether a batch is larger than those that this run creates.
    private func isLarge(_ plan: BatchPlan) -> Bool {
        let limits = parts.batch.dialect.limits
        return plan.requests > 1
            && (plan.requests > limits.requestsMax || limits.tokensMax.map { plan.tokens > $0 } ?? false)
    }

    /// In a run without a cap no cost was reserved for an item: its maximum is computed from the request body. Throws
    /// `.configuration` if it is unbounded.
    package func priced(_ item: BatchItem) throws(RetortError) -> BatchItem {
        guard item.costMax == 0, parts.settings.pricing.limit != nil else { return item }
        var item = item
        item.costMax = try parts.settings.pricing.costMax(
            of: item.request, price: price(of: item), with: parser
        ) { String(decoding: item.id, as: UTF8.self) }
        return item
    }

    package func writeMark() throws(RetortError) {
        if Int64(books.mark) != parts.store.mark { try parts.store.setMark(Int64(books.mark)) }
    }

    // MARK: The loop

    package func run(_ source: some ItemSource<ItemContext>) async -> RunSummary {
        do throws(RetortError) {
            while !isStopping {
                cutIfLate()
                // The status of each batch is read once, even after the deadline.
                try await advance()
                if try leaveBehind() { break }
                try await fill(from: source)
                if error == nil, isInTime { try launch() } else { discard() }
                publish()
                if flights.isEmpty, packs.isEmpty, isSourceAtEnd || error != nil || !takesRows || hasFilled { break }
                if isSubmitted { break }
                try await rest()
            }
        } catch {
            self.error = self.error ?? error
        }
        discard()
        do throws(RetortError) { try writeMark() } catch { self.error = self.error ?? error }
        publish()
        let isWhole = !isStopping && left == 0
        let ending: RunSummary.Ending = error != nil ? .failed : isWhole ? .completed : .stopped
        return RunSummary(ending: ending, error: error, progress: books.progress, unsaved: 0)
    }

    // MARK: The end of a leg

    /// Whether a batch created now is expected to end in time.
    package var isInTime: Bool {
        guard let times, let leg = parts.batch.leg else { return true }
        return !isCut && now + leg.expected <= times.cutoff
    }

    private var takesRows: Bool { isInTime && parts.batch.leg?.kind != .collect }

    private var hasFilled: Bool { parts.batch.leg.map { taken >= $0.itemsMax } ?? false }

    /// Whether the leg was only for submitting, and everything is submitted.
    private var isSubmitted: Bool {
        guard parts.batch.leg?.kind == .submit, packs.isEmpty, isSourceAtEnd || hasFilled || !takesRows else {
            return false
        }
        return flights.allSatisfy { $0.machine.isSubmitted || $0.due != nil }
    }

    /// Cancels what is in progress once the cutoff has passed.
    private func cutIfLate() {
        guard let times, !isCut, now >= times.cutoff else { return }
        isCut = true
        guard !flights.isEmpty else { return }
        parts.say(BatchText.cut(flights.count))
        for flight in flights { flight.cut() }
    }

    /// Leaves batches behind that have not ended in time, after noting that their rows are sent live as well. False
    /// before that time.
    private func leaveBehind() throws(RetortError) -> Bool {
        guard let times, isCut, now >= times.giveUp, !flights.isEmpty else { return false }
        var outcomes = BatchOutcomes(parts.store)
        for flight in flights where flight.overtaken == nil {
            var (cost, rows) = (0, 0)
            try BatchItemIndex.forEach(journal.items(flight.number)) { item throws(RetortError) in
                guard try !outcomes.has(item) else { return }
                cost = cost.addingSaturated(try priced(item).costMax)
                rows += 1
            }
            try note(flight.number, .overtaken(cost: cost))
            parts.say(BatchText.overtaken(flight.number, rows: rows, cost: cost))
        }
        left += flights.reduce(0) { $0 + $1.pending }
        flights = []
        return true
    }

    /// Drops what is packed and not sent.
    private func discard() {
        guard !packs.isEmpty else { return }
        left += packs.requests
        packs.discard()
        books.discard()
    }

    package func publish() {
        let inFlight = flights.reduce(0) { $0 + $1.pending }
        parts.publish(books.report(inFlight: inFlight, waiting: packs.requests, at: now))
    }

    /// Advances every batch as far as possible without waiting.
    private func advance() async throws(RetortError) {
        // Batches that are due within a moment of each other make their calls together.
        let slack = min(Self.nap, parts.batch.poll * 0.125)
        for flight in flights {
            guard let due = flight.due, due <= now + slack else { continue }
            flight.due = nil
            flight.happened(.waited)
        }
        while true {
            var calling: [BatchFlight] = []
            for flight in flights {
                while flight.due == nil, !flight.isOver, !flight.makesCall {
                    // What is known of the provider is noted even when the run is stopping.
                    if isStopping, !flight.isNoting { break }
                    try await act(on: flight)
                }
                if flight.due == nil, !flight.isOver, flight.makesCall { calling.append(flight) }
            }
            if isStopping || calling.isEmpty { break }
            try await call(calling)
        }
        flights.removeAll(where: \.isOver)
    }

    /// Packs items until no more packs are needed.
    private func fill(from source: some ItemSource<ItemContext>) async throws(RetortError) {
        guard takesRows else { return try packs.closeAll() }
        while error == nil, !isStopping, packs.closed.count < Self.closedMax, !hasFilled {
            if waiting.isEmpty {
                if isSourceAtEnd { break }
                guard let items = try await source.next() else {
                    isSourceAtEnd = true
                    break
                }
                waiting = items.reversed()
            }
            while let item = waiting.last, !hasFilled {
                guard books.allows(item.costMax) else {
                    try starve(item.costMax)
                    return
                }
                waiting.removeLast()
                taken += 1
                var packed = BatchItem(item)
                packed.isRetry = parts.isRetry
                try pack(packed, row: item.context.row, key: item.context.key.hash)
            }
        }
        if isSourceAtEnd && waiting.isEmpty || hasFilled { try packs.closeAll() }
    }

    /// The rest of the budget is reserved: packed requests are sent, and if nothing is in progress the run ends.
    private func starve(_ cost: Int) throws(RetortError) {
        try packs.closeAll()
        if flights.isEmpty, packs.isEmpty { error = books.refusal(of: cost) }
    }

    /// Adds an item to a pack and reserves its maximum cost.
    package func pack(_ item: BatchItem, row: UInt64, key: Hash128) throws(RetortError) {
        let dialect = parts.batch.dialect
        guard dialect.takes(path: item.request.path) else { return try refuse(item, key) }
        var item = item
        if item.costMax == 0, parts.settings.pricing.limit == nil {
            item.costMax = parts.settings.pricing.bound(of: item.request, with: parser)?.nanodollars ?? 0
        }
        if packs.isEmpty { try journal.makeDirectory() }
        let model = (try? parser.parse(item.request.body).root)?["model"]?.string ?? ""
        try packs.add(item, model: model, key: key, row: row)
        books.reserve(item.costMax)
    }

    /// A row whose request cannot be in a batch fails; `retry` sends it live.
    private func refuse(_ item: BatchItem, _ key: Hash128) throws(RetortError) {
        let failure = ItemFailure(
            .badRequest, "\(parts.batch.dialect.name) takes no requests for \(item.request.path)")
        let context = ItemContext(
            key: RecordKey(id: item.id, sample: item.sample), row: item.row, fingerprint: item.fingerprint,
            asked: item.asked, metadata: item.metadata, request: item.request)
        let outcome = Outcome(
            context: context, result: .failure(failure), attempts: item.attempts, latency: .zero, finishedAt: now)
        books.count(outcome.result)
        _ = try parts.recorder.accept([outcome])
        parts.issued.remove([key])
    }

    /// Creates batches from the packs, as many as the provider's queue accepts.
    private func launch() throws(RetortError) {
        guard holdUntil.map({ $0 <= now }) ?? true else { return }
        holdUntil = nil
        while let pack = packs.closed.first, !isStopping {
            let underWay = flights.reduce(0) { $0.addingSaturated($1.plan.tokens) }
            if let most = parts.batch.dialect.limits.tokensMax, !flights.isEmpty,
                underWay.addingSaturated(pack.meter.tokens) > most
            {
                return
            }
            try plan()
        }
    }

    /// The plan is on disk before anything is sent, then the maximum cost.
    private func plan() throws(RetortError) {
        let number = journal.nextNumber
        let pack = try packs.take(as: number, journal)
        let plan = BatchPlan(
            name: "retort-\(Hexadecimal.string(pack.hash.high))\(Hexadecimal.string(pack.hash.low)).jsonl",
            mark: pack.mark, path: pack.path, window: parts.batch.window,
            server: parts.batch.server, requests: pack.meter.requests, bytes: pack.meter.bytes,
            tokens: pack.meter.tokens, costMax: pack.costMax, job: BatchGuard.jobMark(parts.store.manifest.job),
            model: pack.model)
        books.planned(pack.costMax)
        try note(number, .planned, plan)
        try writeMark()
        parts.keys.add(number, pack.keys.map { ($0.hash.low, $0.row) })
        parts.issued.remove(pack.keys.map(\.hash))
        flights.append(
            BatchFlight(
                number, plan,
                BatchMachine(hasFiles: parts.batch.dialect.hasFiles, forgets: parts.batch.forgets),
                pending: pack.meter.requests))
    }

    package func note(_ number: Int, _ stage: BatchStage, _ plan: BatchPlan? = nil) throws(RetortError) {
        try journal.append(
            BatchEntry(
                number: number, stage, time: Int(wallClockSeconds()), uncertain: books.uncertain, plan: plan))
        guard !ownsMark else { return }
        try MarkOwner.batches.take(parts.store)
        ownsMark = true
    }

    private func rest() async throws(RetortError) {
        guard flights.allSatisfy({ $0.due != nil }) else { return }
        let due = (flights.compactMap(\.due) + [holdUntil].compactMap(\.self)).min() ?? now
        await parts.clock.sleep(until: min(due, now + Self.nap))
    }

    /// The length of a pause.
    package func length(of pause: BatchMachine.Pause) -> Interval {
        switch pause {
        case .poll: isCut ? min(parts.batch.poll, Self.cancelPollMax) : parts.batch.poll
        case .settling(let looks):
            // With a shorter polling interval, lists are read more often, too.
            min(Self.settling * Double(1 << min(max(0, looks - 2), 5)), max(parts.batch.poll, .milliseconds(200)))
        case .queue(let tries, _): min(Self.queueWaitMax, parts.batch.poll * Double(1 << min(max(0, tries - 1), 6)))
        case .again(let tries):
            min(Self.backoffMax, min(parts.batch.poll, .seconds(1)) * Double(1 << min(tries - 1, 6)))
        }
    }
}

extension BatchItem {
    package init(_ item: Item<ItemContext>) {
        let context = item.context
        self.init(
            id: context.key.id, sample: context.key.sample, row: context.row, fingerprint: context.fingerprint,
            attempts: item.priorAttempts, corrections: item.history?.corrections ?? 0, tokens: item.estimatedTokens,
            costMax: item.costMax, namesModel: item.namesModel, roundsCount: item.history?.rounds.count ?? 0,
            roundsNanodollars: item.history?.rounds.nanodollars ?? 0, asked: context.asked, metadata: context.metadata,
            request: item.request)
    }
}
