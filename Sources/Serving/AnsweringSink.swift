package import Basics
package import Dataset
package import Distillation
import ModelAPI
package import ResponseGenerator
import SegmentStore

/// The generator's sink in `retort serve`: records outcomes, and only then replies to the waiting clients.
package final class AnsweringSink: OutcomeSink {
    private let recorder: Recorder
    private let waiting: WaitingClients
    private let stored: StoredAnswers
    private let onOutcome: @Sendable (Outcome<ItemContext>) -> Void

    /// - Parameter onOutcome: called with each recorded outcome, before its clients get their replies.
    package init(
        _ recorder: Recorder, _ waiting: WaitingClients, _ stored: StoredAnswers,
        onOutcome: @escaping @Sendable (Outcome<ItemContext>) -> Void = { _ in }
    ) {
        self.recorder = recorder
        self.waiting = waiting
        self.stored = stored
        self.onOutcome = onOutcome
    }

    package func accept(_ batch: [Outcome<ItemContext>]) throws(RetortError) -> SinkPressure {
        let pressure = try recorder.accept(batch)
        for outcome in batch { answer(outcome) }
        return pressure
    }

    private func answer(_ outcome: Outcome<ItemContext>) {
        let key = outcome.context.key
        var reply: ClientReply
        switch outcome.result {
        case .answer(let answer):
            stored.keep(key.hash, answer.body)
            reply = ClientReply(body: answer.body, id: key.id)
        case .failure(let failure): reply = ClientReply(failure, id: key.id)
        case .round, .opinion: return onOutcome(outcome)
        }
        onOutcome(outcome)
        for client in waiting.take(key.hash) {
            client.take(reply)
            if case .answer = outcome.result { reply.isReused = true }
        }
    }

    package func note(unrecordedMax nanodollars: Int) throws(RetortError) {
        try recorder.note(unrecordedMax: nanodollars)
    }

    package func relieved(_ wake: @escaping @Sendable () -> Void) { recorder.relieved(wake) }
}
