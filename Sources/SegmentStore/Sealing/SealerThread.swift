import Basics
import Glibc

/// Runs a sealer on a thread of its own, behind a queue that its caller bounds: `submit` returns whether it is too
/// long. Blocks in the queue are compressed ahead by further threads.
final class SealerThread: @unchecked Sendable {
    // Everything below is guarded by `mutex`, except `sealer`, which only the thread uses while it runs.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [RawBlock] = []
    private var backlog = SealBacklog()
    private var isPressed = false
    private var blocks = Ticket()
    private var syncs = Ticket()
    private var changes = Ticket()
    private var manifestChanges: [@Sendable (inout StoreManifest) -> Void] = []
    private var stopRequested = false
    private var failure: RetortError?
    private var pause: RetortError?
    private var relief: (@Sendable () -> Void)?

    private var sealer: Sealer
    private let context: StoreContext
    private let policy: SyncPolicy
    private let packers: PackingThreads?
    private var thread = pthread_t()

    /// Requests of one kind: how many were made, and how many are done.
    private struct Ticket {
        var asked: UInt64 = 0
        var done: UInt64 = 0
        var isOpen: Bool { done < asked }
    }

    /// Delay before the next attempt on a full disk.
    private static let retryInterval = Interval.seconds(1)

    init(_ sealer: Sealer, context: StoreContext, options: StoreOptions) {
        self.sealer = sealer
        self.context = context
        policy = options.sync
        packers = PackingThreads(options, writesChecks: context.writesChecks, givesWay: true)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func start() {
        let context = Unmanaged.passRetained(self).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { context in
                // The appending thread serves the event loop; a full queue blocks it before this thread falls far
                // behind.
                ThreadPriority.giveWay()
                Unmanaged<SealerThread>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context)
        precondition(status == 0, "pthread_create failed with \(status)")
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Calls `action` once the queue is short again after `submit` reported pressure, or never will be because the
    /// sealer has failed. From the sealer's thread, which the action must not wait for.
    func onRelief(_ action: @escaping @Sendable () -> Void) { locked { relief = action } }

    /// What currently keeps the sealer from continuing: a full disk.
    var trouble: RetortError? { locked { failure ?? pause } }

    /// The error that ended the sealer.
    var fatal: RetortError? { locked { failure } }

    /// Number of syncs requested so far.
    var syncsAsked: UInt64 { locked { syncs.asked } }

    /// Queues blocks. Returns true if the caller should pause.
    func submit(_ new: [RawBlock]) -> Bool {
        locked {
            guard failure == nil else { return false }
            for var block in new {
                block.packing = packers?.submit(block.raw)
                backlog.add(block)
                queue.append(block)
            }
            blocks.asked += UInt64(new.count)
            if backlog.isLong { isPressed = true }
            if !new.isEmpty { pthread_cond_broadcast(condition) }
            return isPressed
        }
    }

    /// Waits until everything submitted so far is sealed. Throws what prevents it; if the sealer is paused for disk
    /// space, it tries again first.
    func drain() throws(RetortError) {
        try wait { thread in
            let target = thread.blocks.asked
            return { $0.blocks.done >= target }
        }
    }

    /// Waits until everything appended so far is durable, in a segment or a journal.
    func sync() throws(RetortError) {
        try wait { thread in
            thread.syncs.asked += 1
            let target = thread.syncs.asked
            return { $0.syncs.done >= target }
        }
    }

    /// Changes the manifest, which only the sealer's thread writes, and waits for it.
    func updateManifest(_ change: @escaping @Sendable (inout StoreManifest) -> Void) throws(RetortError) {
        try wait { thread in
            thread.manifestChanges.append(change)
            thread.changes.asked += 1
            let target = thread.changes.asked
            return { $0.changes.done >= target }
        }
    }

    /// Makes a request and waits until it is done, or cannot be done.
    private func wait(for request: (SealerThread) -> (SealerThread) -> Bool) throws(RetortError) {
        let error: RetortError? = locked {
            if let failure { return failure }
            let isDone = request(self)
            // The waiting caller needs the current state, not that of the last attempt.
            pause = nil
            pthread_cond_broadcast(condition)
            while failure == nil && pause == nil && !isDone(self) { pthread_cond_wait(condition, mutex) }
            return isDone(self) ? nil : failure ?? pause
        }
        if let error { throw error }
    }

    /// Ends the thread once the queue is empty or cannot become empty, and returns the sealer. Nil if it was called
    /// before.
    func stop() -> Sealer? {
        let isFirst = locked {
            if stopRequested { return false }
            stopRequested = true
            pthread_cond_broadcast(condition)
            return true
        }
        guard isFirst else { return nil }
        pthread_join(thread, nil)
        locked { failure = failure ?? Sealing.closed }
        return sealer
    }

    private enum Work {
        case seal(RawBlock)
        case manifest([@Sendable (inout StoreManifest) -> Void])
        /// The number of requests that the sync completes: those made before it began.
        case sync(UInt64)
        case stop
    }

    private func run() {
        var nextSync = deadline()
        var hasSynced = false
        while true {
            let work = nextWork(until: nextSync, afterSync: hasSynced)
            hasSynced = false
            switch work {
            case .seal(let block):
                // A block leaves the queue when it is in its segment; until then it is in the journal and the queue.
                if attempt({ sealer throws(RetortError) in try sealer.seal(block) }) { finishBlock(block) }
            case .manifest(let wanted):
                let isDone = attempt { sealer throws(RetortError) in
                    try sealer.updateManifest { manifest in for change in wanted { change(&manifest) } }
                }
                if isDone {
                    locked {
                        manifestChanges.removeFirst(wanted.count)
                        changes.done += UInt64(wanted.count)
                    }
                }
            case .sync(let number):
                if attempt({ sealer throws(RetortError) in try sealer.sync() }) { locked { syncs.done = number } }
                nextSync = deadline()
                hasSynced = true
            case .stop:
                packers?.stop()
                return
            }
            _ = locked { pthread_cond_broadcast(condition) }
        }
    }

    private func deadline() -> Instant? {
        if case .interval(let interval) = policy { return Instant.now + interval }
        // Without syncs the journals must still be removed from time to time.
        return Instant.now + .seconds(1)
    }

    private func nextWork(until deadline: Instant?, afterSync: Bool) -> Work {
        locked {
            while true {
                if failure != nil {
                    if stopRequested { return .stop }
                    pthread_cond_wait(condition, mutex)
                    continue
                }
                if pause != nil {
                    if stopRequested { return .stop }
                    waitOutPause()
                    continue
                }
                if !manifestChanges.isEmpty { return .manifest(manifestChanges) }
                if let deadline, Instant.now >= deadline { return .sync(syncs.asked) }
                // A waiting sync goes first, but not twice in a row: blocks must make progress too.
                if syncs.isOpen, !afterSync || queue.isEmpty { return .sync(syncs.asked) }
                if let block = queue.first { return .seal(block) }
                if stopRequested { return .stop }
                wait(until: deadline)
            }
        }
    }

    /// Waits before trying the disk again, unless another attempt is requested by clearing the pause.
    private func waitOutPause() {
        let end = Instant.now + Self.retryInterval
        while pause != nil && !stopRequested {
            if Instant.now >= end {
                pause = nil
            } else {
                wait(until: end)
            }
        }
    }

    private func wait(until deadline: Instant?) {
        guard let deadline else {
            pthread_cond_wait(condition, mutex)
            return
        }
        var time = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        pthread_cond_timedwait(condition, mutex, &time)
    }

    private func attempt(_ work: (inout Sealer) throws(RetortError) -> Void) -> Bool {
        do throws(RetortError) {
            try work(&sealer)
            return true
        } catch {
            _ = context.distrustsIndex(error)
            let action: (@Sendable () -> Void)? = locked {
                if error.code == .noSpace {
                    pause = error
                    return nil
                }
                // Nothing is sealed any more: wakes callers that wait for room; they get the error at the next append.
                failure = error
                defer { isPressed = false }
                return isPressed ? relief : nil
            }
            action?()
            return false
        }
    }

    private func finishBlock(_ block: RawBlock) {
        let action: (@Sendable () -> Void)? = locked {
            queue.removeFirst()
            backlog.remove(block)
            blocks.done += 1
            guard isPressed, backlog.isShort else { return nil }
            isPressed = false
            return relief
        }
        action?()
    }
}
