import Basics

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
        // Guarded by the threads' monitor.
        fileprivate var state = State.open

        fileprivate init(_ raw: [UInt8], _ threads: PackingThreads) {
            self.raw = raw
            self.threads = threads
        }

        /// Waits until it is done; if nobody has begun, the caller does it with its own codec.
        func result(_ codec: BlockCodec) -> PackedBlock { threads.result(of: self, codec) }
    }

    private struct State {
        /// Jobs that nobody has begun, in order.
        var waiting: [Job] = []
        var started = 0
        var idle = 0
        var isStopped = false
    }

    private let shared = Monitor(State())
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
    }

    /// How many have been started.
    var count: Int { shared.update { $0.started } }

    /// Takes on the compression of a block's lines.
    func submit(_ raw: [UInt8]) -> Job {
        let job = Job(raw, self)
        let wantsThread = shared.update { state in
            guard !state.isStopped else { return false }
            state.waiting.append(job)
            guard state.waiting.count > 1, state.idle == 0, state.started < threadsMax else { return false }
            state.started += 1
            return true
        }
        if wantsThread, !WorkThread.startIfPossible(givesWay: givesWay, { self.run() }) {
            shared.update { $0.started -= 1 }
        }
        return job
    }

    /// Lets the threads end once they have done what they have begun. Whoever asks for the rest does it.
    func stop() {
        shared.update { state in
            state.isStopped = true
            state.waiting.removeAll()
        }
    }

    private func result(of job: Job, _ codec: BlockCodec) -> PackedBlock {
        let known = shared.wait { state -> PackedBlock?? in
            switch job.state {
            case .done(let packed): return packed
            case .underWay: return nil
            case .open:
                job.state = .underWay
                state.waiting.removeAll { $0 === job }
                return .some(nil)
            }
        }
        return known ?? finish(job, codec)
    }

    private func run() {
        let codec = makeCodec()
        while let job = next() { _ = finish(job, codec) }
    }

    private func next() -> Job? {
        shared.update { $0.idle += 1 }
        return shared.wait { state -> Job?? in
            guard state.isStopped || state.waiting.count > 1 else { return nil }
            state.idle -= 1
            guard !state.isStopped else { return .some(nil) }
            let job = state.waiting.remove(at: 1)
            job.state = .underWay
            return job
        }
    }

    private func finish(_ job: Job, _ codec: BlockCodec) -> PackedBlock {
        let packed = codec.packed(job.raw)
        shared.update { _ in job.state = .done(packed) }
        return packed
    }
}
