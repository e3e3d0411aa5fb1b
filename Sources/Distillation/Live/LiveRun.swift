import Dataset

/// A run's connection to monitoring and control: one per run, and one per stage of a pipeline.
package struct LiveRun: Sendable {
    package let watch: RunWatch
    package let control: RunControl
    /// Whether its exchanges are observed individually.
    package let watchesExchanges: Bool
    private let onOpen: @Sendable (String) -> Void
    private let onClose: @Sendable () -> Void

    /// - Parameters:
    ///   - onOpen: called with the store's directory while its lock is held.
    ///   - onClose: called before that lock is released.
    package init(
        _ watch: RunWatch, _ control: RunControl, watchesExchanges: Bool,
        onOpen: @escaping @Sendable (String) -> Void = { _ in }, onClose: @escaping @Sendable () -> Void = {}
    ) {
        (self.watch, self.control, self.watchesExchanges) = (watch, control, watchesExchanges)
        (self.onOpen, self.onClose) = (onOpen, onClose)
    }

    /// The store is locked.
    package func open(in store: String) {
        watch.note(.start, "started: \(store)")
        onOpen(store)
    }

    /// The store is about to be closed: commands have no effect any more.
    package func close() {
        control.detach()
        onClose()
    }
}
