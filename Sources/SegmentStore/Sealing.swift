import Basics

/// The sealer as the store sees it: on a thread of its own, or called in place.
final class Sealing: Sendable {
    private let thread: SealerThread?
    private let inline: Locked<Inline>

    /// The sealer and the queue of a store without a thread.
    private struct Inline {
        var sealer: Sealer?
        var queue: [RawBlock] = []
        var failure: RetortError?
        var pause: RetortError?
    }

    init(_ sealer: sending Sealer, options: StoreOptions) {
        if options.usesThread {
            let thread = SealerThread(sealer, policy: options.sync)
            thread.start()
            self.thread = thread
            inline = Locked(Inline())
        } else {
            thread = nil
            inline = Locked(Inline(sealer: sealer))
        }
    }

    /// What ended the sealer for good.
    var fatal: RetortError? { thread?.fatal ?? inline.withLock { $0.failure } }

    /// What keeps the sealer from going on, for good or for now.
    var trouble: RetortError? { thread?.trouble ?? inline.withLock { $0.failure ?? $0.pause } }

    func onRelief(_ action: @escaping @Sendable () -> Void) { thread?.onRelief(action) }

    /// Queues blocks, or seals them in place. True when too much is waiting.
    func submit(_ blocks: [RawBlock]) -> Bool {
        if let thread { return thread.submit(blocks) }
        inline.withLock { $0.queue += blocks }
        // What fails stays in the queue and in the journal, as it does on the thread.
        try? inPlace { _ throws(RetortError) in }
        return false
    }

    /// Waits until everything submitted is sealed and, if asked, durable. Throws what keeps it from that.
    func drain(syncing: Bool) throws(RetortError) {
        if let thread { return try thread.drain(syncing: syncing) }
        try inPlace { sealer throws(RetortError) in if syncing { try sealer.sync() } }
    }

    func updateManifest(_ change: @escaping @Sendable (inout StoreManifest) -> Void) throws(RetortError) {
        if let thread { return try thread.updateManifest(change) }
        try inPlace { sealer throws(RetortError) in try sealer.changeManifest(change) }
    }

    /// Seals the last blocks and closes everything.
    func finish(_ blocks: [RawBlock]) throws(RetortError) {
        _ = submit(blocks)
        guard let thread else { return try inPlace { sealer throws(RetortError) in try sealer.finish() } }
        let drained: Result<Void, RetortError>
        do throws(RetortError) {
            drained = .success(try thread.drain(syncing: false))
        } catch {
            drained = .failure(error)
        }
        var sealer = thread.stop()
        try drained.get()
        try sealer.finish()
    }

    /// Seals what is queued, then does some more. The lock is not held meanwhile: the sealer takes the buffers' lock.
    private func inPlace(_ work: (inout Sealer) throws(RetortError) -> Void) throws(RetortError) {
        var (sealer, queue, failure) = inline.withLock { ($0.sealer!, $0.queue, $0.failure) }
        if let failure { throw failure }
        var pause: RetortError?
        do throws(RetortError) {
            while let block = queue.first {
                try sealer.seal(block)
                queue.removeFirst()
            }
            try work(&sealer)
        } catch {
            if error.code == .noSpace { pause = error } else { failure = error }
        }
        inline.withLock { $0 = Inline(sealer: sealer, queue: queue, failure: failure, pause: pause) }
        if let error = failure ?? pause { throw error }
    }
}
