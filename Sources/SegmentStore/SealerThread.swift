import Basics
import Glibc

/// Runs a sealer on a thread of its own, behind a queue that is bounded by its caller's good manners: `submit` says
/// when it is too long.
final class SealerThread: @unchecked Sendable {
    // Everything below is guarded by `mutex`, but for `sealer`, which only the thread touches while it runs.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [RawBlock] = []
    private var queuedBytes = 0
    private var isPressed = false
    private var isSealing = false
    private var syncRequested = false
    private var stopRequested = false
    private var failure: RetortError?
    private var pause: RetortError?
    private var relief: (@Sendable () -> Void)?
    private var manifestChanges: [@Sendable (inout StoreManifest) -> Void] = []

    private var sealer: Sealer
    private let policy: SyncPolicy
    private var thread = pthread_t()

    /// How long a full disk is left alone before the next try.
    private static let retryInterval = Interval.seconds(1)

    init(_ sealer: Sealer, policy: SyncPolicy) {
        self.sealer = sealer
        self.policy = policy
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

    /// Called once the queue has become short again after `submit` had reported pressure. From the sealer's thread.
    func onRelief(_ action: @escaping @Sendable () -> Void) { locked { relief = action } }

    /// What keeps the sealer from going on for now: a full disk.
    var trouble: RetortError? { locked { failure ?? pause } }

    /// What ended the sealer for good.
    var fatal: RetortError? { locked { failure } }

    /// Queues blocks; true when the caller should stop for a while.
    func submit(_ blocks: [RawBlock]) -> Bool {
        locked {
            queue.append(contentsOf: blocks)
            for block in blocks { queuedBytes += block.raw.count }
            if queuedBytes > StoreLimits.sealQueueBytesMax { isPressed = true }
            if !blocks.isEmpty { pthread_cond_broadcast(condition) }
            return isPressed
        }
    }

    /// Waits until everything submitted so far is sealed and, if asked, durable. Throws what keeps it from that.
    func drain(syncing: Bool) throws(RetortError) {
        let error: RetortError? = locked {
            if syncing { syncRequested = true }
            pthread_cond_broadcast(condition)
            while failure == nil && pause == nil
                && (!queue.isEmpty || isSealing || syncRequested || !manifestChanges.isEmpty)
            {
                pthread_cond_wait(condition, mutex)
            }
            return failure ?? pause
        }
        if let error { throw error }
    }

    /// Changes the manifest, which the sealer's thread alone writes, and waits until that is done.
    func updateManifest(_ change: @escaping @Sendable (inout StoreManifest) -> Void) throws(RetortError) {
        locked { manifestChanges.append(change) }
        try drain(syncing: false)
    }

    /// Ends the thread, after the queue is empty or has failed, and hands the sealer back.
    func stop() -> Sealer {
        locked {
            stopRequested = true
            pthread_cond_broadcast(condition)
        }
        pthread_join(thread, nil)
        return sealer
    }

    private enum Work {
        case seal(RawBlock)
        case manifest([@Sendable (inout StoreManifest) -> Void])
        case sync
        case stop
    }

    private func run() {
        var nextSync = deadline()
        while true {
            switch nextWork(until: nextSync) {
            case .seal(let block):
                // A block leaves the queue when it is in its segment; until then the journal and the queue have it.
                if attempt({ sealer throws(RetortError) in try sealer.seal(block) }) { finishBlock(block) }
            case .manifest(let changes):
                let done = attempt { sealer throws(RetortError) in
                    try sealer.changeManifest { manifest in for change in changes { change(&manifest) } }
                }
                if done { locked { manifestChanges.removeFirst(changes.count) } }
            case .sync:
                if attempt({ sealer throws(RetortError) in try sealer.sync() }) { locked { syncRequested = false } }
                nextSync = deadline()
            case .stop:
                return
            }
            locked {
                isSealing = false
                pthread_cond_broadcast(condition)
            }
        }
    }

    private func deadline() -> Instant? {
        if case .interval(let interval) = policy { return Instant.now + interval }
        // Without syncs the journals still have to be retired now and then.
        return Instant.now + .seconds(1)
    }

    private func nextWork(until deadline: Instant?) -> Work {
        locked {
            while true {
                if failure != nil || pause != nil {
                    if stopRequested { return .stop }
                    if failure == nil {
                        wait(until: Instant.now + Self.retryInterval)
                        if !stopRequested { pause = nil }
                        continue
                    }
                    pthread_cond_wait(condition, mutex)
                    continue
                }
                if !manifestChanges.isEmpty { return begin(.manifest(manifestChanges)) }
                if let deadline, Instant.now >= deadline { return begin(.sync) }
                if let block = queue.first { return begin(.seal(block)) }
                if syncRequested { return begin(.sync) }
                if stopRequested { return .stop }
                wait(until: deadline)
            }
        }
    }

    private func begin(_ work: Work) -> Work {
        isSealing = true
        return work
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
            locked {
                if error.code == .noSpace { pause = error } else { failure = error }
            }
            return false
        }
    }

    private func finishBlock(_ block: RawBlock) {
        let action: (@Sendable () -> Void)? = locked {
            queue.removeFirst()
            queuedBytes -= block.raw.count
            guard isPressed, queuedBytes < StoreLimits.sealQueueBytesMax / 2 else { return nil }
            isPressed = false
            return relief
        }
        action?()
    }
}
