internal import Basics
internal import ModelAPI

/// Cancels one attempt in a task group without the others. Any thread.
final class AttemptCancellation: Sendable {
    typealias Exchange = Task<Result<ModelReply, TransportFailure>, Never>

    private enum State {
        /// To `running` or `cancelled`.
        case waiting
        /// To `cancelled`.
        case running(Exchange)
        case cancelled
    }

    private let state = Locked(State.waiting)

    /// Runs the exchange in a task of its own on the executor, since a child of a group cannot be cancelled alone. It also ends
    /// when the current task is cancelled.
    func run(
        on executor: (any TaskExecutor)?,
        _ exchange: @escaping @Sendable () async -> Result<ModelReply, TransportFailure>
    ) async -> Result<ModelReply, TransportFailure> {
        let task: Exchange? = state.withLock { state in
            guard case .waiting = state else { return nil }
            let task = Task(executorPreference: executor) { await exchange() }
            state = .running(task)
            return task
        }
        guard let task else { return .failure(TransportFailure(.cancelled, "not sent", stage: .unconnected)) }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    func cancel() {
        let task: Exchange? = state.withLock { state in
            defer { state = .cancelled }
            guard case .running(let task) = state else { return nil }
            return task
        }
        task?.cancel()
    }
}
