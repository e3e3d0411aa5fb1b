public import Basics

/// The state machine of one batch, from its file on disk to its results in the store. A value without clock or I/O: it
/// returns one action at a time and is told the result. Each `note` is on disk before the next action, so after a kill
/// at any moment the next run continues with what the provider has of the batch.
public struct BatchMachine: Sendable, Hashable {
    public enum Action: Sendable, Hashable {
        /// Append this to the journal.
        case note(BatchStage)
        /// Search for its file among the provider's files.
        case findFile
        case upload
        /// Search for it among the provider's batches, except these.
        case findBatch(except: [String])
        case create(file: String?)
        case look(String)
        /// It is long overdue: cancel it.
        case cancel(String)
        /// Download the results and record them. `isLast`: results missing now will not come.
        case collect(BatchView, isLast: Bool)
        /// Its requests were not processed and are to be sent again.
        case release(Release)
        case wait(Pause)
        /// The batch is finished.
        case finished(Release?)
        /// This run cannot continue it; it stays open.
        case stopped(RetortError)
    }

    /// Why the requests of a batch were not processed.
    public enum Release: Sendable, Hashable {
        /// The account has too much in its queue.
        case queueFull(String)
        /// The provider rejected it and would reject the next one too.
        case refused(String)
        /// The provider no longer has it.
        case gone
        /// The deadline passed before it was submitted: its requests stay pending.
        case late
    }

    public enum Pause: Sendable, Hashable {
        /// Until its status is read again.
        case poll
        /// After an error; each wait is longer. Counted from 1.
        case again(Int)
        /// Until the provider's lists show whether a lost call had an effect; each wait is longer. Counted from 1.
        case settling(Int)
        /// Until the provider's queue has capacity, with its message; each wait is longer. Counted from 1.
        case queue(Int, String)
    }

    public enum Event: Sendable, Hashable {
        case noted
        case waited
        case foundFile(String?)
        case uploaded(String)
        case foundBatch(String?)
        case created(String)
        case looked(BatchView)
        /// Still in progress, and it should have ended long ago.
        case overdue(BatchView)
        case cancelled
        case collected(Collection)
        case released
        /// The call had no effect, and repeating it would not help.
        case refused(RetortError)
        /// The key or the account was rejected: no call of this run will succeed.
        case denied(RetortError)
        /// The call had no effect but may succeed later.
        case busy
        /// The provider's queue is full; the call had no effect.
        case queueFull(String)
        /// It is unknown whether the call had an effect.
        case lost(RetortError)
        /// The call did not reach a server.
        case unsent(RetortError)
        /// The provider does not know the requested object.
        case unknown(RetortError)
    }

    public enum Collection: Sendable, Hashable {
        case whole
        /// Some results are missing, or a file is truncated.
        case incomplete
        /// The results belong to another batch.
        case foreign
    }

    private enum State: Sendable, Hashable {
        case begin
        case findingFile, uploading
        case notingUpload, notingCreation
        case creating
        /// The number of searches so far.
        case findingBatch(Int)
        case settling(Int)
        case notingBatch, polling, looking, cancelling
        case notingView(BatchView)
        case notingEnd(BatchView)
        case collecting(BatchView)
        case notingForeign
        case notingPostponed(String)
        case releasing(Release)
        case notingRelease(Release)
        case notingCollected
        case waitingToUpload, waitingToCreate, waitingForQueue
        case over
    }

    private let hasFiles: Bool
    /// Whether a batch unknown to the provider is given up.
    private let forgets: Bool
    /// Whether its requests are packed again when the queue is full, because batches are smaller now.
    private let repacks: Bool
    private var state = State.begin
    private var file: String?
    private var batch: String?
    private var foreign: [String] = []
    /// The state at the start, for the first action.
    private let standing: BatchStanding?
    private var tries = 0
    private var busyTries = 0
    private var queueTries = 0
    private var downloads = 0
    private var seen: BatchView?
    private var hasCancelled = false
    /// The deadline has passed: what is not submitted is released, and what is in progress is cancelled.
    private var isLate = false

    /// Maximum failed calls in a row, after which the batch is left for a later run.
    public static let triesMax = 30
    /// Maximum searches for a batch before it is created again, over some minutes: lists may lag, and a call that ended
    /// in a gateway timeout may still be processed.
    public static let looksMax = 8
    /// Maximum downloads of results before missing ones count as lost.
    public static let downloadsMax = 3

    /// - Parameters:
    ///   - standing: the batch's state in the journal; nil for a batch that was just planned.
    ///   - isLate: whether the deadline has already passed.
    public init(
        hasFiles: Bool, forgets: Bool, repacks: Bool = false, isLate: Bool = false, from standing: BatchStanding? = nil
    ) {
        self.isLate = isLate
        self.hasFiles = hasFiles
        self.forgets = forgets
        self.repacks = repacks
        self.standing = standing
        file = standing?.file
        batch = standing?.batch
        foreign = standing?.foreign ?? []
    }

    /// The first action.
    public mutating func begin() -> Action {
        guard let standing else { return hasFiles ? upload() : notingCreation() }
        if let batch = standing.batch { return look(batch) }
        if standing.isCreating { return find(1) }
        if isLate { return release(.late) }
        if file != nil { return notingCreation() }
        guard hasFiles else { return notingCreation() }
        state = .findingFile
        return .findFile
    }

    /// Whether the provider has confirmed the creation.
    public var isSubmitted: Bool { batch != nil }

    /// Handles the deadline. Returns the action that replaces the current wait, if the deadline ends it; nil: the
    /// current action continues.
    public mutating func cut() -> Action? {
        isLate = true
        switch state {
        case .waitingToUpload, .waitingToCreate, .waitingForQueue: return release(.late)
        case .polling where downloads == 0 && !hasCancelled: return batch.map { cancel($0) }
        default: return nil
        }
    }

    /// Takes the result of the action and returns the next action.
    public mutating func happened(_ event: Event) -> Action {
        switch event {
        case .lost(let error): return lost(error)
        case .unsent(let error): return unsent(error)
        case .refused(let error): return refused(error)
        case .unknown(let error): return unknown(error)
        case .queueFull(let words): return queueFull(words)
        case .denied(let error): return stop(error)
        case .busy: return busy()
        case .uploaded, .created, .looked, .overdue, .collected: (tries, busyTries) = (0, 0)
        default: break
        }
        switch (state, event) {
        case (.findingFile, .foundFile(let found)):
            guard let found else { return isLate ? release(.late) : upload() }
            return uploaded(found)
        case (.uploading, .uploaded(let id)): return uploaded(id)
        case (.waitingToUpload, .waited):
            state = .findingFile
            return .findFile
        case (.notingUpload, .noted): return isLate ? release(.late) : notingCreation()
        case (.notingCreation, .noted): return isLate ? release(.late) : create()
        case (.waitingToCreate, .waited): return create()
        case (.waitingForQueue, .waited): return notingCreation()
        case (.creating, .created(let id)): return created(id)
        case (.settling(let looks), .waited): return find(looks)
        case (.findingBatch(let looks), .foundBatch(let found)):
            if let found { return created(found) }
            guard looks >= Self.looksMax else { return settle(looks + 1) }
            // The possible second creation is recorded before the call.
            return isLate ? release(.gone) : notingCreation()
        case (.notingBatch, .noted):
            guard let batch else { return create() }
            return look(batch)
        case (.polling, .waited):
            guard let batch else { return create() }
            return look(batch)
        case (.looking, .looked(let view)): return looked(view)
        case (.looking, .overdue(let view)): return overdue(view)
        case (.cancelling, .cancelled): return poll()
        case (.notingView, .noted): return poll()
        case (.notingEnd(let view), .noted): return ended(view)
        case (.collecting(let view), .collected(let what)): return collected(view, what)
        case (.notingForeign, .noted): return find(1)
        case (.notingPostponed(let words), .noted): return waitForQueue(words)
        case (.releasing(let why), .released):
            state = .notingRelease(why)
            return .note(.collected(why.name))
        case (.notingRelease(let why), .noted):
            state = .over
            return .finished(why)
        case (.notingCollected, .noted):
            state = .over
            return .finished(nil)
        default: return stop(Self.confusion)
        }
    }

    private static let confusion = RetortError(
        .io, "a batch received an unexpected event", remedy: "Run the same command again.")

    // MARK: Steps

    private mutating func upload() -> Action {
        state = .uploading
        return .upload
    }

    private mutating func uploaded(_ id: String) -> Action {
        file = id
        state = .notingUpload
        return .note(.uploaded(file: id))
    }

    private mutating func notingCreation() -> Action {
        state = .notingCreation
        return .note(.creating)
    }

    private mutating func create() -> Action {
        state = .creating
        return .create(file: file)
    }

    private mutating func find(_ looks: Int) -> Action {
        state = .findingBatch(looks)
        return .findBatch(except: foreign)
    }

    private mutating func settle(_ looks: Int) -> Action {
        state = .settling(looks)
        return .wait(.settling(looks))
    }

    private mutating func created(_ id: String) -> Action {
        batch = id
        state = .notingBatch
        return .note(.created(batch: id))
    }

    private mutating func look(_ id: String) -> Action {
        state = .looking
        return .look(id)
    }

    private mutating func poll() -> Action {
        state = .polling
        return .wait(.poll)
    }

    private mutating func looked(_ view: BatchView) -> Action {
        if let end = view.end {
            state = .notingEnd(view)
            return .note(.ended(end.name))
        }
        if isLate, !hasCancelled { return cancel(view.id) }
        let isNew = seen.map { $0.succeeded != view.succeeded || $0.failed != view.failed } ?? true
        guard isNew else { return poll() }
        seen = view
        state = .notingView(view)
        return .note(
            .seen(total: view.total, succeeded: view.succeeded, failed: view.failed, expires: view.expires))
    }

    private mutating func overdue(_ view: BatchView) -> Action {
        hasCancelled ? looked(view) : cancel(view.id)
    }

    private mutating func cancel(_ id: String) -> Action {
        hasCancelled = true
        state = .cancelling
        return .cancel(id)
    }

    private mutating func ended(_ view: BatchView) -> Action {
        guard case .failed(let code, let message) = view.end else { return collect(view) }
        guard code == "token_limit_exceeded" else { return release(.refused("\(code): \(message)")) }
        guard !isLate else { return release(.late) }
        guard !repacks else { return release(.queueFull(message)) }
        foreign.append(view.id)
        (batch, seen) = (nil, nil)
        return postpone(view.id, message)
    }

    private mutating func collect(_ view: BatchView) -> Action {
        state = .collecting(view)
        return .collect(view, isLast: downloads + 1 >= Self.downloadsMax)
    }

    private mutating func collected(_ view: BatchView, _ what: Collection) -> Action {
        switch what {
        case .whole: break
        case .incomplete:
            downloads += 1
            if downloads < Self.downloadsMax {
                // The status is read again first: a result file may appear late.
                state = .polling
                return .wait(.again(downloads))
            }
        case .foreign:
            foreign.append(view.id)
            (batch, seen, downloads) = (nil, nil, 0)
            state = .notingForeign
            return .note(.foreign(batch: view.id))
        }
        state = .notingCollected
        return .note(.collected(view.end?.name ?? "completed"))
    }

    private mutating func release(_ why: Release) -> Action {
        state = .releasing(why)
        return .release(why)
    }

    private mutating func stop(_ error: RetortError) -> Action {
        state = .over
        return .stopped(error)
    }

    // MARK: Errors

    private mutating func refused(_ error: RetortError) -> Action {
        if case .creating = state { return release(.refused(error.description)) }
        // A batch that cannot be cancelled continues.
        if case .cancelling = state { return poll() }
        return stop(error)
    }

    private mutating func unknown(_ error: RetortError) -> Action {
        // A file or batch that the provider does not know was never billed under this name, or has no results any more.
        switch state {
        case .looking, .collecting: return forgets ? release(.gone) : stop(error)
        // Without a list, no file can be found.
        case .findingFile where forgets: return happened(.foundFile(nil))
        case .findingBatch where forgets: return happened(.foundBatch(nil))
        default: return stop(error)
        }
    }

    private mutating func queueFull(_ words: String) -> Action {
        guard case .creating = state else { return busy() }
        if isLate { return release(.late) }
        return repacks ? release(.queueFull(words)) : postpone("", words)
    }

    /// The provider keeps the file; only the batch is created again.
    private mutating func postpone(_ id: String, _ words: String) -> Action {
        state = .notingPostponed(words)
        return .note(.postponed(batch: id))
    }

    private mutating func waitForQueue(_ words: String) -> Action {
        queueTries = min(queueTries + 1, Self.triesMax)
        state = .waitingForQueue
        return .wait(.queue(queueTries, words))
    }

    private mutating func busy() -> Action {
        busyTries = min(busyTries + 1, Self.triesMax)
        return pause(.wait(.again(busyTries)))
    }

    private mutating func lost(_ error: RetortError) -> Action {
        tries += 1
        guard tries <= Self.triesMax else { return stop(error) }
        if case .creating = state { return settle(1) }
        return pause(.wait(.again(tries)))
    }

    private mutating func unsent(_ error: RetortError) -> Action {
        tries += 1
        return tries <= Self.triesMax ? pause(.wait(.again(tries))) : stop(error)
    }

    /// Waits, then repeats the step, or first checks whether the step had an effect.
    private mutating func pause(_ action: Action) -> Action {
        switch state {
        case .findingFile where isLate, .uploading where isLate, .creating where isLate: return release(.late)
        case .findingFile, .uploading: state = .waitingToUpload
        case .creating: state = .waitingToCreate
        case .findingBatch(let looks): state = .settling(looks)
        case .cancelling: (state, hasCancelled) = (.polling, false)
        case .looking, .collecting: state = .polling
        default: return stop(Self.confusion)
        }
        return action
    }
}

extension BatchEnd {
    public var name: String {
        switch self {
        case .completed: "completed"
        case .expired: "expired"
        case .cancelled: "cancelled"
        case .failed: "failed"
        }
    }
}

extension BatchMachine.Release {
    public var name: String {
        switch self {
        case .queueFull: "queue full"
        case .refused: "refused"
        case .gone: "gone"
        case .late: "late"
        }
    }
}
