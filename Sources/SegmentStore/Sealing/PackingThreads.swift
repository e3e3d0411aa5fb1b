import Basics
import Glibc

/// Threads that compress blocks before the sealer comes to them. The sealer appends the blocks in their order.
///
/// A thread is started when the sealer is two blocks behind and the others are busy. The next block is always left to
/// the sealer, which rarely waits for a thread then. The threads have its priority.
final class PackingThreads: @unchecked Sendable {
    /// The compression of one block, done once, by whoever begins it.
    final class Job: @unchecked Sendable {
        fileprivate enum State {
            case open
            case underWay
            case done(PackedBlock)
        }

        let raw: [UInt8]
        private let threads: PackingThreads
        // Guarded by the threads' mutex.
        fileprivate var state = State.open

        fileprivate init(_ raw: [UInt8], _ threads: PackingThreads) {
            self.raw = raw
            self.threads = threads
        }

        /// Waits until it is done; if nobody has begun, the caller does it with its own codec.
        func result(_ codec: BlockCodec) -> PackedBlock { threads.result(of: self, codec) }
    }

    // Everything below is guarded by `mutex`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Jobs that nobody has begun, in order.
    private var waiting: [Job] = []
    private var started = 0
    private var idle = 0
    private var isStopped = false

    private let threadsMax: Int
    private let givesWay: Bool
    private let makeCodec: @Sendable () -> BlockCodec

    /// Nil for a store without threads. `givesWay`: whether the sealer's thread does.
    convenience init?(_ options: StoreOptions, writesChecks: Bool, givesWay: Bool) {
        guard options.usesThread, options.packingThreadsMax > 0 else { return nil }
        let level = options.compressionLevel
        self.init(threadsMax: options.packingThreadsMax, givesWay: givesWay) {
            BlockCodec(level: level, writesChecks: writesChecks)
        }
    }

    init(threadsMax: Int, givesWay: Bool, codec: @escaping @Sendable () -> BlockCodec) {
        self.threadsMax = threadsMax
        self.givesWay = givesWay
        makeCodec = codec
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// How many have been started.
    var count: Int { locked { started } }

    /// Takes on the compression of a block's lines.
    func submit(_ raw: [UInt8]) -> Job {
        let job = Job(raw, self)
        let wantsThread = locked {
            guard !isStopped else { return false }
            waiting.append(job)
            guard waiting.count > 1 else { return false }
            if idle > 0 {
                pthread_cond_broadcast(condition)
                return false
            }
            guard started < threadsMax else { return false }
            started += 1
            return true
        }
        if wantsThread, !WorkThread.startIfPossible(givesWay: givesWay, { self.run() }) { locked { started -= 1 } }
        return job
    }

    /// Lets the threads end once they have done what they have begun. Whoever asks for the rest does it.
    func stop() {
        locked {
            isStopped = true
            waiting.removeAll()
            _ = pthread_cond_broadcast(condition)
        }
    }

    private func result(of job: Job, _ codec: BlockCodec) -> PackedBlock {
        let known: PackedBlock? = locked {
            while true {
                switch job.state {
                case .done(let packed): return packed
                case .underWay: pthread_cond_wait(condition, mutex)
                case .open:
                    job.state = .underWay
                    waiting.removeAll { $0 === job }
                    return nil
                }
            }
        }
        return known ?? finish(job, codec)
    }

    private func run() {
        let codec = makeCodec()
        while let job = next() { _ = finish(job, codec) }
    }

    private func next() -> Job? {
        locked {
            idle += 1
            defer { idle -= 1 }
            while !isStopped {
                if waiting.count > 1 {
                    let job = waiting.remove(at: 1)
                    job.state = .underWay
                    return job
                }
                pthread_cond_wait(condition, mutex)
            }
            return nil
        }
    }

    private func finish(_ job: Job, _ codec: BlockCodec) -> PackedBlock {
        let packed = codec.packed(job.raw)
        locked {
            job.state = .done(packed)
            _ = pthread_cond_broadcast(condition)
        }
        return packed
    }
}
