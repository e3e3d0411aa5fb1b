package import Basics
package import Dataset
import JSONText
import ModelAPI
package import PromptSource
package import ResponseGenerator
package import SegmentStore
import StageSource

/// The generator's source: a thread reads and plans rows, and hands batches over a short queue.
///
/// Memory is a few batches, however long the input and however slow the model.
package final class PlannedSource: ItemSource {
    /// Maximum items handed over at once, and bytes of their requests.
    package static let batchItemsMax = 256
    package static let batchBytesMax = 4 << 20
    /// Batches planned ahead.
    package static let batchesAhead = 2
    /// Rows between two landmarks.
    package static let rowsPerLandmark: UInt64 = 1024

    private struct State {
        var batches: [Batch] = []
        var isFinished = false
        var error: RetortError?
        var isCancelled = false
        var waiter: CheckedContinuation<Void, Never>?
        /// The watch that the reading thread may wait on.
        var watch: SourceWatch?
        /// Rows read so far, and the results of those that are not items.
        var reading = Reading()

        /// Takes the first batch, or up to `most` items of it.
        mutating func takeFirst(_ most: Int) -> [Item<ItemContext>] {
            guard most < batches[0].items.count else { return batches.removeFirst().items }
            let taken = Array(batches[0].items.prefix(most))
            batches[0].items.removeFirst(most)
            batches[0].bytes -= taken.reduce(0) { $0 + $1.request.body.count }
            return taken
        }
    }

    /// How far the input has been read.
    package struct Reading: Sendable {
        package var rows: UInt64 = 0
        package var findings = RowPlanner.Findings()
        /// How many of `rows` are of this run's shard; nil until all rows were read.
        package var rowsOfShard: UInt64?
        package var isComplete = false
        /// The place where the input ends in the middle of a row.
        package var tornEnd: String?
    }

    /// This many items that were handed out have no outcome for now.
    package func lose(_ count: Int) { goal?.lose(count) }

    /// Items that were planned and not handed over yet.
    private struct Batch {
        var items: [Item<ItemContext>] = []
        var bytes = 0
        /// If the order is not the input's, many items are ordered together.
        var order = SendingOrder.input

        var isFull: Bool {
            switch order {
            case .input: items.count >= batchItemsMax || bytes >= batchBytesMax
            case .prefix: items.count >= SendingOrder.windowItemsMax || bytes >= SendingOrder.windowBytesMax
            }
        }

        /// The same items in order, in batches of the usual size.
        func parts(with parser: JSONParser) -> [Batch] {
            guard order != .input else { return [self] }
            var parts = [Batch()]
            for group in order.sorted(items, with: parser) {
                if parts[parts.count - 1].isFull { parts.append(Batch()) }
                parts[parts.count - 1].append(group)
            }
            return parts
        }

        mutating func append(_ more: [Item<ItemContext>]) {
            items += more
            bytes += more.reduce(0) { $0 + $1.request.body.count + ($1.history?.held?.answer.body.count ?? 0) }
        }

        /// Appends another batch, if the result is within the limits.
        mutating func merge(_ other: Batch) -> Bool {
            guard items.count + other.items.count <= batchItemsMax, bytes + other.bytes <= batchBytesMax else {
                return false
            }
            items += other.items
            bytes += other.bytes
            return true
        }
    }

    private let state = Monitor(State())
    /// Locked while a row is processed; false once the thread may no longer use the store.
    private let isOpen = Locked(true)
    /// Outcomes that the store had before the run.
    private let held: UInt64

    /// Limits how many items may be handed out; nil: no limit.
    private let goal: AcceptedGoal?

    package init(held: UInt64 = 0, goal: AcceptedGoal? = nil) { (self.held, self.goal) = (held, goal) }

    package var reading: Reading { state.update { $0.reading } }

    // MARK: The consumer's side

    package func next() async throws(RetortError) -> [Item<ItemContext>]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.update { state in
                    if !state.batches.isEmpty || state.isFinished || state.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            cancel()
        }
        var most = Int.max
        if let goal, let waiting = state.update({ $0.batches.first?.items.count }) {
            guard let room = await goal.take(waiting) else {
                cancel()
                return goal.count.isReached ? nil : []
            }
            most = room
        }
        let (batch, error) = state.update { state -> ([Item<ItemContext>]?, RetortError?) in
            if !state.batches.isEmpty { return (state.takeFirst(most), nil) }
            if state.isFinished { return (nil, state.error) }
            return ([], nil)
        }
        if let error { throw error }
        return batch
    }

    /// Ends the reading thread at its next row and wakes waiting callers.
    package func cancel() {
        let waiter = state.update { state in
            state.isCancelled = true
            state.watch?.cancel()
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
        goal?.cancel()
    }

    /// Cancels, and waits until the thread no longer uses the store, even if it is still blocked on its input.
    package func close() {
        cancel()
        isOpen.withLock { $0 = false }
    }

    // MARK: The reading thread's side

    /// Starts the thread. `planner` and the reader are created on it, since they belong to one thread.
    ///
    /// - Parameter starting: starts work that may block.
    package func start(
        input: InputSet, from landmark: Landmark, _ range: RowRange = RowRange(), store: RecordStore,
        recorder: Recorder, reading: SourceReading = .none,
        planner: @escaping @Sendable () throws(RetortError) -> RowPlanner,
        onBadRow: @escaping @Sendable (RetortError) -> Void, onRemark: @escaping @Sendable (String) -> Void = { _ in },
        starting start: WorkThread.Start = { WorkThread.start(givesWay: true, $0) }
    ) {
        state.update { $0.watch = reading.watch }
        start { [self] in
            let rows = RangedRows(
                input, from: landmark, range, position: reading.position, watch: reading.watch, watches: reading.watches
            )
            var failure: RetortError?
            do throws(RetortError) {
                let planner = try planner()
                try read(rows, planner, store, recorder, reading, onBadRow, onRemark)
            } catch {
                failure = error
            }
            finish(failure)
        }
    }

    private func read(
        _ rows: RangedRows, _ planner: RowPlanner, _ store: RecordStore, _ recorder: Recorder,
        _ reading: SourceReading,
        _ onBadRow: (RetortError) -> Void, _ onRemark: (String) -> Void
    ) throws(RetortError) {
        let order = planner.settings.order
        var batch = Batch(order: order)
        var noted = rows.landmark.row
        let isLive = !planner.input.isRepeatable || reading.watch != nil
        // The first rows of files were examined before.
        let isTable = planner.input.files.contains { $0.format == .csv || $0.format == .tsv }
        var gate = BadRowGate(isOpen: !isLive, isTable: isTable)
        var last: RetortError?
        do throws(RetortError) {
            while let row = try rows.next() {
                // A run cannot resume from a position after rows that are held back.
                if let position = rows.takePassed(), !gate.isHolding { try reading.keeper?.pass(position) }
                let isWanted = try isOpen.withLock { isOpen throws(RetortError) in
                    guard isOpen else { return false }
                    switch try planner.plan(row) {
                    case .items(let items):
                        try record(gate.open(), recorder, onBadRow)
                        batch.append(items)
                        reading.keeper?.handOut(items.map(\.context.key.hash))
                        last = nil
                    case .badRow(let records, let error):
                        last = error
                        try record(try gate.take(records, error, row, planner.parser), recorder, onBadRow)
                    case .otherShard:
                        if !planner.standing.isMixed { store.noteRowOfAnotherShard(row.number) }
                    }
                    if !planner.input.isStore, rows.landmark.row >= noted + Self.rowsPerLandmark {
                        noted = rows.landmark.row
                        store.noteLandmark(rows.landmark.stored)
                    }
                    return true
                }
                guard isWanted else { return }
                planner.takeRemarks().forEach(onRemark)
                if isLive && rows.mayWait { batch.append(try planner.takeOpen()) }
                // The next row of a pipe may take any time.
                if batch.isFull || isLive && rows.mayWait && !batch.items.isEmpty {
                    guard hand(over: batch, rows: rows.rows, planner) else { return }
                    batch = Batch(order: order)
                }
            }
            try isOpen.withLock { isOpen throws(RetortError) in
                if isOpen { try record(try gate.end(), recorder, onBadRow) }
            }
            batch.append(try planner.takeOpen())
        } catch {
            // What was planned before the error is valid.
            if let open = try? planner.takeOpen() { batch.append(open) }
            _ = hand(over: batch, rows: rows.rows, planner)
            throw error
        }
        if let position = rows.takePassed() { try reading.keeper?.pass(position) }
        if rows.isAtEnd { try end(rows, planner, store) }
        guard hand(over: batch, rows: rows.rows, planner) else { return }
        let isTorn = last?.message.hasPrefix(Self.notJSON) ?? false
        state.update { state in
            state.reading.isComplete = true
            if planner.settings.shard != nil { state.reading.rowsOfShard = planner.rowsOfShard(held: held) }
            state.reading.tornEnd = isTorn ? last?.place : nil
        }
    }

    /// The beginning of the message about a truncated row.
    private static let notJSON = "the row is not JSON"

    private func record(
        _ rows: [BadRowGate.Held], _ recorder: Recorder, _ onBadRow: (RetortError) -> Void
    ) throws(RetortError) {
        for row in rows {
            try recorder.record(badRow: row.records)
            onBadRow(row.error)
        }
    }

    /// The end of the input was reached.
    private func end(_ rows: RangedRows, _ planner: RowPlanner, _ store: RecordStore) throws(RetortError) {
        try isOpen.withLock { isOpen throws(RetortError) in
            guard isOpen else { return }
            if !planner.input.isStore { store.noteLandmark(rows.landmark.stored) }
            guard planner.settings.shard != nil else { return try store.endInput(rows: rows.landmark.row) }
            try store.endInput(
                rows: planner.rowsOfShard(held: held), of: rows.landmark.row,
                elsewhere: UInt64(planner.findings.elsewhere))
        }
    }

    /// Waits for room, then queues the batch. False if it is no longer wanted.
    private func hand(over batch: Batch, rows: UInt64, _ planner: RowPlanner) -> Bool {
        batch.parts(with: planner.splitter).allSatisfy { queue($0, rows: rows, planner) }
    }

    private func queue(_ batch: Batch, rows: UInt64, _ planner: RowPlanner) -> Bool {
        let (isWanted, waiter) = state.wait { state -> (Bool, CheckedContinuation<Void, Never>?)? in
            if state.isCancelled { return (false, nil) }
            let last = state.batches.indices.last
            if last == nil || !state.batches[last!].merge(batch) {
                guard state.batches.count < Self.batchesAhead else { return nil }
                if !batch.items.isEmpty { state.batches.append(batch) }
            }
            state.reading.rows = rows
            state.reading.findings = planner.findings
            if batch.items.isEmpty { return (true, nil) }
            defer { state.waiter = nil }
            return (true, state.waiter)
        }
        waiter?.resume()
        return isWanted
    }

    private func finish(_ error: RetortError?) {
        let waiter = state.update { state in
            state.isFinished = true
            state.error = error
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}

extension Landmark {
    /// The store's form of the landmark.
    package var stored: InputLandmark {
        InputLandmark(row: row, file: UInt32(file), byteOffset: byteOffset, line: line)
    }

    package init(_ stored: InputLandmark) {
        self.init(file: Int(stored.file), byteOffset: stored.byteOffset, line: stored.line, row: stored.row)
    }
}
