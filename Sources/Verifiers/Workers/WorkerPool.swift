public import Basics
internal import Glibc

/// Processes of one program, started when they are needed and kept, that read requests as JSON lines and write opinions as
/// JSON lines, in any order.
///
/// All of it happens on a thread of the pool's own. What a pool holds is bounded: a few requests for each worker, and of
/// what a worker writes one line and the end of its errors.
public final class WorkerPool: Verifier {
    public let name: String
    private let inbox: Inbox

    /// Bytes of the longest line that a worker may write.
    public static let replyBytesMax = 4 << 20
    /// Bytes that a worker may write to its errors between two answers.
    public static let errorBytesMax = 16 << 20

    /// - Parameters:
    ///   - command: run by `/bin/sh -c`.
    ///   - workers: processes at the same time; at least one.
    ///   - timeout: how long a worker may take for one request.
    ///   - environment: what the workers have; variables that hold keys are left out, see `WorkerEnvironment`.
    public init(
        name: String, command: String, workers: Int, timeout: Interval, environment: [String: String],
        withheld: Set<String> = []
    ) {
        self.name = name
        let launch = Launch(
            command: Self.endingWithUs + ["/bin/sh", "-c", command],
            environment: WorkerEnvironment.variables(environment, withheld: withheld))
        let limits = PoolState.Limits(workers: workers, timeout: timeout)
        inbox = Inbox()
        let inbox = inbox
        WorkThread.start { PoolThread(name: name, launch, limits, inbox).run() }
    }

    /// Starts a program so that it is killed when the thread that started it is gone: one that reads no input would not learn
    /// of our end. Of util-linux.
    private static let endingWithUs: [String] = {
        let program = "/usr/bin/setpriv"
        return access(program, X_OK) == 0 ? [program, "--pdeathsig", "KILL", "--"] : []
    }()

    deinit { inbox.put(.close(nil)) }

    public func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion {
        let ticket = inbox.nextTicket()
        let result: Result<Opinion, RetortError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                inbox.put(.submit(ticket, request, { continuation.resume(returning: $0) }))
                // A cancellation that came before it was not of anything.
                if Task.isCancelled { inbox.put(.cancel(ticket)) }
            }
        } onCancel: {
            inbox.put(.cancel(ticket))
        }
        return try result.get()
    }

    public func close() async {
        await withCheckedContinuation { continuation in inbox.put(.close({ continuation.resume() })) }
    }
}

/// What a worker's environment holds.
enum WorkerEnvironment {
    /// All variables but those that hold keys: names that end in `_API_KEY`, and those that are withheld.
    static func variables(_ environment: [String: String], withheld: Set<String>) -> [String] {
        environment.filter { !$0.key.uppercased().hasSuffix("_API_KEY") && !withheld.contains($0.key) }
            .map { "\($0.key)=\($0.value)" }.sorted()
    }
}

/// What callers tell the pool's thread, and the pipe that wakes it.
final class Inbox: Sendable {
    enum Message: Sendable {
        case submit(PoolState.Ticket, VerifierRequest, @Sendable (Result<Opinion, RetortError>) -> Void)
        case cancel(PoolState.Ticket)
        case close((@Sendable () -> Void)?)
    }

    private struct State {
        var messages: [Message] = []
        var ticketNext: PoolState.Ticket = 0
        var isOver = false
    }

    private let state = Locked(State())
    let wake = WakePipe()

    func nextTicket() -> PoolState.Ticket {
        state.withLock { state in
            state.ticketNext += 1
            return state.ticketNext
        }
    }

    func put(_ message: Message) {
        let isOver = state.withLock { state in
            if !state.isOver { state.messages.append(message) }
            return state.isOver
        }
        guard isOver else { return wake.ring() }
        switch message {
        case .submit(_, _, let answer): answer(.failure(Self.closed))
        case .close(let done): done?()
        case .cancel: break
        }
    }

    private static let closed = RetortError(.incomplete, "the verifier is closed")

    func take() -> [Message] {
        state.withLock { state in
            defer { state.messages.removeAll() }
            return state.messages
        }
    }

    /// Nothing is taken any more: what comes is answered at once. Gives what came meanwhile.
    func end() -> [Message] {
        state.withLock { state in
            state.isOver = true
            defer { state.messages.removeAll() }
            return state.messages
        }
    }
}

/// A pipe that makes a waiting `poll` return.
final class WakePipe: Sendable {
    let read: Int32
    private let write: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let status = pipe(&ends)
        precondition(status == 0, "pipe failed with \(errno)")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (read, write) = (ends[0], ends[1])
    }

    deinit {
        close(read)
        close(write)
    }

    func ring() {
        var byte: UInt8 = 0
        // A full pipe wakes as well.
        _ = Glibc.write(write, &byte, 1)
    }

    func drain() {
        var bytes = [UInt8](repeating: 0, count: 512)
        while Glibc.read(read, &bytes, bytes.count) > 0 {}
    }
}
