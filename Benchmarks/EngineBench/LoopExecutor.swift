import Basics
import Glibc

/// One thread that runs jobs in the order they come and wakes sleepers in between: the least an event loop does.
final class LoopExecutor: TaskExecutor, @unchecked Sendable {
    private struct Incoming {
        var jobs: [UnownedJob] = []
        var isStopped = false
    }

    private let incoming = Locked(Incoming())
    private let signal: UnsafeMutablePointer<sem_t>
    private var thread = pthread_t()
    // Touched by the loop's own thread only.
    private var queue: [UnownedJob] = []
    private var sleepers: [(due: Instant, continuation: UnsafeContinuation<Void, Never>)] = []

    init() {
        signal = .allocate(capacity: 1)
        sem_init(signal, 0, 0)
        let me = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<LoopExecutor>.fromOpaque(argument!).takeRetainedValue().loop()
                return nil
            }, me)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if pthread_equal(pthread_self(), thread) != 0 {
            queue.append(job)
        } else {
            incoming.withLock { $0.jobs.append(job) }
            sem_post(signal)
        }
    }

    /// Sleeps on the loop; its own tasks only. Sleeps of one length end in the order they began.
    func sleep(_ interval: Interval) async {
        await withUnsafeContinuation { sleepers.append((.now + interval, $0)) }
    }

    func stop() {
        incoming.withLock { $0.isStopped = true }
        sem_post(signal)
        pthread_join(thread, nil)
    }

    private func loop() {
        while true {
            let isStopped = incoming.withLock { state in
                queue += state.jobs
                state.jobs.removeAll(keepingCapacity: true)
                return state.isStopped
            }
            var index = 0
            while index < queue.count {
                queue[index].runSynchronously(on: asUnownedTaskExecutor())
                index += 1
            }
            queue.removeAll(keepingCapacity: true)
            if isStopped { return }
            wakeOrWait()
        }
    }

    private func wakeOrWait() {
        guard let first = sleepers.first else {
            sem_wait(signal)
            return
        }
        let now = Instant.now
        if first.due > now {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            let total = Int64(time.tv_nsec) + (first.due - now).nanoseconds
            time.tv_sec += Int(total / 1_000_000_000)
            time.tv_nsec = Int(total % 1_000_000_000)
            sem_timedwait(signal, &time)
            return
        }
        let due = sleepers.prefix { $0.due <= now }
        sleepers.removeFirst(due.count)
        for sleeper in due { sleeper.continuation.resume() }
    }
}
