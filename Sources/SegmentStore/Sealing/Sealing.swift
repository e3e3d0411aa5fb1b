import Basics

/// The store's view of the sealer: on a thread of its own, or called in place.
final class Sealing: Sendable {
    private let context: StoreContext
    let thread: SealerThread?
    private let inline: Locked<Inline>

    /// The sealer and the queue of a store without a thread.
    private struct Inline {
        var sealer: Sealer?
        var queue: [RawBlock] = []
        var failure: RetortError?
        var pause: RetortError?
    }

    /// The error of a store that has been closed.
    static let closed = RetortError(.incomplete, "the store has been closed")

    init(_ sealer: sending Sealer, context: StoreContext, options: StoreOptions) {
        self.context = context
        if options.usesThread {
            let thread = SealerThread(sealer, context: context, options: options)
            thread.start()
            self.thread = thread
            inline = Locked(Inline())
        } else {
            thread = nil
            inline = Locked(Inline(sealer: sealer))
        }
    }

    /// The error that ended the sealer.
    var fatal: RetortError? { thread?.fatal ?? inline.withLock { $0.failure } }

    /// What keeps the sealer from continuing, permanently or for now.
    var trouble: RetortError? { thread?.trouble ?? inline.withLock { $0.failure ?? $0.pause } }

    func onRelief(_ action: @escaping @Sendable () -> Void) { thread?.onRelief(action) }

    /// Queues blocks, or seals them in place. True if too much is waiting.
    func submit(_ blocks: [RawBlock]) -> Bool {
        if let thread { return thread.submit(blocks) }
        inline.withLock { $0.queue += blocks }
        // What fails stays in the queue and in the journal, as it does on the thread.
        try? inPlace { _ throws(RetortError) in }
        return false
    }

    /// Waits until everything submitted is sealed. Throws what prevents it.
    func drain() throws(RetortError) {
        if let thread { return try thread.drain() }
        try inPlace { _ throws(RetortError) in }
    }

    /// Makes everything appended so far durable.
    func sync() throws(RetortError) {
        if let thread { return try thread.sync() }
        try inPlace { sealer throws(RetortError) in try sealer.sync() }
    }

    func updateManifest(_ change: @escaping @Sendable (inout StoreManifest) -> Void) throws(RetortError) {
        if let thread { return try thread.updateManifest(change) }
        try inPlace { sealer throws(RetortError) in try sealer.updateManifest(change) }
    }

    /// Seals the last blocks and closes everything. Whatever the result, nothing can be written afterwards.
    func finish(_ blocks: [RawBlock]) throws(RetortError) {
        if let fatal { throw fatal }
        _ = submit(blocks)
        guard let thread else {
            defer { stop() }
            return try inPlace { sealer throws(RetortError) in try sealer.finish() }
        }
        let drained: Result<Void, RetortError>
        do throws(RetortError) {
            drained = .success(try thread.drain())
        } catch {
            drained = .failure(error)
        }
        guard var sealer = thread.stop() else { throw Self.closed }
        try drained.get()
        try sealer.finish()
    }

    /// Releases the files without finishing anything. Journalled records stay in the journals.
    func stop() {
        _ = thread?.stop()
        inline.withLock { inline in
            inline.sealer = nil
            inline.failure = inline.failure ?? Self.closed
        }
    }

    /// Seals what is queued, then does the additional work. The lock is released meanwhile: the sealer takes the
    /// buffers' lock.
    private func inPlace(_ work: (inout Sealer) throws(RetortError) -> Void) throws(RetortError) {
        let state = inline.withLock { $0 }
        guard state.failure == nil, var sealer = state.sealer else { throw state.failure ?? Self.closed }
        var (queue, failure, pause) = (state.queue, state.failure, RetortError?.none)
        do throws(RetortError) {
            while let block = queue.first {
                try sealer.seal(block)
                queue.removeFirst()
            }
            try work(&sealer)
        } catch {
            _ = context.distrustsIndex(error)
            if error.code == .noSpace { pause = error } else { failure = error }
        }
        inline.withLock { $0 = Inline(sealer: sealer, queue: queue, failure: failure, pause: pause) }
        if let error = failure ?? pause { throw error }
    }
}
