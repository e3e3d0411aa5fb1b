package import Basics
package import Dataset
package import ResponseGenerator
package import SegmentStore

/// Writes outcomes to the store, and also bad rows, which never reach the generator.
package final class Recorder: OutcomeSink {
    private let store: RecordStore
    private let codec: RecordCodec
    private let issued: IssuedKeys
    private let watch: RunWatch?
    /// `append` takes one caller at a time; outcomes and bad rows come from two threads.
    private let turn = Locked(())
    /// Whether the mark is known to be that of requests.
    private let ownsMark = Locked(false)

    private let goal: AcceptedGoal?
    private let library: AnswerLibrary?

    package init(
        _ store: RecordStore, codec: RecordCodec, issued: IssuedKeys, watch: RunWatch? = nil, goal: AcceptedGoal? = nil,
        library: AnswerLibrary? = nil
    ) {
        self.library = library
        self.goal = goal
        self.watch = watch
        self.store = store
        self.codec = codec
        self.issued = issued
    }

    package func accept(_ batch: [Outcome<ItemContext>]) throws(RetortError) -> SinkPressure {
        let records = batch.map(codec.record)
        let result = try append(records)
        // If there is no room to note them, such requests are sent again.
        try? library?.recorded(records)
        issued.remove(records.map(\.key.hash))
        if let watch {
            let hasFailures = records.contains { if case .failed = $0.status { true } else { false } }
            watch.settled(batch, hasFailures: hasFailures)
        }
        if let goal {
            let accepted = batch.count { if case .answer = $0.result { true } else { false } }
            let failed = batch.count { if case .failure = $0.result { true } else { false } }
            goal.settle(accepted: accepted, of: accepted + failed)
        }
        return result.isPressed ? .pressed : .open
    }

    package func note(unrecordedMax nanodollars: Int) throws(RetortError) {
        if !ownsMark.withLock({ $0 }) {
            try MarkOwner.requests.take(store)
            ownsMark.withLock { $0 = true }
        }
        try store.setMark(Int64(nanodollars))
    }

    package func relieved(_ wake: @escaping @Sendable () -> Void) { store.onRelief(wake) }

    package func record(badRow records: [NewRecord]) throws(RetortError) { _ = try append(records) }

    package func record(verdicts: [NewRecord]) throws(RetortError) { _ = try append(verdicts) }

    private func append(_ records: [NewRecord]) throws(RetortError) -> RecordStore.Appended {
        try turn.withLock { _ throws(RetortError) in try store.append(records) }
    }
}
