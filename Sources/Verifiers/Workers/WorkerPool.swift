public import Basics
internal import Glibc

/// Processes of one program, started on demand and reused, that read requests as JSON lines and write opinions as JSON
/// lines, in any order.
///
/// All work is done on the pool's own thread. Memory is bounded: a few requests per worker, and one line and the end of
/// the error output of each.
public final class WorkerPool: Verifier {
    public let name: String
    private let inbox: Inbox

    /// Maximum bytes of a line that a worker writes.
    public static let replyBytesMax = 4 << 20
    /// Maximum bytes of error output between two answers.
    public static let errorBytesMax = 16 << 20

    /// - Parameters:
    ///   - command: run by `/bin/sh -c`.
    ///   - workers: maximum processes at the same time; minimum 1.
    ///   - timeout: how long a worker may take for one request.
    ///   - environment: the workers' environment; variables that hold keys are removed, see `WorkerEnvironment`.
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

    /// `setpriv` of util-linux starts a program so that the kernel ends it when the thread that started it is gone. A
    /// program that does not read its input would not notice that this process has ended.
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
                // A cancellation before this point had no ticket yet.
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

/// The environment of workers.
enum WorkerEnvironment {
    /// All variables except keys: names that end in `_API_KEY`, and the withheld ones.
    static func variables(_ environment: [String: String], withheld: Set<String>) -> [String] {
        environment.filter { !$0.key.uppercased().hasSuffix("_API_KEY") && !withheld.contains($0.key) }
            .map { "\($0.key)=\($0.value)" }.sorted()
    }
}

/// Messages from callers to the pool's thread, and the pipe that wakes it.
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

    /// Closes the inbox: later messages are answered at once. Returns the messages received until now.
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
        // A full pipe also wakes the thread.
        _ = Glibc.write(write, &byte, 1)
    }

    func drain() {
        var bytes = [UInt8](repeating: 0, count: 512)
        while Glibc.read(read, &bytes, bytes.count) > 0 {}
    }
}
