internal import Basics

extension EventLoop {
    func turn() {
        let ready = poller.wait(timeToWait())
        turnStart = .now
        for index in 0..<ready {
            guard let event = poller.take(index) else { continue }
            event.handler.descriptorReady(event.descriptor, event.readiness)
        }
        fireDueTimers()
        collect()
        let jobsRun = runJobs()
        runDeferred()
        counters.turnEnded(jobs: jobsRun, took: .now - turnStart)
    }

    /// Nil if only sockets and other threads' work are expected.
    private func timeToWait() -> Interval? {
        if !jobs.isEmpty || !actions.isEmpty || !deferred.isEmpty { return .zero }
        guard let deadline = timers.earliest else { return nil }
        return max(.zero, deadline - .now)
    }

    private func fireDueTimers() {
        while let (deadline, alarm) = timers.popDue(turnStart) {
            counters.timerFired(late: turnStart - deadline)
            switch alarm {
            case .action(let action): action()
            case .sleeper(let continuation): continuation.resume(returning: true)
            }
        }
    }

    /// Takes the work that other threads left.
    private func collect() {
        inbox.withLock { inbox in
            guard !inbox.isEmpty else { return }
            jobs += inbox.jobs
            actions += inbox.actions
            inbox.jobs.removeAll(keepingCapacity: true)
            inbox.actions.removeAll(keepingCapacity: true)
        }
    }

    /// Runs actions and jobs, and those that they cause, until there are none or the turn's limit is reached.
    private func runJobs() -> Int {
        let executor = asUnownedTaskExecutor()
        var next = 0
        while next < EventLoop.turnJobsMax {
            if !actions.isEmpty { runActions() }
            guard next < jobs.count else { break }
            jobs[next].runSynchronously(on: executor)
            next += 1
        }
        if next == jobs.count {
            jobs.removeAll(keepingCapacity: true)
        } else {
            jobs.removeFirst(next)
        }
        return next
    }

    private func runActions() {
        var taken: [@Sendable () -> Void] = []
        swap(&taken, &actions)
        for action in taken { action() }
    }

    private func runDeferred() {
        guard !deferred.isEmpty else { return }
        var taken: [() -> Void] = []
        swap(&taken, &deferred)
        for action in taken { action() }
    }

    /// The last turn: nothing that waits for the loop is left hanging.
    func close() {
        for alarm in timers.removeAll() {
            if case .sleeper(let continuation) = alarm { continuation.resume(returning: false) }
        }
        repeat {
            collect()
            _ = runJobs()
            runDeferred()
            inbox.withLock { inbox in
                if inbox.isEmpty && jobs.isEmpty && actions.isEmpty { inbox.isClosed = true }
            }
        } while !inbox.withLock { $0.isClosed }
    }
}
