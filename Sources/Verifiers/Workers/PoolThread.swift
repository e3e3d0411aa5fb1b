internal import Basics
internal import CProcess
internal import Glibc
internal import JSONText

/// The thread of a pool: carries out the decisions of `PoolState` and reports events to it.
final class PoolThread {
    private struct Caller {
        var request: VerifierRequest
        var answer: @Sendable (Result<Opinion, RetortError>) -> Void
    }

    /// A running worker and the data on its way to and from it.
    private final class Worker {
        let process: ChildProcess
        var toSend: [UInt8] = []
        var lines = LineBuffer(lineBytesMax: WorkerPool.replyBytesMax)
        var errors = TextTail(bytesMax: PoolThread.tailBytesMax)

        init(_ process: ChildProcess) { self.process = process }
    }

    private let name: String
    private let launch: Launch
    private let inbox: Inbox
    private var state: PoolState
    private var workers: [Int: Worker] = [:]
    private var callers: [PoolState.Ticket: Caller] = [:]
    private let parser = JSONParser()
    private var piece = [UInt8](repeating: 0, count: pieceBytes)
    private var closing: (since: Instant, done: [@Sendable () -> Void])?

    /// Maximum bytes of a worker's error output that messages quote.
    fileprivate static let tailBytesMax = 2 << 10
    private static let pieceBytes = 64 << 10
    /// How long workers may take to end after their input is closed.
    private static let farewell = Interval.seconds(2)

    init(name: String, _ launch: Launch, _ limits: PoolState.Limits, _ inbox: Inbox) {
        self.name = name
        self.launch = launch
        self.inbox = inbox
        state = PoolState(limits)
    }

    func run() {
        // Blocks SIGPIPE: writing to a worker that has ended must not end this process.
        var pipeSignal = sigset_t()
        sigemptyset(&pipeSignal)
        sigaddset(&pipeSignal, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipeSignal, nil)
        while !isOver {
            wait()
            for message in inbox.take() { take(message) }
            carryOut(state.tick(.now))
            closeWorkers()
        }
        workers.removeAll()
        for message in inbox.end() { take(message) }
        for caller in callers.values { caller.answer(.failure(failure("it is closed"))) }
        for done in closing?.done ?? [] { done() }
    }

    private func take(_ message: Inbox.Message) {
        switch message {
        case .submit(let ticket, let request, let answer):
            callers[ticket] = Caller(request: request, answer: answer)
            let key = ReplyKey(id: request.id, sample: request.sample)
            carryOut(state.submit(ticket, key, round: request.round, at: .now))
        case .cancel(let ticket):
            state.cancel(ticket)
            callers.removeValue(forKey: ticket)?.answer(.failure(failure("its caller was cancelled")))
        case .close(let done):
            if closing == nil {
                carryOut(state.close())
                closing = (.now, [])
            }
            if let done { closing?.done.append(done) }
        }
    }

    private func carryOut(_ actions: [PoolState.Action]) {
        // Reported after the other actions: what is to be sent to these workers is sent by what follows from that.
        var unstarted: [(number: Int, how: String)] = []
        for action in actions {
            switch action {
            case .start(let number):
                do throws(RetortError) {
                    workers[number] = Worker(try ChildProcess(launch))
                } catch {
                    unstarted.append((number, error.description))
                }
            case .send(let ticket, let number):
                guard let caller = callers[ticket], let worker = workers[number] else { continue }
                worker.toSend += caller.request.line
                write(number, worker)
            case .end(let number): end(number)
            case .succeed(let ticket, let opinion):
                callers.removeValue(forKey: ticket)?.answer(.success(opinion))
            case .fail(let ticket, let reason):
                callers.removeValue(forKey: ticket)?.answer(.failure(failure(reason)))
            }
        }
        for (number, how) in unstarted { carryOut(state.ended(number, how, at: .now)) }
    }

    private func failure(_ reason: String) -> RetortError {
        RetortError(
            .incomplete, "the verifier '\(name)' failed", cause: reason,
            remedy: "The answer is kept and can be judged again: retort evaluate.")
    }

    // MARK: Workers

    private func end(_ number: Int) {
        guard let worker = workers.removeValue(forKey: number) else { return }
        let status = worker.process.reap()
        var how = "its worker \(status.words) before it answered"
        let said = worker.errors.lastLines(2)
        if !said.isEmpty { how += "; it wrote: \(said)" }
        carryOut(state.ended(number, how, at: .now))
    }

    private func misbehaved(_ number: Int, _ reason: String) { carryOut(state.misbehaved(number, reason)) }

    /// When the workers have answered, their input is closed; those that do not exit are ended.
    private func closeWorkers() {
        guard let closing else { return }
        let isLate = Instant.now - closing.since >= Self.farewell
        guard state.isIdle || isLate else { return }
        for (number, worker) in workers {
            worker.process.closeInput()
            if isLate { end(number) }
        }
    }

    private var isOver: Bool { closing != nil && workers.isEmpty && (state.isIdle || callers.isEmpty) }

    // MARK: Waiting

    private enum Source {
        case wake
        case ending(Int)
        case input(Int)
        case output(Int)
        case errors(Int)
    }

    private func wait() {
        var sources: [Source] = [.wake]
        var wanted = [pollfd(fd: inbox.wake.read, events: Int16(POLLIN), revents: 0)]
        func want(_ source: Source, _ descriptor: Int32, _ events: Int32) {
            guard descriptor >= 0 else { return }
            sources.append(source)
            wanted.append(pollfd(fd: descriptor, events: Int16(events), revents: 0))
        }
        for (number, worker) in workers {
            if !worker.toSend.isEmpty { want(.input(number), worker.process.input, POLLOUT) }
            want(.output(number), worker.process.output, POLLIN)
            want(.errors(number), worker.process.errors, POLLIN)
            want(.ending(number), worker.process.ending, POLLIN)
        }
        guard poll(&wanted, nfds_t(wanted.count), milliseconds) > 0 else { return }
        for (place, source) in sources.enumerated() where wanted[place].revents != 0 { handle(source) }
    }

    /// Milliseconds until the next deadline; -1 for none.
    private var milliseconds: Int32 {
        var next = state.nextDeadline
        if let closing { next = min(next ?? closing.since + Self.farewell, closing.since + Self.farewell) }
        guard let next else { return -1 }
        let now = Instant.now
        guard next > now else { return 0 }
        return Int32(clamping: (next.nanoseconds - now.nanoseconds) / 1_000_000 + 1)
    }

    private func handle(_ source: Source) {
        switch source {
        case .wake: inbox.wake.drain()
        case .input(let number): if let worker = workers[number] { write(number, worker) }
        case .output(let number): readOutput(number)
        case .errors(let number): readErrors(number)
        case .ending(let number):
            // Reads what it wrote before its end.
            while readOutput(number) {}
            while readErrors(number) {}
            end(number)
        }
    }

    private func write(_ number: Int, _ worker: Worker) {
        while !worker.toSend.isEmpty, worker.process.input >= 0 {
            let count = Glibc.write(worker.process.input, worker.toSend, worker.toSend.count)
            if count < 0 {
                // The pipe is closed; the worker's end is reported separately.
                if errno == EPIPE { worker.process.closeInput() }
                return
            }
            worker.toSend.removeFirst(count)
        }
    }

    /// Reads a piece and handles its lines. False when nothing more is available, or the worker is gone.
    @discardableResult
    private func readOutput(_ number: Int) -> Bool {
        guard let worker = workers[number], worker.process.output >= 0 else { return false }
        let count = read(worker.process.output, &piece, piece.count)
        if count == 0 { worker.process.closeOutput() }
        guard count > 0 else { return false }
        guard let lines = worker.lines.append(piece[..<count]) else {
            misbehaved(number, "its worker wrote a line longer than \(WorkerPool.replyBytesMax >> 20) MiB")
            return false
        }
        for line in lines {
            guard workers[number] === worker else { return false }
            do throws(WorkerReply.Fault) {
                let reply = try WorkerReply(line, with: parser)
                worker.errors.resetCount()
                carryOut(state.reply(reply, from: number, at: .now))
            } catch {
                misbehaved(number, "its worker wrote a line \(error.text)")
            }
        }
        return workers[number] === worker
    }

    @discardableResult
    private func readErrors(_ number: Int) -> Bool {
        guard let worker = workers[number], worker.process.errors >= 0 else { return false }
        let count = read(worker.process.errors, &piece, piece.count)
        if count == 0 { worker.process.closeErrors() }
        guard count > 0 else { return false }
        worker.errors.append(piece[..<count])
        if worker.errors.count > WorkerPool.errorBytesMax {
            misbehaved(
                number, "its worker wrote more than \(WorkerPool.errorBytesMax >> 20) MiB of errors and no answer")
            return false
        }
        return true
    }
}
