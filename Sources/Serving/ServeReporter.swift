import Basics
import CommandLine
import Dataset
package import Distillation
import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// Shows a server's progress, summed over all its generators.
package final class ServeReporter: ProgressObserver {
    private let display: RunDisplay
    private let store: RecordStore
    package let publisher: RunPublisher
    /// The sums over earlier generators.
    private let earlier = Locked(Progress())

    package init(_ display: RunDisplay, store: RecordStore, publisher: RunPublisher) {
        self.display = display
        self.store = store
        self.publisher = publisher
    }

    /// The sums over all generators that have ended.
    package var all: Progress { earlier.withLock { $0 } }

    package func progress(_ progress: Progress) {
        let sum = earlier.withLock { $0.adding(progress) }
        display.show(sum) { fill(&$0, sum) }
        publisher.update(
            sum, paused: RunDisplay.pausedReason(sum, trouble: store.trouble),
            cost: Spending(store.counters, mark: store.mark, notes: store.manifest.notes).dollars
        ) { standing(sum) }
    }

    package func ended(_ progress: Progress) { earlier.withLock { $0 = $0.adding(progress) } }

    package func finish(_ progress: Progress) {
        let sum = all
        display.finish(sum) { fill(&$0, sum) }
    }

    package func standing(_ progress: Progress) -> RunStanding {
        var standing = RunStanding(retried: 0, progress)
        standing.total = nil
        return standing
    }

    private func fill(_ snapshot: inout ProgressSnapshot, _ progress: Progress) {
        snapshot.total = nil
        snapshot.done = progress.answered
        snapshot.failed = progress.failed
    }
}
