import Basics
import PromptSource
import ResponseGenerator
import SegmentStore

/// The generator's source: a thread reads and plans rows, and hands batches over a short queue.
///
/// Memory is two batches, however long the input and however slow the model.
final class PlannedSource: ItemSource {
    /// Items handed over at once.
    static let batchItems = 256
    /// Batches planned ahead.
    static let batchesAhead = 2
    /// Rows between two landmarks.
    static let rowsPerLandmark: UInt64 = 1024

    private struct State {
        var batches: [[Item<ItemContext>]] = []
        var isFinished = false
        var error: RetortError?
        var isCancelled = false
        var waiter: CheckedContinuation<Void, Never>?
        /// Rows read so far, and what became of those that are not items.
        var reading = Reading()
    }

    /// How far the input has been read.
    struct Reading: Sendable {
        var rows: UInt64 = 0
        var foundItems = 0
        var changedItems = 0
        var isComplete = false
    }

    private let state = Monitor(State())

    var reading: Reading { state.update { $0.reading } }

    // MARK: The consumer's side

    func next() async throws(RetortError) -> [Item<ItemContext>]? {
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
        let (batch, error) = state.update { state -> ([Item<ItemContext>]?, RetortError?) in
            if !state.batches.isEmpty { return (state.batches.removeFirst(), nil) }
            if state.isFinished { return (nil, state.error) }
            return ([], nil)
        }
        if let error { throw error }
        return batch
    }

    /// Ends the reading thread at its next row and lets whoever waits go.
    func cancel() {
        let waiter = state.update { state in
            state.isCancelled = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    // MARK: The reading thread's side

    /// Starts the thread. `planner` and the reader are made on it, since they belong to one thread.
    func start(
        input: InputSet, from landmark: Landmark, store: RecordStore, recorder: Recorder,
        planner: @escaping @Sendable () -> RowPlanner, onBadRow: @escaping @Sendable (RetortError) -> Void
    ) {
        WorkThread.start { [self] in
            let rows = RowReader(input, from: landmark)
            let planner = planner()
            var failure: RetortError?
            do throws(RetortError) {
                try read(rows, planner, store, recorder, onBadRow)
            } catch {
                failure = error
            }
            finish(failure)
        }
    }

    private func read(
        _ rows: RowReader, _ planner: RowPlanner, _ store: RecordStore, _ recorder: Recorder,
        _ onBadRow: (RetortError) -> Void
    ) throws(RetortError) {
        var batch: [Item<ItemContext>] = []
        var lastLandmark = rows.landmark.row
        while let row = try rows.next() {
            do throws(RetortError) {
                switch try planner.plan(row) {
                case .items(let items): batch += items
                case .badRow(let records, let error):
                    try recorder.record(badRow: records)
                    onBadRow(error)
                }
            } catch {
                // What was planned before is good.
                _ = hand(over: batch, rows: row.number, planner)
                throw error
            }
            if rows.landmark.row >= lastLandmark + Self.rowsPerLandmark {
                lastLandmark = rows.landmark.row
                store.noteLandmark(rows.landmark.stored)
            }
            if batch.count >= Self.batchItems {
                guard hand(over: batch, rows: row.number + 1, planner) else { return }
                batch = []
            }
        }
        let total = rows.landmark.row
        store.noteLandmark(rows.landmark.stored)
        _ = hand(over: batch, rows: total, planner)
        try store.endInput(rows: total)
        state.update { $0.reading.isComplete = true }
    }

    /// Waits for room, then queues the batch. False when nobody wants it any more.
    private func hand(over batch: [Item<ItemContext>], rows: UInt64, _ planner: RowPlanner) -> Bool {
        let (isWanted, waiter) = state.wait { state -> (Bool, CheckedContinuation<Void, Never>?)? in
            if state.isCancelled { return (false, nil) }
            guard state.batches.count < Self.batchesAhead else { return nil }
            state.reading.rows = rows
            state.reading.foundItems = planner.foundItems
            state.reading.changedItems = planner.changedItems
            if batch.isEmpty { return (true, nil) }
            state.batches.append(batch)
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
    /// The form in which the store keeps it.
    var stored: InputLandmark {
        InputLandmark(row: row, file: UInt32(file), byteOffset: byteOffset, line: line)
    }

    init(_ stored: InputLandmark) {
        self.init(file: Int(stored.file), byteOffset: stored.byteOffset, line: stored.line, row: stored.row)
    }
}
