package import Basics
package import BatchDelivery
package import Dataset
import HTTPTransport
import JSONText
package import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// Carries out the machines' actions.
extension BatchCourier {
    /// Results recorded together.
    private static let chunk = 256

    package func act(on flight: BatchFlight) async throws(RetortError) {
        let (number, plan, caller) = (flight.number, flight.plan, parts.caller)
        switch flight.action {
        case .note(let stage):
            // The first creation may have had an effect after all. It is counted only once, because an outage would
            // else use up the budget.
            if stage == .creating, journal.batches[number - 1].creations == 1 { books.doubt(plan.costMax) }
            try note(number, stage)
            if stage == .creating { try writeMark() }
            say(stage, flight)
            flight.happened(.noted)
        case .findFile: happened(await caller.findFile(plan.name), to: flight)
        case .findBatch(let except):
            let known = Set(journal.batches.filter { $0.number != number }.compactMap(\.batch) + except)
            happened(await caller.findBatch(journal.batches[number - 1], except: known), to: flight)
        case .create(let file):
            happened(await caller.create(plan.title, file: file, upload: journal.upload(number)), to: flight)
        case .cancel(let id):
            if !isCut { parts.say(BatchText.overdue(number)) }
            happened(await caller.cancel(id), to: flight)
        // Made together with the calls of other batches.
        case .upload, .look: break
        case .collect(let view, let isLast):
            guard let fetched = flight.fetched else { break }
            flight.fetched = nil
            if let event = try await collect(view, fetched, isLast: isLast, of: flight) { happened(event, to: flight) }
        case .release(let why):
            try await release(why, flight)
            flight.happened(.released)
        case .wait(let pause):
            flight.due = now + length(of: pause)
            guard case .queue(_, let words) = pause else { return }
            parts.say(BatchText.queueFull(flight.number, words))
            holdUntil = flight.due
        case .finished(let release): try finish(flight, release)
        case .stopped(let error):
            self.error = self.error ?? error
            flight.isOver = true
        }
    }

    /// Reports errors, once per kind, and ends the run soon if no server has answered at all.
    func happened(_ event: BatchMachine.Event, to flight: BatchFlight) {
        switch event {
        case .lost(let error), .unsent(let error):
            if trouble != error.description { parts.say(BatchText.trouble(flight.number, error)) }
            (trouble, books.progress.lastError) = (error.description, error.description)
            // An error with another code came from a server.
            if error.code != .io { hasReached = true }
            unreached += hasReached ? 0 : 1
            if unreached >= Self.unreachedMax { return flight.happened(.denied(error)) }
        case .busy:
            hasReached = true
            if trouble != BatchText.busy { parts.say("batch \(flight.number): \(BatchText.busy)") }
            trouble = BatchText.busy
        default:
            hasReached = true
            (trouble, books.progress.lastError) = ("", nil)
        }
        flight.happened(event)
    }

    /// Calls in a row without a reachable server, from the start of a run, after which the address counts as wrong.
    private static let unreachedMax = 5

    private func say(_ stage: BatchStage, _ flight: BatchFlight) {
        guard let line = BatchText.line(stage, journal.batches[flight.number - 1], now: Int(wallClockSeconds())) else {
            return
        }
        parts.say(line)
    }

    private func finish(_ flight: BatchFlight, _ release: BatchMachine.Release?) throws(RetortError) {
        flight.isOver = true
        parts.keys.remove(flight.number)
        try writeMark()
        journal.remove(journal.items(flight.number), journal.upload(flight.number))
        guard let release else { return }
        switch release {
        case .queueFull(let words):
            parts.say(BatchText.queueFull(flight.number, words))
            holdUntil = now + length(of: flights.count > 1 ? .poll : .again(3))
        case .refused(let words):
            error =
                error
                ?? RetortError(
                    .refused, "the provider refuses batch \(flight.number)", cause: words,
                    remedy: "Its rows are pending. Correct what is wrong and run the same command again.")
        case .gone: parts.say(BatchText.gone(flight.number))
        case .late: break
        }
    }

    // MARK: Results

    /// Nil if it was interrupted: the next run starts over.
    private func collect(
        _ view: BatchView, _ fetched: FetchedResults, isLast: Bool, of flight: BatchFlight
    ) async throws(RetortError) -> BatchMachine.Event? {
        let files = fetched.files
        defer { for file in files { journal.remove(file) } }
        if let trouble = fetched.trouble { return trouble }
        let dialect = parts.batch.dialect
        guard
            let survey = try BatchResultSurvey(
                files, mark: flight.plan.mark, count: flight.plan.requests, dialect, isStopping: { isStopping })
        else { return nil }
        if survey.isForeign, dialect.isKnownByResults { return .collected(.foreign) }
        // A cancelled batch may lack lines for good.
        let mayLack = view.end == .cancelled
        let isExpired = view.end == .expired && !dialect.tellsExpired
        if !survey.isWhole, !mayLack, !isExpired, !isLast { return .collected(.incomplete) }
        let index = try BatchItemIndex(journal.items(flight.number), expecting: flight.plan.requests)
        var isDone = Array(repeating: false, count: index.count)
        var chunk = BatchChunk(parts.store)
        for file in files {
            let reader = try LineReader(ofResults: file)
            while let (_, line) = try reader.next() {
                guard !isStopping else {
                    try await write(&chunk, of: flight)
                    return nil
                }
                guard let root = try? parser.parse(line).root, let result = dialect.result(root),
                    let number = CustomID.number(result.customID, mark: flight.plan.mark), number < index.count,
                    !isDone[number]
                else { continue }
                isDone[number] = true
                let item = try priced(index.item(number))
                var verdict = verdict(of: result, item)
                // There is no sign that the provider accepts any request of this run, so the items are not blamed.
                if !survey.hasSuccess, parts.store.counters.done == 0 { verdict.blameRun(item) }
                try await take(item, verdict, flight, &chunk)
            }
        }
        for number in 0..<index.count where !isDone[number] {
            let item = try priced(index.item(number))
            let verdict =
                mayLack
                ? BatchVerdict.left(item)
                : isExpired
                    ? verdict(of: BatchResult(customID: item.customID, kind: .expired), item)
                    : BatchVerdict(
                        item, unanswered: .server, "the results of the batch have no line for it", isPaid: true,
                        attemptsMax: attemptsMax)
            try await take(item, verdict, flight, &chunk)
        }
        try await write(&chunk, of: flight)
        closeBooks(of: flight)
        return .collected(.whole)
    }

    /// From now on the additional cost of a batch whose rows were also answered live is known.
    private func closeBooks(of flight: BatchFlight) {
        guard let overtaken = flight.overtaken else { return }
        books.settle(overtaken, spent: flight.twice)
        books.unrecorded(flight.twice)
        twice.nanodollars = twice.nanodollars.addingSaturated(flight.twice)
        (flight.overtaken, flight.twice) = (nil, 0)
    }

    private var attemptsMax: Int { parts.settings.generator.attemptsMax }

    private func verdict(of result: BatchResult, _ item: BatchItem) -> BatchVerdict {
        switch result.kind {
        case .reply(let status, var body):
            parts.settings.secrets.blot(&body)
            return BatchVerdict(
                item, ModelReply(status: status, body: body), price: price(of: item),
                parts.settings.generator.classifier, attemptsMax: attemptsMax, with: parser)
        case .expired:
            return BatchVerdict(
                item, unanswered: .timeout, "the batch expired before it was asked", isPaid: false,
                attemptsMax: attemptsMax)
        case .cancelled: return .left(item)
        case .failed(let message):
            return BatchVerdict(
                item, unanswered: .server, parts.settings.secrets.blotted(message), isPaid: false,
                attemptsMax: attemptsMax)
        }
    }

    /// The time since the batch's creation.
    private func age(of flight: BatchFlight) -> Interval {
        let standing = journal.batches[flight.number - 1]
        return .seconds(Double(max(0, Int(wallClockSeconds()) - (standing.created ?? standing.planned))))
    }

    package func price(of item: BatchItem) -> TokenPrice? {
        parts.settings.pricing.price(ofBody: item.request.body, with: parser)
    }

    /// Records the result of a line, unless an earlier run did.
    private func take(
        _ item: BatchItem, _ verdict: BatchVerdict, _ flight: BatchFlight, _ chunk: inout BatchChunk
    ) async throws(RetortError) {
        let key = RecordKey(id: item.id, sample: item.sample)
        // The cost of an item recorded earlier was not reserved again.
        guard try !chunk.outcomesBefore.has(item) else {
            guard flight.overtaken != nil else { return }
            // An answer of unknown cost counts at its maximum.
            let cost = verdict.spent ?? item.costMax
            flight.twice = flight.twice.addingSaturated(cost)
            twice.answers += cost > 0 ? 1 : 0
            return
        }
        flight.pending -= 1
        books.progress.requests += 1
        var (results, spent) = (verdict.results, verdict.spent)
        // A run that was killed while collecting may have recorded a round of an item that continues.
        if case .round(let round)? = results.first, try isKnown(round, of: item) { (results, spent) = ([], 0) }
        if flight.overtaken == nil {
            books.settle(item.costMax, spent: spent)
        } else if let spent {
            books.settle(0, spent: spent)
        } else {
            flight.twice = flight.twice.addingSaturated(item.costMax)
        }
        books.unrecorded(verdict.unrecorded)
        if let stop = verdict.stop { error = error ?? stop }
        if let retried = verdict.retried { books.progress.retries[retried, default: 0] += 1 }
        let context = ItemContext(
            key: key, row: item.row, fingerprint: item.fingerprint, asked: item.asked, metadata: item.metadata,
            request: item.request, price: price(of: item))
        for result in results {
            books.count(result)
            chunk.outcomes.append(
                Outcome(
                    context: context, result: result, attempts: verdict.attempts, latency: age(of: flight),
                    finishedAt: now,
                    rounds: verdict.rounds))
        }
        if verdict.isLeft { leave(key.hash) }
        if let next = verdict.next { try again(next, key.hash) }
        if chunk.outcomes.count >= Self.chunk { try await write(&chunk, of: flight) }
    }

    private func isKnown(_ round: ItemRound, of item: BatchItem) throws(RetortError) -> Bool {
        let key = RecordKey(id: item.id, sample: item.sample, part: .round(round.number))
        return try parts.store.lookup(key)?.fingerprint == UInt32(truncatingIfNeeded: item.fingerprint)
    }

    /// Leaves the item to the next run, which sends it again.
    private func leave(_ key: Hash128) {
        left += 1
        parts.keys.leave(key)
    }

    /// Packs an item for another batch.
    private func again(_ item: BatchItem, _ key: Hash128) throws(RetortError) {
        guard isInTime else { return leave(key) }
        guard error == nil, books.allows(item.costMax) else {
            error = error ?? books.refusal(of: item.costMax)
            return leave(key)
        }
        _ = parts.issued.insert(key, row: BatchKeys.unknownRow)
        try pack(item, row: BatchKeys.unknownRow, key: key)
    }

    /// When it returns, the results survive a kill of the process.
    private func write(_ chunk: inout BatchChunk, of flight: BatchFlight) async throws(RetortError) {
        guard !chunk.outcomes.isEmpty else { return }
        // The uncertain cost that remains after these records is noted before they are written.
        if !ownsMark || journal.uncertain != books.uncertain { try note(flight.number, .counted) }
        let pressure = try parts.recorder.accept(chunk.outcomes)
        chunk.outcomes.removeAll(keepingCapacity: true)
        try writeMark()
        publish()
        guard pressure == .pressed else { return }
        let recorder = parts.recorder
        await withCheckedContinuation { continuation in recorder.relieved { continuation.resume() } }
    }

    /// The requests of a batch were not processed.
    private func release(_ why: BatchMachine.Release, _ flight: BatchFlight) async throws(RetortError) {
        var chunk = BatchChunk(parts.store)
        try await forEachItem(of: flight) { item in
            var verdict = BatchVerdict.unasked(item)
            if why == .late { verdict = .left(item) }
            if case .refused = why { verdict = .left(item) }
            if case .gone = why { verdict.spent = nil }
            return verdict
        } take: { [self] item, verdict throws(RetortError) in
            try await take(item, verdict, flight, &chunk)
        }
        try await write(&chunk, of: flight)
        closeBooks(of: flight)
    }

    private func forEachItem(
        of flight: BatchFlight, _ verdict: (BatchItem) -> BatchVerdict,
        take: (BatchItem, BatchVerdict) async throws(RetortError) -> Void
    ) async throws(RetortError) {
        let index = try BatchItemIndex(journal.items(flight.number), expecting: flight.plan.requests)
        for number in 0..<index.count {
            let item = try priced(index.item(number))
            try await take(item, verdict(item))
        }
    }
}

/// Results about to be written to the store.
package struct BatchChunk {
    package var outcomes: [Outcome<ItemContext>] = []
    package var outcomesBefore: BatchOutcomes

    package init(_ store: RecordStore) { outcomesBefore = BatchOutcomes(store) }
}
