/// Runs steps one after another, on a thread of its own or in place (for tests that replay an order).
///
/// Blocks the caller when too many steps wait. After a step has failed, the steps behind it are dropped and the
/// caller's next call throws the error. One caller at a time.
public final class SerialWorker: Sendable {
    public typealias Step = @Sendable () throws(RetortError) -> Void

    private struct State {
        var waiting: [Step] = []
        var isWorking = false
        var isReleased = false
        var error: RetortError?
    }

    /// Nil when steps run in place.
    private let shared: Monitor<State>?
    private let stepsMax: Int

    /// `stepsMax`: how many steps may wait.
    public init(onThread: Bool, stepsMax: Int) {
        self.stepsMax = stepsMax
        guard onThread else {
            shared = nil
            return
        }
        let shared = Monitor(State())
        self.shared = shared
        WorkThread.start { Self.work(shared) }
    }

    deinit { shared?.update { $0.isReleased = true } }

    /// Runs the step now, or queues it. Throws the error of an earlier step.
    public func submit(_ step: @escaping Step) throws(RetortError) {
        guard let shared else { return try step() }
        let error = shared.wait { $0.error != nil || $0.waiting.count < self.stepsMax ? .some($0.error) : nil }
        if let error { throw error }
        shared.update { $0.waiting.append(step) }
    }

    /// Waits until all steps have run. Throws the error of a failed step.
    public func drain() throws(RetortError) {
        guard let shared else { return }
        let error = shared.wait { $0.waiting.isEmpty && !$0.isWorking ? .some($0.error) : nil }
        if let error { throw error }
    }

    /// Waits until no step runs or waits, whether one has failed or not.
    public func settle() { shared?.wait { $0.waiting.isEmpty && !$0.isWorking ? () : nil } }

    private static func work(_ shared: Monitor<State>) {
        while true {
            let isEnd = shared.wait { !$0.waiting.isEmpty ? false : $0.isReleased ? true : nil }
            if isEnd { return }
            // The step is taken in an update, which wakes a caller that waits for room.
            let steps = shared.update { state in
                state.isWorking = true
                defer { state.waiting = [] }
                return state.waiting
            }
            let error = run(steps)
            shared.update { state in
                state.isWorking = false
                if let error {
                    state.error = error
                    state.waiting = []
                }
            }
        }
    }

    private static func run(_ steps: [Step]) -> RetortError? {
        do throws(RetortError) {
            for step in steps { try step() }
            return nil
        } catch {
            return error
        }
    }
}
